import type { Random } from '../../base/random.js';
import type { DataType } from '../../onnx/dataTypes.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import type { Feeds, Session } from '../runtime/session.js';

/** A function to differentiate and its gradient graph, both open. */
export interface DirectionalCheck {
  /** Runs the function; its results are `outputs`. */
  readonly forward: Session;
  /** Runs the function and its backward pass. */
  readonly backward: Session;
  readonly feeds: Feeds;
  /** Differentiated operands: input → name of the gradient among the outputs of `backward`. */
  readonly gradients: ReadonlyMap<string, string>;
  /** Seeded results: output → name of the cotangent's input of `backward`. */
  readonly cotangents: ReadonlyMap<string, string>;
  /** Steps tried, relative to the operand's root mean square. */
  readonly steps: readonly number[];
  /** Random directions per operand; a small error hides from one in some cases. */
  readonly directionCount: number;
}

/** How one operand's gradient compares. */
export interface DirectionalError {
  readonly input: string;
  /** |ours − difference| relative to the size that a sum of such terms has; null when nothing could be compared. */
  readonly error: number | null;
  /** Share of the results that were left out because the function bends or breaks between the steps. */
  readonly maskedShare: number;
}

/** Errors below this need no further step: they are rounding already. */
const closeEnough = 1e-3;

/**
 * Compares gradients with fourth-order central differences along random directions per operand.
 *
 * With random u and v, ⟨∇⟨u, f⟩, v⟩ must equal the slope of ⟨u, f(x + tv)⟩; both sums are taken in float64. Results whose
 * differences on the two sides disagree lie at a kink (ReLU, a maximum) and get u = 0. Several steps are tried and the
 * best counts: a small step drowns in rounding and a large one in curvature, but a wrong gradient is wrong for all.
 */
export async function checkDirections(check: DirectionalCheck, random: Random): Promise<DirectionalError[]> {
  const results: DirectionalError[] = [];
  for (const input of check.gradients.keys()) {
    for (let i = 0; i < check.directionCount; i++) results.push(await checkDirection(check, input, random));
  }
  return results;
}

async function checkDirection(
  check: DirectionalCheck,
  input: string,
  random: Random,
): Promise<DirectionalError> {
  const direction = directionFor(check.feeds, input, random);
  let best: DirectionalError = { input, error: null, maskedShare: 1 };
  for (const step of check.steps) {
    const tried = await tryStep(check, { input, direction, step }, random);
    if (isBetter(tried, best)) best = tried;
    if (best.error !== null && best.error <= closeEnough) break;
  }
  return best;
}

function isBetter(one: DirectionalError, other: DirectionalError): boolean {
  return one.error !== null && (other.error === null || one.error < other.error);
}

/** Normal numbers with the operand's root mean square, so that a step is relative to it. */
function directionFor(feeds: Feeds, input: string, random: Random): Float64Array {
  const values = floatsOf(feeds, input);
  const square = values.reduce((sum, value) => sum + value * value, 0) / Math.max(1, values.length);
  const size = square > 0 ? Math.sqrt(square) : 1;
  return values.map(() => random.normal() * size);
}

interface Trial {
  readonly input: string;
  readonly direction: Float64Array;
  readonly step: number;
}

/** Results at x ± t·v and x ± 2t·v. */
interface Samples {
  readonly near: readonly [up: Feeds, down: Feeds];
  readonly far: readonly [up: Feeds, down: Feeds];
  readonly middle: Feeds;
}

