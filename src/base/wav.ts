/** Returns amplitudes of −1 … 1 as a WAV file: one channel, 16 bits; what is louder is cut. */
export function encodeWav(amplitudes: Float64Array, sampleRate: number): Uint8Array {
  const dataBytes = amplitudes.length * 2;
  const bytes = new Uint8Array(44 + dataBytes);
  const view = new DataView(bytes.buffer);
  const write = (offset: number, text: string): void => {
    for (let i = 0; i < text.length; i++) view.setUint8(offset + i, text.charCodeAt(i));
  };
  write(0, 'RIFF');
  view.setUint32(4, 36 + dataBytes, true);
  write(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  // PCM, one channel.
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, Math.round(sampleRate), true);
  view.setUint32(28, Math.round(sampleRate) * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  write(36, 'data');
  view.setUint32(40, dataBytes, true);
  for (const [index, amplitude] of amplitudes.entries()) {
    view.setInt16(44 + index * 2, Math.round(Math.max(-1, Math.min(1, amplitude)) * 32_767), true);
  }
  return bytes;
}
