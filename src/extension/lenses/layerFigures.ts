import type { InspectedLayer } from '../../protocol/inspection.js';
import type { LayerFacts } from '../units/unitIndex.js';

/** What a lens says of one layer or several. */
export interface LayerFigures {
  readonly layers: readonly InspectedLayer[];
  readonly parameterCount: number;
  /** Shares of the units that were measured; undefined where none was. */
  readonly measured?: {
    readonly deadShare: number;
    /** 1 − share of outputs above 0, each unit counting the same; undefined where there are too many units to add up. */
    readonly sparsity?: number;
    readonly isStale: boolean;
  };
}

/** Adding up more units than this would be felt while scrolling. */
const maxUnitCount = 20_000;

/** Returns what layers have together; layers judged by one activation count it once. */
export function layerFigures(
  layers: readonly InspectedLayer[],
  factsOf: (layer: string) => LayerFacts | undefined,
): LayerFigures {
  const facts = new Set(layers.flatMap(({ name }) => factsOf(name) ?? []));
  const parameterCount = layers.reduce((sum, layer) => sum + layer.parameterCount, 0);
  let unitCount = 0;
  let deadCount = 0;
  for (const one of facts) {
    const judgedCount = one.unitCount - (one.stateCounts['not-judged'] ?? 0);
    unitCount += judgedCount;
    if (judgedCount > 0) deadCount += one.stateCounts['dead'] ?? 0;
  }
  if (unitCount === 0) return { layers, parameterCount };
  const isStale = [...facts].some((one) => one.isStale);
  const sparsity = unitCount > maxUnitCount ? undefined : sparsityOf([...facts]);
  const measured = { deadShare: deadCount / unitCount, isStale };
  return {
    layers,
    parameterCount,
    measured: { ...measured, ...(sparsity === undefined ? {} : { sparsity }) },
  };
}

function sparsityOf(facts: readonly LayerFacts[]): number | undefined {
  let sum = 0;
  let count = 0;
  for (const one of facts) {
    for (let unit = 0; unit < one.unitCount; unit++) {
      const fraction = one.unit(unit)?.activeFraction;
      if (fraction === undefined || !Number.isFinite(fraction)) continue;
      sum += fraction;
      count++;
    }
  }
  return count === 0 ? undefined : 1 - sum / count;
}
