import { frameCount } from './tones.js';

/** Frames of a window, and from one window to the next. */
export const [windowSize, hop] = [64, 32];

/** Frequencies from 0 to half the sample rate. */
export const binCount = windowSize / 2 + 1;

/** Windows that fit into a sound. */
export const columnCount = Math.floor((frameCount - windowSize) / hop) + 1;

const cosines = Float64Array.from({ length: windowSize }, (_, i) => Math.cos((2 * Math.PI * i) / windowSize));
const sines = Float64Array.from({ length: windowSize }, (_, i) => Math.sin((2 * Math.PI * i) / windowSize));

/** Returns log(1 + 10 · magnitude) of the Fourier transform of Hann windows, `[bins, columns]`: 0 is silence. */
export function spectrogramOf(frames: Float32Array): Float32Array {
  const values = new Float32Array(binCount * columnCount);
  for (let column = 0; column < columnCount; column++) {
    const window = Float64Array.from({ length: windowSize }, (_, i) => {
      return (frames[column * hop + i] ?? 0) * Math.sin((Math.PI * i) / windowSize) ** 2;
    });
    for (let bin = 0; bin < binCount; bin++) {
      let [real, imaginary] = [0, 0];
      for (const [i, value] of window.entries()) {
        real += value * (cosines[(bin * i) % windowSize] ?? 0);
        imaginary += value * (sines[(bin * i) % windowSize] ?? 0);
      }
      values[bin * columnCount + column] = Math.log1p(10 * Math.hypot(real, imaginary));
    }
  }
  return values;
}
