import { type Dimension, intAttribute } from '../../model.js';
import { type Shape } from '../dimensions.js';
import { tensorFact } from '../facts.js';
import {
  elementOf,
  hasInput,
  type InferRule,
  like,
  type NodeView,
  type RuleEntries,
  shapeOf,
} from '../rule.js';

const sameAsFirst: InferRule = (view) => [like(view, 0, shapeOf(view, 0))];

/** Packed `[B, T, 3·H]` projections are made inside: the output is as wide as the values. */
const attention: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const packed = shapeOf(view, 1)?.[1];
  const width = view.node.attributes.has('qkv_hidden_sizes')
    ? valueWidth(view)
    : typeof packed === 'number'
      ? packed / 3
      : null;
  return [like(view, 0, shape === null ? null : [...shape.slice(0, 2), width])];
};

function valueWidth(view: NodeView): Dimension {
  const sizes = view.node.attributes.get('qkv_hidden_sizes');
  return sizes?.kind === 'ints' ? Number(sizes.value[2]) : null;
}

/** Query `[B, T, H]`, key and value `[B, S, H]` or, packed in the query, `[B, T, N, 3, W]`. */
const multiHead: InferRule = (view) => {
  const query = shapeOf(view, 0);
  const value = shapeOf(view, 2);
  if (query?.length !== 3) {
    const [batch = null, steps = null, heads, , width] = query ?? [];
    const isKnown = typeof heads === 'number' && typeof width === 'number';
    return [like(view, 0, query === null ? null : [batch, steps, isKnown ? heads * width : null])];
  }
  return [
    like(view, 0, [...query.slice(0, 2), value?.length === 3 ? (value[2] ?? null) : (query[2] ?? null)]),
  ];
};

/** Output as the query; present keys and values `[B, heads, past + new, width]`. */
const groupQuery: InferRule = (view) => {
  const query = shapeOf(view, 0);
  const past = shapeOf(view, 3);
  const present: Shape =
    past === null ? null : [past[0] ?? null, past[1] ?? null, view.freshDimension(), past[3] ?? null];
  const isPacked = !hasInput(view, 1);
  const heads = intAttribute(view.node, 'num_heads', 0);
  const width = past?.[3];
  const hidden = typeof width === 'number' ? heads * width : null;
  const output: Shape =
    query === null ? null : [...query.slice(0, 2), isPacked ? hidden : (query[2] ?? null)];
  return [like(view, 0, output), like(view, 0, present), like(view, 0, present)];
};

/** Outputs: embeddings `[B, T, H]`, mask index `[B]`, their sum before normalisation. */
const embedding: InferRule = (view) => {
  const tokens = shapeOf(view, 0);
  const hidden = shapeOf(view, 2)?.[1] ?? null;
  const shape: Shape = tokens === null ? null : [...tokens, hidden];
  const embedded = like(view, 2, shape);
  return [embedded, tensorFact('int32', [tokens?.[0] ?? null]), embedded];
};

const biasGated: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const width = shape?.[shape.length - 1];
  const half = typeof width === 'number' ? width / 2 : null;
  return [like(view, 0, shape === null ? null : [...shape.slice(0, -1), half])];
};

/** Rows picked from a quantised table. */
const gatherBlocks: InferRule = (view) => {
  const table = shapeOf(view, 0);
  const indices = shapeOf(view, 1);
  const isKnown = table !== null && indices !== null && intAttribute(view.node, 'gather_axis', 0) === 0;
  const shape = isKnown ? [...indices, ...table.slice(1).map(() => null)] : null;
  return [tensorFact(elementOf(view, 2), shape)];
};

/** Common operators of com.microsoft that no other file has. */
export const microsoftRules: RuleEntries = [
  ['com.microsoft:Gelu com.microsoft:FastGelu com.microsoft:BiasGelu com.microsoft:QuickGelu', sameAsFirst],
  ['com.microsoft:BiasSoftmax com.microsoft:RotaryEmbedding com.microsoft:BiasAdd', sameAsFirst],
  ['com.microsoft:Trilu com.microsoft:BiasDropout com.microsoft:Inverse', sameAsFirst],
  ['com.microsoft:Attention com.microsoft:QAttention', attention],
  ['com.microsoft:MultiHeadAttention', multiHead],
  ['com.microsoft:GroupQueryAttention', groupQuery],
  ['com.microsoft:EmbedLayerNormalization', embedding],
  ['com.microsoft:BiasSplitGelu', biasGated],
  ['com.microsoft:GatherBlockQuantized', gatherBlocks],
];
