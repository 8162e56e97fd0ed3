import { floatAttribute, intAttribute } from '../../../onnx/model.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
import { emitterFor } from '../../gradients/emitter.js';
import { rankOf, shapeOf } from '../../gradients/staticShapes.js';
import { type Composite, microsoft } from '../entry.js';
import { emitKeyMask } from './keyMask.js';
import {
  emitAttention,
  emitCausal,
  emitHeads,
  emitMaskBias,
  emitMergedHeads,
  maskedScore,
} from './scaledDotProduct.js';

/** Queries, keys and values apart: [B, heads, T, w], [B, heads, S, w], [B, heads, S, u]. */
interface Heads {
  readonly q: string;
  readonly k: string;
  readonly v: string;
}

/** What the scores get besides the products. */
interface Masks {
  readonly mask: string | undefined;
  readonly bias: string | undefined;
}

/** Appends attention with the masks that ONNX Runtime's operators know, heads merged: [B, T, heads·u]. */
function attend(composite: Composite, { q, k, v }: Heads, { mask, bias }: Masks): string {
  const { node, emit } = composite;
  const batch = emit.shape(q, 0, 1);
  const [queryCount, keyCount] = [emit.shape(q, 2, 3), emit.shape(k, 2, 3)];
  const value = floatAttribute(node, 'mask_filter_value', -10000);
  const biases = [
    ...(bias === undefined ? [] : [bias]),
    ...(mask === undefined ? [] : [emitKeyMask(composite, { mask, batch, queryCount, keyCount, value })]),
  ];
  if (intAttribute(node, 'unidirectional', 0) === 1) {
    biases.push(emitMaskBias(emit, emitCausal(emit, queryCount, keyCount), maskedScore));
  }
  return emitMergedHeads(
    emit,
    emitAttention(emit, { q, k, v, rank: 4, scale: scaleOf(composite, q), biases }),
  );
}

/** The scale that is given, or 1/√w with the width read from q. */
function scaleOf({ node, emit }: Composite, q: string): number | string {
  const given = floatAttribute(node, 'scale', 0);
  if (given !== 0) return given;
  const width = emit.castTo(emit.shape(q, -1), emit.elementType);
  return emit.node('Reciprocal', [emit.node('Sqrt', [width])]);
}

/** MultiHeadAttention: heads cut from [B, T, heads·w] or unpacked, keys of the past in front, masked softmax. */
export const multiHeadAttention = microsoft('MultiHeadAttention', (composite) => {
  const { emit, input } = composite;
  const { q, k: newK, v: newV } = newHeads(composite);
  const joined = (past: string | undefined, x: string): string =>
    past === undefined ? x : emit.concat([past, x], 2);
  const [k, v] = [joined(input(6), newK), joined(input(7), newV)];
  return [attend(composite, { q, k, v }, { mask: input(4), bias: input(5) }), k, v];
});

function newHeads(composite: Composite): Heads {
  const { context, node, emit, inputs } = composite;
  const [query = '', key = '', value = ''] = inputs;
  if (key === '') return unpackedHeads(composite, query, ['q', 'k', 'v']);
  const headCount = intAttribute(node, 'num_heads', 1);
  const isKeyPacked = rankOf(context, key) === 5;
  const biases = isKeyPacked ? undefined : splitBias(composite, { query, value });
  const biased = (x: string, part: number): string => {
    const bias = biases?.[part];
    return bias === undefined ? x : emit.add(x, bias);
  };
  const q = emitHeads(emit, biased(query, 0), headCount);
  if (isKeyPacked) return { q, ...unpackedHeads(composite, key, ['k', 'v']) };
  const heads = (x: string, part: number): string =>
    rankOf(context, x) === 4 ? x : emitHeads(emit, biased(x, part), headCount);
  return { q, k: heads(key, 1), v: heads(value, 2) };
}

/** [B, T, heads, 3 or 2, w] → parts [B, heads, T, w] */
function unpackedHeads<Part extends string>(
  { node, emit, input }: Composite,
  packed: string,
  parts: readonly Part[],
): Record<Part, string> {
  if (input(3) !== undefined) throw formUnsupported(node, 'a bias beside packed operands');
  const turned = emit.transpose(packed, [3, 0, 2, 1, 4]);
  const entries = parts.map((part, i) => [
    part,
    emit.node('Gather', [turned, emit.intScalar(i)], { axis: 0 }),
  ]);
  // One entry for each part.
  return Object.fromEntries(entries) as Record<Part, string>;
}

/** The bias [w_q + w_k + w_v] cut in three. */
function splitBias(
  { context, emit, input }: Composite,
  { query, value }: { readonly query: string; readonly value: string },
): readonly string[] | undefined {
  const bias = input(3);
  if (bias === undefined) return undefined;
  const width = shapeOf(context, query)[2];
  const valueWidth = rankOf(context, value) === 3 ? shapeOf(context, value)[2] : width;
  const isKnown = typeof width === 'number' && typeof valueWidth === 'number';
  const [q, v] = [emit.shape(query, 2, 3), emit.shape(rankOf(context, value) === 3 ? value : query, 2, 3)];
  const sizes = isKnown ? emit.ints([width, width, valueWidth]) : emit.concat([q, q, v], 0);
  return splitInto(emitterFor(context, bias), bias, sizes);
}

function splitInto(emit: Composite['emit'], x: string, sizes: string): readonly string[] {
  const outputs = ['q', 'k', 'v'].map((part) => emit.builder.freshName(`ni/${part}`));
  emit.builder.node('Split', [x, sizes], { attributes: { axis: -1 }, outputs });
  return outputs;
}

/** Attention: one projection to queries, keys and values, then as MultiHeadAttention. */
export const packedAttention = microsoft('Attention', (composite) => {
  const { context, node, emit, inputs, input } = composite;
  const [x = '', weight = ''] = inputs;
  if (intAttribute(node, 'do_rotary', 0) === 1) throw formUnsupported(node, 'do_rotary=1');
  const headCount = intAttribute(node, 'num_heads', 1);
  const product = emit.node('MatMul', [x, weight]);
  const bias = input(2);
  const projected = bias === undefined ? product : emit.add(product, bias);
  const [q = '', newK = '', newV = ''] = splitInto(emit, projected, packedSizes(composite)).map((part) =>
    emitHeads(emit, part, headCount),
  );
  const past = input(4);
  const before = (which: number): string =>
    emit.node('Gather', [past ?? '', emit.intScalar(which)], { axis: 0 });
  const k = past === undefined ? newK : emit.concat([before(0), newK], 2);
  const v = past === undefined ? newV : emit.concat([before(1), newV], 2);
  const result = attend(composite, { q, k, v }, { mask: input(3), bias: input(5) });
  if ((node.outputs[1] ?? '') === '') return [result];
  if (rankOf(context, weight) !== 2) throw formUnsupported(node, 'a weight of other than two axes');
  return [result, emit.concat([emit.unsqueeze(k, [0]), emit.unsqueeze(v, [0])], 0)];
});

function packedSizes({ node, emit, inputs }: Composite): string {
  const given = node.attributes.get('qkv_hidden_sizes');
  if (given?.kind === 'ints' && given.value.length === 3) return emit.ints(given.value.map(Number));
  const third = emit.node('Div', [emit.shape(inputs[1] ?? '', 1, 2), emit.ints([3])]);
  return emit.concat([third, third, third], 0);
}
