import type { GraphView } from '../../onnx/layers/graphView.js';
import type { Layer } from '../../onnx/layers/layer.js';
import type { GraphNode } from '../../onnx/model.js';
import { type WeightNode, viewOf } from './weightLayout.js';

/** Returns the scale of a normalisation that is written as several operators: the constant it multiplies its units by. */
export function scaleOperand(layer: Layer, views: readonly GraphView[]): WeightNode | undefined {
  const view = layer.kind === 'normalization' ? viewOf(layer, views) : undefined;
  if (view === undefined) return undefined;
  for (const node of layer.nodes) {
    const weight = node.opType === 'Mul' ? unitOperand(node, view, layer) : -1;
    if (weight < 0) continue;
    const biasNode = layer.nodes.find(
      (other) => other.opType === 'Add' && unitOperand(other, view, layer) >= 0,
    );
    return { view, node, operands: { kind: 'scale', weight }, isLeft: false, biasNode };
  }
  return undefined;
}

/** The operand that has one element for each unit. */
function unitOperand(node: GraphNode, { constants }: GraphView, { unitCount }: Layer): number {
  return node.inputs.findIndex(
    (input) => unitCount !== null && constants.get(input)?.elementCount === unitCount,
  );
}
