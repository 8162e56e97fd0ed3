import { layersOf } from '../../onnx/layers/layerTable.js';
import type { Model, Tensor } from '../../onnx/model.js';
import { storedConstants } from '../../onnx/storedConstants.js';

/** What is learned of a layer. */
const learnedRoles = new Set([
  'weight',
  'recurrent weight',
  'bias',
  'scale',
  'shift',
  'slope',
  'table',
  'word table',
  'position table',
  'segment table',
]);

/** The weights of one layer. */
export interface LearnedLayer {
  readonly name: string;
  readonly weights: readonly Tensor[];
}

/** Returns the layers that learn something stored as initializers of the main graph, in file order. */
export function learnedLayers(model: Model): readonly LearnedLayer[] {
  const weights = new Map<string, Tensor[]>();
  for (const { tensor, layer, role } of storedConstants(layersOf(model))) {
    const isStored = model.graph.initializers.get(tensor.name) === tensor;
    if (layer === null || !isStored || !learnedRoles.has(role)) continue;
    weights.set(layer, [...(weights.get(layer) ?? []), tensor]);
  }
  return [...weights].map(([name, own]) => ({ name, weights: own }));
}