async function tryStep(check: DirectionalCheck, trial: Trial, random: Random): Promise<DirectionalError> {
  const { input, direction, step } = trial;
  const outputs = [...check.cotangents.keys()];
  const at = (times: number): Promise<Feeds> =>
    check.forward.run({ ...check.feeds, [input]: moved(check.feeds, trial, times * step) }, outputs);
  const samples: Samples = {
    middle: await at(0),
    near: [await at(1), await at(-1)],
    far: [await at(2), await at(-2)],
  };
  const feeds: Record<string, TensorValue> = { ...check.feeds };
  let expected = 0;
  let resultSquare = 0;
  let total = 0;
  let masked = 0;
  for (const [output, cotangent] of check.cotangents) {
    const slope = slopes(samples, output, step);
    const weights = slope.map((value) => (Number.isFinite(value) ? random.normal() : 0));
    slope.forEach((value, i) => (expected += Number.isFinite(value) ? value * (weights[i] ?? 0) : 0));
    const results = floatsOf(samples.middle, output);
    weights.forEach((weight, i) => (resultSquare += weight === 0 ? 0 : (weight * (results[i] ?? 0)) ** 2));
    total += slope.length;
    masked += slope.reduce((count, value) => count + (Number.isFinite(value) ? 0 : 1), 0);
    feeds[cotangent] = tensorLike(samples.middle[output], weights);
  }
  const maskedShare = total === 0 ? 1 : masked / total;
  if (masked === total) return { input, error: null, maskedShare };
  const name = check.gradients.get(input) ?? '';
  const gradient = floatsOf(await check.backward.run(feeds, [name]), name);
  const floor = noticeableShare * Math.sqrt(resultSquare);
  return { input, error: relativeError(gradient, direction, { expected, floor }), maskedShare };
}

function moved(feeds: Feeds, { input, direction }: Trial, by: number): TensorValue {
  const values = floatsOf(feeds, input);
  return tensorLike(
    feeds[input],
    values.map((value, i) => value + by * (direction[i] ?? 0)),
  );
}

/** Returns whether differences are taken of numbers of a type, and by them: float16 has too few digits. */
export function isCompared(type: DataType | undefined): boolean {
  return type === 'float32' || type === 'float64';
}

/** Returns numbers in the shape and precision of another value. */
export function tensorLike(value: TensorValue | undefined, data: Float64Array): TensorValue {
  const dims = value?.dims ?? [];
  return value?.dtype === 'float64'
    ? { dtype: 'float64', dims, data }
    : float32Tensor(Float32Array.from(data), dims);
}

/** Share of a difference by which its two sides may disagree before the result counts as a kink. */
const kinkShare = 0.05;

/** Slope of every result along the direction; NaN where it has a kink or is not finite. */
function slopes({ near, far, middle }: Samples, output: string, step: number): Float64Array {
  const [up, down] = near.map((feeds) => floatsOf(feeds, output));
  const [upFar, downFar] = far.map((feeds) => floatsOf(feeds, output));
  const centre = floatsOf(middle, output);
  const value = (values: Float64Array | undefined, i: number): number => values?.[i] ?? 0;
  const first = centre.map((_, i) => value(upFar, i) - value(downFar, i));
  const typical = rootMeanSquare(first);
  return centre.map((at, i) => {
    const bend = Math.max(
      Math.abs(value(upFar, i) - 2 * at + value(downFar, i)),
      Math.abs(first[i] === undefined ? 0 : first[i] - 2 * (value(up, i) - value(down, i))),
    );
    const size = Math.max(Math.abs(first[i] ?? 0), typical);
    // The negation also catches NaN.
    if (!(bend <= kinkShare * size)) return NaN;
    return (8 * (value(up, i) - value(down, i)) - (first[i] ?? 0)) / (12 * step);
  });
}

/**
 * An operand that changes the results by less than this share when it moves by its own size has no effect as far as
 * float32 can tell (the key bias under a softmax, say): rounding at the largest step is 2⁻²⁴/2⁻⁶, a hundredth of it.
 */
const noticeableShare = 2 ** -10;

/** Errors are compared with the standard deviation of Σ gᵢvᵢ over random signs, which does not cancel. */
function relativeError(
  gradient: Float64Array,
  direction: Float64Array,
  { expected, floor }: { readonly expected: number; readonly floor: number },
): number {
  let ours = 0;
  let square = 0;
  gradient.forEach((value, i) => {
    const term = value * (direction[i] ?? 0);
    ours += term;
    square += term * term;
  });
  const scale = Math.max(Math.sqrt(square), Math.abs(expected), floor);
  return scale === 0 ? 0 : Math.abs(ours - expected) / scale;
}

function rootMeanSquare(values: Float64Array): number {
  const finite = values.filter((value) => Number.isFinite(value));
  return Math.sqrt(finite.reduce((sum, value) => sum + value * value, 0) / Math.max(1, finite.length));
}

function floatsOf(feeds: Feeds, name: string): Float64Array {
  const value = feeds[name];
  if (value === undefined) throw new Error(`There is no value ${name} to compare.`);
  return toFloat64(value);
}
