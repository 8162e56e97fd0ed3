import { UserError } from '../../../base/errors.js';
import { TopValues } from '../../../engine/numeric/topValues.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { UnitMapPlan } from './unitMaps.js';

/** Memory that the largest activations of all units may take. */
const maxHeldBytes = 2 ** 30;

/** Finds T_k with P(a_k > T_k) = q over all positions and samples, exactly, in one pass. */
export class Thresholds {
  /** Elements seen, NaN left out, `[U]`. */
  readonly counts: Float64Array;
  private readonly quantile: number;
  private readonly tops: readonly TopValues[];

  /**
   * Room is made for `sampleCount` samples.
   *
   * @throws UserError `quantile-too-large` when that takes over 1 GiB.
   */
  constructor(plan: UnitMapPlan, quantile: number, sampleCount: number) {
    const elementCount = sampleCount * elementCountOf(plan.dims);
    const capacity = Math.floor(quantile * elementCount) + 1;
    const bytes = 2 * capacity * plan.unitCount * (plan.isDouble ? 8 : 4);
    if (bytes > maxHeldBytes) throw tooLarge(plan, quantile, bytes);
    this.quantile = quantile;
    this.counts = new Float64Array(plan.unitCount);
    this.tops = Array.from({ length: plan.unitCount }, () => new TopValues(capacity, plan.isDouble));
  }

  /** Takes in one map of a unit. */
  add(unit: number, map: ArrayLike<number>): void {
    this.tops[unit]?.add(map);
    let count = 0;
    for (let position = 0; position < map.length; position++) if (!Number.isNaN(map[position])) count++;
    this.counts[unit] = (this.counts[unit] ?? 0) + count;
  }

  /**
   * Returns T_k of every unit: the largest activation that is not among the q · count largest; equal activations are all above it
   * or none. Infinity where nothing was counted.
   */
  values(): Float64Array {
    return this.counts.map((count, unit) => {
      const rank = Math.min(Math.floor(this.quantile * count), count - 1);
      return this.tops[unit]?.at(Math.max(0, rank)) ?? Infinity;
    });
  }
}

function tooLarge({ layer }: UnitMapPlan, quantile: number, bytes: number): UserError {
  const gigabytes = (bytes / 2 ** 30).toFixed(1);
  return new UserError(
    'quantile-too-large',
    `The ${String(100 * quantile)} % largest activations of ${layer} take ${gigabytes} GiB, and at most 1 GiB is held. Give a smaller quantile, or fewer samples with --limit.`,
    { detail: { layer, quantile } },
  );
}
