import type { SkippedMacs } from '../../shared/products.js';
import { skippedMacs } from '../../shared/products.js';
import type { TemporalFigures, TemporalLayer } from './measure.js';

/** Shares of a value's elements, each 0 … 1 and NaN where no step was seen. */
export interface TemporalShares {
  /** |Δ| ≤ threshold. */
  readonly temporal: number;
  /** |a| ≤ threshold. */
  readonly spatial: number;
  readonly both: number;
  readonly curve: readonly number[];
}

/** Returns a layer's shares over all of its units. */
export function sharesOf({
  source,
  elementCount,
  unchanged,
  silent,
  both,
  curve,
}: TemporalLayer): TemporalShares {
  const total = elementCount * source.target.unitCount;
  const shareOf = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count, 0) / total;
  return {
    temporal: shareOf(unchanged),
    spatial: shareOf(silent),
    both: shareOf(both),
    curve: [...curve].map((count) => count / total),
  };
}

/** Multiply–accumulates of a model, and what each kind of sparsity would spare. */
export interface TemporalSavings {
  readonly macCount: number;
  /** Products with an element near 0, those with one that hardly changed, and those of the better kind of each layer. */
  readonly spatial: number;
  readonly temporal: number;
  readonly better: number;
}

/** Returns the shares of a model's multiply–accumulates that could be skipped. */
export function savingsOf({ plan, layers }: TemporalFigures): TemporalSavings {
  const byValue = new Map(layers.map((layer) => [layer.source.target.leaving, sharesOf(layer)]));
  const skip = (of: (shares: TemporalShares) => number): SkippedMacs =>
    skippedMacs(plan.products, (value) => {
      const shares = byValue.get(value);
      return shares === undefined ? undefined : of(shares);
    });
  const temporal = skip((shares) => shares.temporal);
  const shareOf = ({ macCount, skippedCount }: SkippedMacs): number => skippedCount / macCount;
  return {
    macCount: temporal.macCount,
    temporal: shareOf(temporal),
    spatial: shareOf(skip((shares) => shares.spatial)),
    better: shareOf(skip((shares) => Math.max(shares.spatial, shares.temporal))),
  };
}
