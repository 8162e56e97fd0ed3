/** Zero crossings of the kernel on each side: more, and what is near the highest frequency survives better. */
const zeroCrossings = 32;

/** Share of the highest frequency that can be kept; the rest is where the filter falls. */
const rolloff = 0.95;

/** A change of the sample rate, ready to be carried out at any place of a signal. */
export interface Resampler {
  /** Samples of a signal of so many, at the new rate. */
  lengthOf(frameCount: number): number;
  /** Old samples `[start, end)` that the new ones `[start, end)` are made of. */
  sourceOf(range: Range): Range;
  /** Returns the new samples of a range; `source` are the old ones of `sourceOf(range)`, zeros outside of the signal. */
  resample(source: Float64Array, range: Range): Float64Array;
}

/** Places `start` to `end`, the last not included; below 0 and behind the end there is silence. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Returns what brings a signal from one sample rate to another by a windowed sinc: y[n] = Σₖ x[k] · h(n · from / to − k),
 * where h(t) = c · sinc(c t) · cos²(π c t / 2 z), z zero crossings wide, and c = 0.95 · min(1, to / from) keeps what the
 * new rate cannot hold out.
 *
 * Every window is computed from the whole signal around it, so windows join without a seam.
 *
 * Source: Smith, "Digital Audio Resampling Home Page", https://ccrma.stanford.edu/~jos/resample/
 */
export function resampler(from: number, to: number): Resampler {
  const divisor = greatestDivisor(from, to);
  const step = from / divisor;
  const phaseCount = to / divisor;
  const cutoff = rolloff * Math.min(1, to / from);
  const reach = Math.ceil(zeroCrossings / cutoff);
  // New sample n = phaseCount · q + p stands at old place step · q + step · p / phaseCount: one set of taps per p.
  const taps = new Map<number, Float64Array>();
  const tapsOf = (phase: number): Float64Array => {
    let known = taps.get(phase);
    if (known === undefined) {
      known = tapsAt(((phase * step) % phaseCount) / phaseCount, { reach, cutoff });
      taps.set(phase, known);
    }
    return known;
  };
  const placeOf = (index: number): number => Math.floor((index * step) / phaseCount);
  const sourceOf = ({ start, end }: Range): Range => ({
    start: placeOf(start) - reach,
    end: placeOf(Math.max(start, end - 1)) + reach + 1,
  });
  return {
    lengthOf: (frameCount) => Math.ceil((frameCount * phaseCount) / step),
    sourceOf,
    resample: (source, range) => {
      const offset = sourceOf(range).start;
      return Float64Array.from({ length: range.end - range.start }, (_, at) => {
        const index = range.start + at;
        const first = placeOf(index) - reach - offset;
        const weights = tapsOf(index % phaseCount);
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++) {
          sum += (weights[tap] ?? 0) * (source[first + tap] ?? 0);
        }
        return sum;
      });
    },
  };
}

/** Weights of the old samples around a new one that stands `fraction` behind the middle; they sum to 1, so levels stay. */
function tapsAt(
  fraction: number,
  { reach, cutoff }: { readonly reach: number; readonly cutoff: number },
): Float64Array {
  const weights = Float64Array.from({ length: 2 * reach + 1 }, (_, tap) =>
    kernel(fraction + reach - tap, cutoff),
  );
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

function kernel(place: number, cutoff: number): number {
  const scaled = cutoff * place;
  if (Math.abs(scaled) >= zeroCrossings) return 0;
  const angle = Math.PI * scaled;
  const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
  return cutoff * sinc * Math.cos(angle / (2 * zeroCrossings)) ** 2;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
