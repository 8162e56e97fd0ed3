import { type ByteReader, type ByteSource } from '../byteSource.js';
import { dataMalformed, dataUnsupported } from '../dataErrors.js';

/** What the header of a WAV file says, and where its samples are. */
export interface WavFile {
  readonly bytes: ByteSource;
  readonly encoding: 'integer' | 'float';
  /** Bits of one stored number: 8, 16, 24, 32 or 64. */
  readonly bits: number;
  readonly channelCount: number;
  /** Frames a second; a frame holds one number of each channel. */
  readonly sampleRate: number;
  readonly frameCount: number;
  readonly dataOffset: number;
}

const codes = { integer: 1, float: 3, extensible: 0xfffe } as const;

/** Names of encodings that people meet and that must be decoded first. */
const compressedNames = new Map([
  [2, 'ADPCM'],
  [6, 'A-law'],
  [7, 'µ-law'],
  [17, 'IMA ADPCM'],
  [85, 'MP3'],
]);

/** Sizes that writers leave where they did not know how much would follow. */
const unknownSizes = new Set([0, 0xffffffff]);

/**
 * Reads the header of a RIFF or RF64 WAV file: integers of 8, 16, 24 and 32 bits, floats of 32 and 64, also in the
 * extensible form.
 *
 * Source: IBM & Microsoft (1991), "Multimedia Programming Interface and Data Specifications 1.0", and EBU Tech 3306 (RF64).
 *
 * @throws UserError `data-malformed`, or `data-unsupported` for compressed ones.
 */
export async function openWav(bytes: ByteSource): Promise<WavFile> {
  const reader = await bytes.open();
  try {
    return await readHeader(bytes, reader);
  } finally {
    await reader.close();
  }
}

async function readHeader(bytes: ByteSource, reader: ByteReader): Promise<WavFile> {
  const { name, sizeBytes } = bytes;
  if (sizeBytes < 12) throw dataMalformed(name, 'it is shorter than the header of a WAV file');
  const riff = textOf(await reader.read(0, 12));
  if (riff.startsWith('RIFX')) throw dataUnsupported(name, 'it is a big-endian WAV file (RIFX)');
  if (!/^(RIFF|RF64)....WAVE$/s.test(riff)) throw dataMalformed(name, 'it does not begin as a WAV file');
  let format: WavFormat | undefined;
  let longSizeBytes: number | undefined;
  for await (const chunk of chunksOf(bytes, reader)) {
    if (chunk.id === 'ds64') longSizeBytes = longSizeOf(await reader.read(chunk.offset, chunk.sizeBytes));
    if (chunk.id === 'fmt ') format = formatOf(await reader.read(chunk.offset, chunk.sizeBytes), name);
    if (chunk.id !== 'data') continue;
    if (format === undefined) throw dataMalformed(name, 'its samples come before what they are');
    const dataBytes = dataSizeOf(chunk, longSizeBytes, bytes);
    const frameBytes = format.channelCount * (format.bits / 8);
    return { bytes, ...format, frameCount: Math.floor(dataBytes / frameBytes), dataOffset: chunk.offset };
  }
  throw dataMalformed(name, 'it has no samples ("data")');
}

interface Chunk {
  readonly id: string;
  /** Of what it holds, after its own header. */
  readonly offset: number;
  readonly sizeBytes: number;
}

async function* chunksOf({ sizeBytes: fileBytes }: ByteSource, reader: ByteReader): AsyncGenerator<Chunk> {
  let offset = 12;
  while (offset + 8 <= fileBytes) {
    const header = await reader.read(offset, 8);
    const sizeBytes = viewOf(header).getUint32(4, true);
    const chunk = { id: textOf(header.subarray(0, 4)), offset: offset + 8, sizeBytes };
    const isCut = chunk.id !== 'data' && chunk.offset + sizeBytes > fileBytes;
    if (isCut) return;
    yield chunk;
    // Chunks begin at even places.
    offset = chunk.offset + sizeBytes + (sizeBytes % 2);
  }
}

