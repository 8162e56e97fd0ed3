import { neededNames } from '../../../engine/rewrites/prune.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { Model } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import type { LayerKind } from '../../../protocol/inspection.js';

/** Kinds of layers whose units are neurons; scopes and blocks repeat the value of a layer inside. */
const neuronKinds: ReadonlySet<LayerKind> = new Set<LayerKind>([
  'conv',
  'dense',
  'recurrent',
  'normalization',
  'activation',
]);

/** Operators that only hand a value on: the layer before one of them is still the head. */
const handsOn = new Set(['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);

/**
 * Returns the layers whose neurons can carry what an input contributes to a value, in file order: those on a way from the
 * one to the other. The layer that makes the value itself, the head, is none of them.
 */
export function carriersOf(
  model: Model,
  types: TypeTable,
  way: { readonly from: string; readonly to: string },
): string[] {
  const upstream = neededNames(model.graph, [way.to]);
  const downstream = reachedFrom(model, way.from);
  const head = handedOn(model, way.to);
  return layersOf(model, types)
    .layers.filter(({ kind, isInBody, unitAxis }) => neuronKinds.has(kind) && !isInBody && unitAxis !== null)
    .filter(({ output }) => upstream.has(output) && downstream.has(output) && !head.has(output))
    .map(({ name }) => name);
}

function reachedFrom(model: Model, value: string): ReadonlySet<string> {
  const reached = new Set([value]);
  // Nodes stand in an order in which each comes after those it reads.
  for (const { inputs, outputs } of model.graph.nodes) {
    if (inputs.some((name) => reached.has(name))) for (const output of outputs) reached.add(output);
  }
  return reached;
}

function handedOn(model: Model, value: string): ReadonlySet<string> {
  const values = new Set([value]);
  for (const { opType, inputs, outputs } of [...model.graph.nodes].reverse()) {
    const [input] = inputs;
    if (handsOn.has(opType) && outputs.some((output) => values.has(output)) && input !== undefined) {
      values.add(input);
    }
  }
  return values;
}
