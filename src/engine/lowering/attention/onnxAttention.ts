import { floatAttribute, intAttribute } from '../../../onnx/model.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
import { rankOf, shapeOf } from '../../gradients/staticShapes.js';
import { type Composite, lowering } from '../entry.js';
import {
  emitAttention,
  emitCount,
  emitHeads,
  emitMaskBias,
  emitMergedHeads,
  maskedScore,
} from './scaledDotProduct.js';

/** Attention of ai.onnx: [B, T, heads·w] or [B, heads, T, w], groups of query heads, past keys, masks. */
export const onnxAttention = lowering({ opType: 'Attention', domain: '', first: 23 }, (composite) => {
  const { context, node, emit, inputs, input } = composite;
  const [query = '', key = '', value = ''] = inputs;
  if ((node.outputs[3] ?? '') !== '') throw formUnsupported(node, 'a target that may read its scores');
  const isFlat = rankOf(context, query) === 3;
  const counts = headCounts(composite, isFlat);
  const heads = (x: string, count: number): string => (isFlat ? emitHeads(emit, x, count) : x);
  const joined = (past: string | undefined, x: string): string =>
    past === undefined ? x : emit.concat([past, x], 2);
  const q = heads(query, counts.query);
  const k = joined(input(4), heads(key, counts.key));
  const v = joined(input(5), heads(value, counts.key));
  const result = attend(composite, { q, k, v, group: counts.query / counts.key });
  return [isFlat ? emitMergedHeads(emit, result) : result, k, v];
});

function headCounts(
  { context, node, inputs: [query = '', key = ''] }: Composite,
  isFlat: boolean,
): { readonly query: number; readonly key: number } {
  const own = (value: string): number => {
    const count = shapeOf(context, value)[1];
    if (typeof count !== 'number') {
      throw formUnsupported(node, 'a head count that is known while running only');
    }
    return count;
  };
  return isFlat
    ? { query: intAttribute(node, 'q_num_heads', 1), key: intAttribute(node, 'kv_num_heads', 1) }
    : { query: own(query), key: own(key) };
}

interface Grouped {
  readonly q: string;
  readonly k: string;
  readonly v: string;
  /** Query heads that share a key head. */
  readonly group: number;
}

function attend(composite: Composite, { q, k, v, group }: Grouped): string {
  const { node, emit } = composite;
  const given = floatAttribute(node, 'scale', 0);
  const width = emit.castTo(emit.shape(q, -1), emit.elementType);
  const scale = given === 0 ? emit.node('Reciprocal', [emit.node('Sqrt', [width])]) : given;
  const cap = floatAttribute(node, 'softcap', 0);
  const mask = maskBias(composite);
  const biases = [...(mask === undefined ? [] : [mask.value]), ...positionBiases(composite, q, k)];
  if (group === 1) return emitAttention(emit, { q, k, v, rank: 4, scale, biases, cap });
  // Query heads h and h + 1 of a group share their key head.
  const split = (x: string, sizes: readonly number[], rest: number): string =>
    emit.reshape(x, emit.concat([emit.ints(sizes), emit.shape(x, rest)], 0));
  const wide = biases.map((bias) => {
    if (bias !== mask?.value || !mask.isPerHead) return emit.unsqueeze(bias, [-3]);
    return mask.rank === 4 ? split(bias, [0, -1, group], 2) : split(bias, [-1, group], 1);
  });
  const result = emitAttention(emit, {
    q: split(q, [0, -1, group], 2),
    k: emit.unsqueeze(k, [2]),
    v: emit.unsqueeze(v, [2]),
    rank: 5,
    scale,
    cap,
    biases: wide,
  });
  return emit.reshape(result, emit.concat([emit.shape(q, 0, 3), emit.ints([-1])], 0));
}

interface MaskBias {
  readonly value: string;
  readonly rank: number;
  readonly isPerHead: boolean;
}

/** The mask as an addend: as it is when it holds numbers, a low score where it is false. */
function maskBias({ context, emit, input }: Composite): MaskBias | undefined {
  const mask = input(3);
  if (mask === undefined) return undefined;
  const shape = shapeOf(context, mask);
  const type = context.typeOf(mask);
  const isBoolean = type.kind === 'tensor' && type.elementType === 'bool';
  return {
    value: isBoolean ? emitMaskBias(emit, mask, maskedScore) : mask,
    rank: shape.length,
    isPerHead: shape.length > 2 && shape[shape.length - 3] !== 1,
  };
}

/** The triangle and the lengths of the keys, each as an addend of the scores, [T, S] or [B, 1, T, S]. */
function positionBiases({ node, emit, input }: Composite, q: string, k: string): readonly string[] {
  const biases: string[] = [];
  const key = emitCount(emit, emit.shape(k, 2, 3));
  if (intAttribute(node, 'is_causal', 0) === 1) {
    const past = input(4);
    const row = emit.unsqueeze(emitCount(emit, emit.shape(q, 2, 3)), [1]);
    const last = past === undefined ? row : emit.add(row, emit.shape(past, 2, 3));
    biases.push(emitMaskBias(emit, emit.node('LessOrEqual', [key, last]), maskedScore));
  }
  const lengths = input(6);
  if (lengths !== undefined) {
    const isInside = emit.less(key, emit.unsqueeze(lengths, [1, 2, 3]));
    biases.push(emitMaskBias(emit, isInside, maskedScore));
  }
  return biases;
}
