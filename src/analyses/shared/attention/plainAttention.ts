import { constantLookup } from '../../../engine/gradients/constantLookup.js';
import { lowerNodes } from '../../../engine/lowering/lowerNodes.js';
import { findAttentions, type FoundAttention, isFusedAttention } from '../../../onnx/blocks/attentions.js';
import { mainBlockContext } from '../../../onnx/blocks/findBlocks.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import { type Model, opsetOf } from '../../../onnx/model.js';
import { findLowering } from '../../../engine/lowering/loweringTable.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';

/** Attention with the name that it goes by in the original model. */
export interface NamedAttention extends FoundAttention {
  readonly name: string;
  /** Whether an operator of its own computed it in the original. */
  readonly wasFused: boolean;
}

/** Returns the model with fused attention written out as products and a softmax; what has no such form stays. */
export function withPlainAttention(model: Model): Model {
  const opset = opsetOf(model);
  const fused = model.graph.nodes.filter(
    (node) => isFusedAttention(node) && findLowering(node, opset) !== undefined,
  );
  if (fused.length === 0) return model;
  const types = inferTypes(model);
  return lowerNodes(model, {
    nodes: fused,
    isCovered: (node) => !fused.includes(node),
    isPrepared: () => false,
    replacesAll: true,
    typeOf: (name) => types.get(name) ?? { kind: 'unknown' },
    constantsOf: constantLookup,
  }).model;
}

/**
 * Returns the attention of a model in file order, named as in `original`; `plain` is the same model with fused attention
 * written out.
 */
export function namedAttentions(original: Model, plain: Model, types: TypeTable): NamedAttention[] {
  const before = inferTypes(original);
  const { blocks } = layersOf(original, before);
  const known = findAttentions(mainBlockContext(original, before));
  const found = findAttentions(mainBlockContext(plain, types));
  return found.map((attention, index) => {
    // Writing out keeps the order, and makes one softmax of one operator.
    const source = known.length === found.length ? known[index] : undefined;
    const block = blocks.find(
      ({ kind, nodes }) => kind === 'attention' && source !== undefined && nodes.includes(source.anchor),
    );
    const headCount = source?.headCount ?? attention.headCount;
    const wasFused = source?.isFused ?? attention.isFused;
    const relation = source?.relation ?? attention.relation;
    return { ...attention, relation, headCount, wasFused, name: block?.name ?? `attention_${String(index)}` };
  });
}
