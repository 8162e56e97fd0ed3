import { UserError } from '../../../base/errors.js';
import { forEachElement } from '../../../engine/weights/operandElements.js';
import { type LayerWeight, layerWeight } from '../../../engine/weights/layerWeight.js';
import type { Layer, LayerTable } from '../../../onnx/layers/layer.js';

/** Weights of one layer by sign, by unit: those that lead into it. */
export interface LayerSigns {
  readonly layer: Layer;
  readonly weight: LayerWeight;
  readonly unitCount: number;
  readonly positiveCount: Float64Array;
  readonly negativeCount: Float64Array;
  /** Weights of a unit, zeros and what is not finite included. */
  readonly weightsPerUnit: number;
  /** Σ w over w > 0, by unit. */
  readonly excitatoryMass: Float64Array;
  /** Σ |w| over w < 0, by unit. */
  readonly inhibitoryMass: Float64Array;
  /** Weights that are NaN or infinite; they have no sign here. */
  readonly nonFiniteCount: number;
}

/** A layer with weights whose signs are not counted, and why. */
export interface UncountedLayer {
  readonly layer: string;
  readonly kind: string;
  readonly reason: string;
}

/** What was counted in a model. */
export interface SignCounts {
  readonly counted: readonly LayerSigns[];
  readonly uncounted: readonly UncountedLayer[];
}

/** Kinds of layers with weights that are no connections between neurons, or not by neuron. */
const otherKinds: Readonly<Record<string, string>> = {
  recurrent: 'its weights belong to gates, not to neurons',
  attention: 'its weight makes queries, keys and values together',
  embedding: 'a table of inputs, not connections',
};

/**
 * Counts the weights of every convolution and dense layer by sign, unit by unit. A weight is read once, a million elements at
 * a time; `alpha` of Gemm counts, so that a sign is the one that acts.
 *
 * @throws UserError when a weight's file is gone, too short or damaged.
 */
export async function countSigns(
  table: LayerTable,
  onLayer: (done: number, total: number) => void,
): Promise<SignCounts> {
  const counted: LayerSigns[] = [];
  const uncounted: UncountedLayer[] = [];
  const candidates = table.layers.filter(
    ({ kind }) => kind === 'conv' || kind === 'dense' || kind in otherKinds,
  );
  for (const [index, layer] of candidates.entries()) {
    const found = await countsOf(layer, table);
    if (typeof found === 'string') uncounted.push({ layer: layer.name, kind: layer.kind, reason: found });
    else counted.push(found);
    onLayer(index + 1, candidates.length);
  }
  return { counted, uncounted };
}

async function countsOf(layer: Layer, table: LayerTable): Promise<LayerSigns | string> {
  const other = otherKinds[layer.kind];
  if (other !== undefined) return other;
  try {
    return await readSigns(layer, await layerWeight(layer, table));
  } catch (error) {
    if (error instanceof UserError && error.code === 'no-weights') return error.message;
    throw error;
  }
}

async function readSigns(layer: Layer, weight: LayerWeight): Promise<LayerSigns> {
  const { layout, operand } = weight;
  const { unitCount, factor, sliceDims } = layout;
  const zeros = (): Float64Array => new Float64Array(unitCount);
  const [positiveCount, negativeCount, excitatoryMass, inhibitoryMass] = [zeros(), zeros(), zeros(), zeros()];
  let nonFiniteCount = 0;
  await forEachElement(operand, (stored, flat) => {
    const value = stored * factor;
    const unit = layout.unitOf(flat);
    if (!Number.isFinite(value)) nonFiniteCount++;
    else if (value > 0) {
      positiveCount[unit] = (positiveCount[unit] ?? 0) + 1;
      excitatoryMass[unit] = (excitatoryMass[unit] ?? 0) + value;
    } else if (value < 0) {
      negativeCount[unit] = (negativeCount[unit] ?? 0) + 1;
      inhibitoryMass[unit] = (inhibitoryMass[unit] ?? 0) - value;
    }
  });
  return {
    ...{
      layer,
      weight,
      unitCount,
      positiveCount,
      negativeCount,
      excitatoryMass,
      inhibitoryMass,
      nonFiniteCount,
    },
    weightsPerUnit: sliceDims.reduce((product, size) => product * size, 1),
  };
}

/** Sums of a layer's or several layers' counts. */
export interface SignTotals {
  readonly weightCount: number;
  readonly negativeShare: number;
  /** Of weights that are exactly 0. */
  readonly zeroShare: number;
  readonly excitatoryMass: number;
  readonly inhibitoryMass: number;
  /** Inhibitory mass over all mass; 0 where every weight is 0. */
  readonly inhibitoryMassShare: number;
}

/** Returns the totals of some layers. */
export function totalsOf(layers: readonly LayerSigns[]): SignTotals {
  const sum = (of: (layer: LayerSigns) => Iterable<number>): number => {
    let total = 0;
    for (const layer of layers) for (const value of of(layer)) total += value;
    return total;
  };
  const weightCount = layers.reduce((total, layer) => total + layer.unitCount * layer.weightsPerUnit, 0);
  const excitatoryMass = sum((layer) => layer.excitatoryMass);
  const inhibitoryMass = sum((layer) => layer.inhibitoryMass);
  const positive = sum((layer) => layer.positiveCount);
  const negative = sum((layer) => layer.negativeCount);
  const nonFinite = sum((layer) => [layer.nonFiniteCount]);
  const mass = excitatoryMass + inhibitoryMass;
  return {
    ...{ weightCount, excitatoryMass, inhibitoryMass },
    negativeShare: negative / weightCount,
    zeroShare: (weightCount - positive - negative - nonFinite) / weightCount,
    inhibitoryMassShare: mass === 0 ? 0 : inhibitoryMass / mass,
  };
}

/** Tells whether a layer has weights and none of them is negative. */
export function isNonNegative({ negativeCount, positiveCount, nonFiniteCount }: LayerSigns): boolean {
  const has = (counts: Float64Array): boolean => counts.some((count) => count > 0);
  return !has(negativeCount) && has(positiveCount) && nonFiniteCount === 0;
}