function dataSizeOf(
  chunk: Chunk,
  longSizeBytes: number | undefined,
  { name, sizeBytes }: ByteSource,
): number {
  const left = sizeBytes - chunk.offset;
  if (longSizeBytes === undefined && unknownSizes.has(chunk.sizeBytes)) return left;
  const said = longSizeBytes ?? chunk.sizeBytes;
  if (said <= left) return said;
  throw dataMalformed(
    name,
    `its header tells of ${String(said)} bytes of samples and ${String(left)} follow`,
  );
}

function longSizeOf(ds64: Uint8Array): number | undefined {
  return ds64.length < 16 ? undefined : Number(viewOf(ds64).getBigUint64(8, true));
}

type WavFormat = Pick<WavFile, 'encoding' | 'bits' | 'channelCount' | 'sampleRate'>;

function formatOf(fmt: Uint8Array, name: string): WavFormat {
  if (fmt.length < 16) throw dataMalformed(name, 'its description of the samples ("fmt ") is cut');
  const view = viewOf(fmt);
  const written = view.getUint16(0, true);
  // The extensible form keeps the code as the first two bytes of an identifier.
  const code = written === codes.extensible && fmt.length >= 26 ? view.getUint16(24, true) : written;
  const channelCount = view.getUint16(2, true);
  const sampleRate = view.getUint32(4, true);
  const bits = view.getUint16(14, true);
  if (channelCount === 0 || sampleRate === 0) {
    throw dataMalformed(
      name,
      `its header tells of ${channelCount} channels at ${sampleRate} samples a second`,
    );
  }
  if (code === codes.integer && [8, 16, 24, 32].includes(bits)) {
    return { encoding: 'integer', bits, channelCount, sampleRate };
  }
  if (code === codes.float && [32, 64].includes(bits)) {
    return { encoding: 'float', bits, channelCount, sampleRate };
  }
  const what = compressedNames.get(code) ?? `encoding ${code} with ${bits} bits`;
  throw dataUnsupported(
    name,
    `its samples are ${what}; convert it to PCM (ffmpeg -i in.wav -c:a pcm_s16le out.wav)`,
  );
}

/**
 * Reads frames `[start, end)` as `[C, T]`; what lies outside of the file is 0.
 *
 * Integers become −1 … 1 by division by 2^(bits − 1) (8-bit ones are stored from 0 to 255, around 128); floats stay as they are.
 */
export async function readFrames(
  wav: WavFile,
  reader: ByteReader,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<Float64Array> {
  const { channelCount, frameCount, dataOffset, bits } = wav;
  const length = end - start;
  const result = new Float64Array(channelCount * length);
  const first = Math.min(Math.max(start, 0), frameCount);
  const last = Math.min(Math.max(end, first), frameCount);
  if (first === last) return result;
  const size = bits / 8;
  const frameBytes = channelCount * size;
  const bytes = await reader.read(dataOffset + first * frameBytes, (last - first) * frameBytes);
  const numberAt = numberReader(wav, viewOf(bytes));
  for (let frame = first; frame < last; frame++) {
    for (let channel = 0; channel < channelCount; channel++) {
      const at = (frame - first) * frameBytes + channel * size;
      result[channel * length + frame - start] = numberAt(at);
    }
  }
  return result;
}

function numberReader({ encoding, bits }: WavFile, view: DataView): (at: number) => number {
  if (encoding === 'float') {
    return bits === 32 ? (at) => view.getFloat32(at, true) : (at) => view.getFloat64(at, true);
  }
  switch (bits) {
    case 8:
      return (at) => (view.getUint8(at) - 128) / 128;
    case 16:
      return (at) => view.getInt16(at, true) / 2 ** 15;
    case 24:
      return (at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 2 ** 23;
    default:
      return (at) => view.getInt32(at, true) / 2 ** 31;
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
