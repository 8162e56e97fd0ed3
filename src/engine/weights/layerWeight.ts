import type { Layer, LayerTable } from '../../onnx/layers/layer.js';
import { scaleOperand } from './scaleOperand.js';
import { quantization, storedOperand, type StoredOperand } from './storedOperand.js';
import { noWeights } from './weightErrors.js';
import { type WeightLayout, weightLayoutOf, type WeightNode, weightNodeOf } from './weightLayout.js';

/** A layer's weight and how its elements belong to units. */
export interface LayerWeight {
  readonly at: WeightNode;
  /** As its node counts with it: dequantised. */
  readonly operand: StoredOperand;
  readonly layout: WeightLayout;
}

/**
 * Returns where a layer's weight is and which unit each of its elements belongs to; the elements stay unread.
 *
 * @throws UserError `no-weights` with the reason: packed together for several uses, computed when the model runs, without an
 * axis of units; `address` is what it is said of.
 */
export async function layerWeight(
  layer: Layer,
  { views }: Pick<LayerTable, 'views'>,
  address = layer.name,
): Promise<LayerWeight> {
  const at = weightNodeOf(layer, views) ?? scaleOperand(layer, views);
  if (at === undefined) {
    throw noWeights(
      address,
      `the weights of ${layer.operator === '' ? layer.kind : layer.operator} are packed in a way that is not read here`,
    );
  }
  const operand = await storedOperand(at.view, at.node.inputs[at.operands.weight] ?? '');
  if (operand === undefined) {
    throw noWeights(address, `the weight of ${layer.name} is computed when the model runs, not stored`);
  }
  const layout = weightLayoutOf(at, operand.dims, layer);
  return { at, layout, operand: await dequantised(at, operand, address) };
}

/** Operators such as QLinearConv dequantise inside: their scales are operands of their own. */
async function dequantised(
  { view, node, operands }: WeightNode,
  operand: StoredOperand,
  address: string,
): Promise<StoredOperand> {
  if (operands.scale === undefined && operands.zeroPoint === undefined) return operand;
  const nameAt = (place: number | undefined): string | undefined =>
    place === undefined ? undefined : node.inputs[place];
  const axis = operands.kind === 'conv' ? 0 : -1;
  const by = await quantization(view, operand.dims, {
    scale: nameAt(operands.scale),
    zeroPoint: nameAt(operands.zeroPoint),
    axis,
    block: 0,
  });
  if (by === undefined) {
    throw noWeights(address, 'the scale of its quantised weight is computed when the model runs');
  }
  return { ...operand, steps: [...operand.steps, { kind: 'dequantize', by }] };
}
