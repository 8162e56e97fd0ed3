import type { Pixels } from '../picture.js';

/** Height of a waveform's picture as a share of its width. */
const heightShare = 1 / 3;

/**
 * Returns one channel as people draw sounds: for each column the range that its frames cover, dark on light, zero in the
 * middle and the largest level at the edge.
 */
export function drawWaveform(frames: Float64Array, maxWidth: number): Pixels {
  const width = Math.max(1, Math.min(maxWidth, frames.length));
  const height = Math.max(3, Math.round(maxWidth * heightShare));
  const peak = frames.reduce(
    (largest, level) => Math.max(largest, Number.isFinite(level) ? Math.abs(level) : 0),
    0,
  );
  const values = new Float64Array(width * height).fill(255);
  const rowOf = (level: number): number =>
    Math.round(((1 - (peak === 0 ? 0 : level / peak)) / 2) * (height - 1));
  for (let column = 0; column < width; column++) {
    const start = Math.floor((column * frames.length) / width);
    const end = Math.max(start + 1, Math.floor(((column + 1) * frames.length) / width));
    const part = frames.subarray(start, end).filter(Number.isFinite);
    if (part.length === 0) continue;
    const low = part.reduce((a, b) => Math.min(a, b), Infinity);
    const high = part.reduce((a, b) => Math.max(a, b), -Infinity);
    for (let row = rowOf(high); row <= rowOf(low); row++) values[row * width + column] = 0;
  }
  return { width, height, channelCount: 1, values };
}
