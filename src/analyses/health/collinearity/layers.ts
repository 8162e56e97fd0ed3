import { median } from '../../../engine/numeric/order.js';
import type { Inflation } from './inflation.js';

/** A layer whose units were regressed on each other. */
export interface CollinearLayer {
  readonly layer: string;
  readonly operator: string;
  readonly unitCount: number;
  /** Units that were looked at, ascending; `inflation` counts in them. */
  readonly units: readonly number[];
  readonly observationCount: number;
  readonly inflation: Inflation;
}

/** What a layer’s units are like together. */
export interface LayerFactors {
  /** Units that vary and are finite. */
  readonly varyingCount: number;
  /** Of these, ∞ counted; NaN without any. */
  readonly median: number;
  /** Of the finite factors; NaN without any. */
  readonly mean: number;
  /** Units above 10, ∞ counted. */
  readonly highCount: number;
  readonly exactCount: number;
  readonly constantCount: number;
  readonly notFiniteCount: number;
  /** (N − 1) / (N − U): what U independent units have on average in N observations, to first order. */
  readonly chance: number;
}

/** From here on a unit is commonly called collinear: 90 % of its variance is that of the others. */
export const highFactor = 10;

/** Returns what a layer’s units are like together. */
export function layerFactors({ inflation, observationCount, units }: CollinearLayer): LayerFactors {
  const { kinds, factors } = inflation;
  const count = (kind: string): number => kinds.filter((own) => own === kind).length;
  const varying = factors.filter((factor) => !Number.isNaN(factor));
  const finite = varying.filter(Number.isFinite);
  return {
    varyingCount: varying.length,
    median: median(varying),
    mean: finite.length === 0 ? NaN : finite.reduce((sum, factor) => sum + factor, 0) / finite.length,
    highCount: varying.filter((factor) => factor > highFactor).length,
    exactCount: count('exact'),
    constantCount: count('constant'),
    notFiniteCount: count('not-finite'),
    chance: (observationCount - 1) / (observationCount - units.length),
  };
}
