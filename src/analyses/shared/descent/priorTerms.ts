import type { Term } from '../../../engine/descent/descentStep.js';
import { appendAlphaNorm, appendTotalVariation } from '../../../engine/descent/priors.js';
import type { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import type { MovableInput } from './movableInput.js';

/** Weights and exponents of the priors. */
export interface PriorSettings {
  readonly alpha: number;
  readonly alphaWeight: number;
  readonly beta: number;
  readonly variationWeight: number;
}

/** Appends the priors that have a weight: the α-norm, and total variation where the input has neighbours. */
export function priorTerms(
  builder: GraphBuilder,
  z: string,
  {
    input,
    settings,
  }: {
    readonly input: Pick<MovableInput, 'dims' | 'positionAxes'>;
    readonly settings: PriorSettings;
  },
): Term[] {
  const { alpha, alphaWeight, beta, variationWeight } = settings;
  const rank = input.dims.length;
  const axes = input.positionAxes.filter((axis) => (input.dims[axis] ?? 1) > 1);
  const terms: Term[] = [];
  if (alphaWeight > 0) {
    terms.push({ name: 'alpha', value: appendAlphaNorm(builder, z, { alpha, rank }), weight: alphaWeight });
  }
  if (variationWeight > 0 && axes.length > 0) {
    const value = appendTotalVariation(builder, z, { beta, rank, axes });
    terms.push({ name: 'variation', value, weight: variationWeight });
  }
  return terms;
}

/** Returns a warning when total variation was asked for and there are no neighbours. */
export function priorWarnings(
  { positionAxes, name }: Pick<MovableInput, 'name' | 'positionAxes'>,
  { variationWeight }: Pick<PriorSettings, 'variationWeight'>,
): string[] {
  if (variationWeight === 0 || positionAxes.length > 0) return [];
  return [`Total variation was left out: "${name}" has no positions whose neighbours could be alike.`];
}
