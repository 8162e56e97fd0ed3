import { gaussianMoments } from '../engine/numeric/gaussianMoments.js';
import { type ActivationEntry, defaultParameters, parameterNames } from './entry.js';
import { compile } from './evaluate.js';
import { derivativeOf } from './derivative.js';
import { type Joint, type Joints, jointsOf } from './joints.js';
import { type Extremes, extremesOf, samplePlaces } from './extremes.js';

/** What an activation is like, all of it derived from its expression. */
export interface ActivationProperties {
  /** Infimum and supremum over all numbers; infinite where it has no bound. */
  readonly range: Extremes;
  readonly monotonicity: 'increasing' | 'decreasing' | 'constant' | 'not monotonic';
  /** `odd`: f(−x) = −f(x); `even`: f(−x) = f(x). */
  readonly symmetry: 'odd' | 'even' | 'none';
  /** Where pieces meet, and how smoothly. */
  readonly joints: readonly Joint[];
  /**
   * How often its derivative exists and is continuous: −1 with a jump, 0 with a kink; 3 stands for at least three times; null for
   * an expression without pieces, which has every derivative.
   */
  readonly smoothness: number | null;
  /** Supremum of |f′|; infinite for a jump. */
  readonly lipschitz: number;
  /** E f(z) of a standard normal z: 0 for a zero-centred one. */
  readonly gaussianMean: number;
  /** E f(z)². */
  readonly gaussianSquare: number;
  /** E f′(z)². */
  readonly gaussianSlopeSquare: number;
}

/** A difference in slope below this is rounding. */
const slopeTolerance = 1e-9;

/** How far values may differ relative to their size and count as equal. */
const symmetryTolerance = 1e-12;

/**
 * Returns what an entry is like with these parameters; default its own.
 *
 * Values and slopes are taken on a grid that is dense around 0 and logarithmic to 10⁸; extremes on it are refined by golden
 * section, and a bound that still grows over the last decades counts as infinite. A wiggle narrower than the grid is missed.
 */
export async function propertiesOf(
  entry: ActivationEntry,
  parameters: readonly number[] = defaultParameters(entry),
): Promise<ActivationProperties> {
  const names = parameterNames(entry);
  const compiled = compile(entry.expression, names);
  const compiledSlope = compile(derivativeOf(entry.expression), names);
  const value = (x: number): number => compiled(x, parameters);
  const slope = (x: number): number => compiledSlope(x, parameters);
  const found = jointsOf(entry.expression, names, parameters);
  const { joints } = found;
  const moments = await gaussianMoments(
    (points) => Promise.resolve({ values: points.map(value), slopes: points.map(slope) }),
    { mean: 0, deviation: 1 },
  );
  const slopes = extremesOf(slope);
  const hasJump = joints.some(({ order }) => order < 0);
  return {
    range: extremesOf(value),
    monotonicity: monotonicityOf(value, slopes),
    symmetry: symmetryOf(value),
    joints,
    smoothness: smoothnessOf(found),
    lipschitz: hasJump ? Infinity : Math.max(Math.abs(slopes.low), Math.abs(slopes.high)),
    gaussianMean: moments.mean,
    gaussianSquare: moments.square,
    gaussianSlopeSquare: moments.slopeSquare,
  };
}

function smoothnessOf({ joints, isOnePiece }: Joints): number | null {
  if (joints.length > 0) return Math.min(...joints.map(({ order }) => order));
  return isOnePiece ? null : 3;
}

/** By steps on the grid as well as by slopes: a jump has no slope. */
function monotonicityOf(
  value: (x: number) => number,
  slopes: Extremes,
): ActivationProperties['monotonicity'] {
  let [rises, falls] = [slopes.high > slopeTolerance, slopes.low < -slopeTolerance];
  let last = NaN;
  for (const x of samplePlaces) {
    const here = value(x);
    const step = here - last;
    const isStep = Math.abs(step) > slopeTolerance * (1 + Math.abs(here));
    if (isStep) [rises, falls] = [rises || step > 0, falls || step < 0];
    if (Number.isFinite(here)) last = here;
  }
  if (rises && falls) return 'not monotonic';
  return rises ? 'increasing' : falls ? 'decreasing' : 'constant';
}

function symmetryOf(value: (x: number) => number): ActivationProperties['symmetry'] {
  const places = samplePlaces.filter((x) => x > 0 && x < 20);
  const holds = (sign: 1 | -1): boolean =>
    places.every((x) => {
      const [right, left] = [value(x), sign * value(-x)];
      return Math.abs(right - left) <= symmetryTolerance * (1 + Math.abs(right));
    });
  if (holds(-1)) return 'odd';
  return holds(1) ? 'even' : 'none';
}
