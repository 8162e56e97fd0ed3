/** Frames of one window: a power of two. */
const windowSize = 256;

/** Frequencies that are drawn, neighbours of the transform joined by their larger. */
const frequencyCount = 64;

/** Windows that are drawn. */
const maxWindowCount = 200;

/** Quieter than this below the loudest is not drawn. */
const rangeDecibels = 60;

/**
 * Returns how loud each frequency is over time: windows × frequencies, low to high, 0 at 60 dB below the loudest and 1 there.
 *
 * Hann windows of 256 frames, evenly spread over the sound; sounds shorter than a window have none.
 */
export function spectrumOf(frames: Float64Array): {
  readonly spectrum: number[];
  readonly frequencyCount: number;
} {
  if (frames.length < windowSize) return { spectrum: [], frequencyCount: 0 };
  const count = Math.min(maxWindowCount, Math.floor((2 * frames.length) / windowSize) - 1);
  const powers = new Float64Array(count * frequencyCount);
  for (let window = 0; window < count; window++) {
    const start = Math.round((window * (frames.length - windowSize)) / Math.max(1, count - 1));
    powers.set(powersOf(frames.subarray(start, start + windowSize)), window * frequencyCount);
  }
  const loudest = powers.reduce((a, b) => Math.max(a, b), 0);
  const spectrum = Array.from(powers, (power) => {
    const decibels = power > 0 && loudest > 0 ? 10 * Math.log10(power / loudest) : -Infinity;
    return Number(Math.max(0, 1 + decibels / rangeDecibels).toFixed(2));
  });
  return { spectrum, frequencyCount };
}

function powersOf(window: Float64Array): Float64Array {
  const real = window.map((frame, i) => frame * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / windowSize)));
  const imaginary = new Float64Array(windowSize);
  transform(real, imaginary);
  const joined = windowSize / 2 / frequencyCount;
  return Float64Array.from({ length: frequencyCount }, (_, frequency) => {
    let largest = 0;
    for (let i = frequency * joined; i < (frequency + 1) * joined; i++) {
      largest = Math.max(largest, (real[i] ?? 0) ** 2 + (imaginary[i] ?? 0) ** 2);
    }
    return largest;
  });
}

/** The discrete Fourier transform in place, by halves: X_k = E_k + e^{−2πik/n} O_k. */
function transform(real: Float64Array, imaginary: Float64Array): void {
  const n = real.length;
  if (n === 1) return;
  const half = n / 2;
  const parts = [0, 1].map((odd) => ({
    real: Float64Array.from({ length: half }, (_, i) => real[2 * i + odd] ?? 0),
    imaginary: Float64Array.from({ length: half }, (_, i) => imaginary[2 * i + odd] ?? 0),
  }));
  for (const part of parts) transform(part.real, part.imaginary);
  const [even, odd] = parts;
  if (even === undefined || odd === undefined) return;
  for (let k = 0; k < half; k++) {
    const angle = (-2 * Math.PI * k) / n;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const [oddReal, oddImaginary] = [odd.real[k] ?? 0, odd.imaginary[k] ?? 0];
    const turnedReal = c * oddReal - s * oddImaginary;
    const turnedImaginary = s * oddReal + c * oddImaginary;
    real[k] = (even.real[k] ?? 0) + turnedReal;
    imaginary[k] = (even.imaginary[k] ?? 0) + turnedImaginary;
    real[k + half] = (even.real[k] ?? 0) - turnedReal;
    imaginary[k + half] = (even.imaginary[k] ?? 0) - turnedImaginary;
  }
}
