import type { Quadrature } from '../../../engine/numeric/quadrature.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { float32Tensor, type TensorValue } from '../../../onnx/tensorValue.js';
import { fractionsName, weightsName } from './pathPlan.js';

/** How many paths a run takes, and how many points of each. */
export interface RunShape {
  readonly pathCount: number;
  readonly stepCount: number;
  /** Whether runs must be filled up to exactly this many. */
  readonly isFixed: boolean;
}

/** Returns how paths of so many points are divided into runs of at most a batch, or of exactly the model's fixed one. */
export function runShape(steps: number, batchSize: number, fixed: number | undefined): RunShape {
  if (fixed === undefined) {
    const size = Math.max(1, batchSize);
    const stepCount = Math.ceil(steps / Math.ceil(steps / size));
    return { stepCount, pathCount: Math.floor(size / stepCount), isFixed: false };
  }
  let stepCount = Math.min(steps, fixed);
  while (fixed % stepCount !== 0) stepCount++;
  return { stepCount, pathCount: fixed / stepCount, isFixed: true };
}

/** Returns parts of start and end, and weights, of the points from `step` on; a fixed run's surplus points weigh nothing. */
export function pointFeeds(
  { points, weights }: Quadrature,
  step: number,
  shape: RunShape,
): { readonly count: number; readonly feeds: Feeds } {
  const left = Math.min(shape.stepCount, points.length - step);
  const count = shape.isFixed ? shape.stepCount : left;
  const fractions = new Float32Array(count * 2);
  const weight = new Float32Array(count);
  for (let k = 0; k < count; k++) {
    const fraction = points[step + Math.min(k, left - 1)] ?? 0;
    fractions[2 * k] = 1 - fraction;
    fractions[2 * k + 1] = fraction;
    weight[k] = k < left ? (weights[step + k] ?? 0) : 0;
  }
  return {
    count,
    feeds: {
      [fractionsName]: float32Tensor(fractions, [count, 2]),
      [weightsName]: float32Tensor(weight, [1, count]),
    },
  };
}

/** Returns `[slots, 2, elements]`: the ends, `[pathCount, 2, elements]`, of the paths in the slots, ascending. */
export function takePaths(ends: Float32Array, slots: readonly number[], pathCount: number): TensorValue {
  const size = ends.length / pathCount;
  const [first = 0] = slots;
  const last = slots.at(-1) ?? 0;
  const dims = [slots.length, 2, size / 2];
  if (last - first + 1 === slots.length) {
    return float32Tensor(ends.subarray(first * size, (last + 1) * size), dims);
  }
  const taken = new Float32Array(slots.length * size);
  for (const [i, slot] of slots.entries()) taken.set(ends.subarray(slot * size, (slot + 1) * size), i * size);
  return float32Tensor(taken, dims);
}
