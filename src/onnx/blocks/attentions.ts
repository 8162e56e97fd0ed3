import { shapeOf } from '../layers/unitAxes.js';
import { type GraphNode, intAttribute, qualifiedOperator } from '../model.js';
import type { BlockContext } from './blockKind.js';
import { behindShape, computedInputs, elementInputs, isOperator, readersOf } from './walks.js';

/** Attention, found in any exporter's form. */
export interface FoundAttention {
  /** The Softmax or Hardmax between the products, or the fused operator. */
  readonly anchor: GraphNode;
  readonly isFused: boolean;
  /** `[N, heads, Tq, Tk]` or what the exporter makes of it; undefined where the operator hides it. */
  readonly probabilities: string | undefined;
  /** Whether queries and keys come from the same value. */
  readonly relation: 'self' | 'cross';
  /** Heads as far as shapes or attributes tell. */
  readonly headCount: number | undefined;
  readonly selection: 'soft' | 'hard';
  /** Values that queries, keys and values are made of, before their projections. */
  readonly sources: ReadonlySet<string>;
  /** What the weights are applied to gives this value. */
  readonly output: string;
}

/** Fused operators, with the operands that hold queries and keys; equal ones where one operand holds both. */
const fusedOperators: Readonly<Record<string, { readonly query: number; readonly key: number }>> = {
  Attention: { query: 0, key: 1 },
  'com.microsoft:Attention': { query: 0, key: 0 },
  'com.microsoft:QAttention': { query: 0, key: 0 },
  'com.microsoft:PackedAttention': { query: 0, key: 0 },
  'com.microsoft:MultiHeadAttention': { query: 0, key: 1 },
  'com.microsoft:GroupQueryAttention': { query: 0, key: 1 },
  'com.microsoft:DecoderMaskedMultiHeadAttention': { query: 0, key: 1 },
  'com.microsoft:PackedMultiHeadAttention': { query: 0, key: 1 },
};

const headAttributes = ['num_heads', 'q_num_heads'];

/** What may stand between the products and the softmax: scales, masks, biases of positions, casts. */
const scoreSteps: ReadonlySet<string> = new Set([
  ...['Add', 'Mul', 'Div', 'Sub', 'Where', 'Cast', 'Identity', 'Reshape', 'Max', 'Min', 'Clip', 'Tanh'],
  ...['Dropout', 'Squeeze', 'Unsqueeze', 'Transpose', 'QuantizeLinear', 'DequantizeLinear', 'Expand'],
]);

/** Products of two computed values. */
const products = ['MatMul', 'Einsum', 'Gemm', 'com.microsoft:FusedMatMul', 'com.microsoft:TransposeMatMul'];

const maxScoreSteps = 12;
const maxSourceSteps = 64;

/** Tells whether a node is an operator that computes attention as a whole. */
export function isFusedAttention(node: GraphNode): boolean {
  return qualifiedOperator(node) in fusedOperators;
}

/** Returns the attention of a graph, in file order. */
export function findAttentions(context: BlockContext): FoundAttention[] {
  return context.view.graph.nodes.flatMap((node) => {
    const fused = fusedOperators[qualifiedOperator(node)];
    if (fused !== undefined) return fusedAttention(context, node, fused);
    return isOperator(node, 'Softmax', 'Hardmax') ? (plainAttention(context, node) ?? []) : [];
  });
}

function fusedAttention(
  context: BlockContext,
  anchor: GraphNode,
  operands: { readonly query: number; readonly key: number },
): FoundAttention {
  const [query, key] = [anchor.inputs[operands.query] ?? '', anchor.inputs[operands.key] ?? ''];
  // Without keys of their own, queries hold them packed.
  const queries = sourcesOf(context, query);
  const keys = key === '' ? queries : sourcesOf(context, key);
  const heads = headAttributes.map((name) => intAttribute(anchor, name, 0)).find((count) => count > 0);
  return {
    ...{ anchor, isFused: true, probabilities: undefined, selection: 'soft', headCount: heads },
    relation: isShared(queries, keys) ? 'self' : 'cross',
    sources: new Set([...queries, ...keys]),
    output: anchor.outputs[0] ?? '',
  };
}

function plainAttention(context: BlockContext, anchor: GraphNode): FoundAttention | undefined {
  const scores = scoresOf(context, anchor.inputs[0] ?? '');
  const probabilities = anchor.outputs[0] ?? '';
  const applied = scores === undefined ? undefined : appliedTo(context, probabilities);
  if (scores === undefined || applied === undefined) return undefined;
  const [query = '', key = ''] = scores.inputs;
  const [queries, keys] = [sourcesOf(context, query), sourcesOf(context, key)];
  const values = sourcesOf(context, applied.values);
  const shape = shapeOf(context.types.get(probabilities));
  const heads = shape?.length === 4 ? shape[1] : undefined;
  return {
    ...{ anchor, isFused: false, probabilities },
    relation: isShared(queries, keys) ? 'self' : 'cross',
    headCount: typeof heads === 'number' ? heads : undefined,
    selection: anchor.opType === 'Hardmax' ? 'hard' : 'soft',
    sources: new Set([...queries, ...keys, ...values]),
    output: applied.output,
  };
}

function isShared(queries: ReadonlySet<string>, keys: ReadonlySet<string>): boolean {
  return [...queries].some((source) => keys.has(source));
}

/** Returns the product of two computed values that scores are, before scales and masks. */
function scoresOf({ view, budget }: BlockContext, value: string): GraphNode | undefined {
  const queue = [value];
  const seen = new Set<string>();
  for (const at of queue) {
    const node = view.index.producerOf(at);
    if (node === undefined || seen.has(at)) continue;
    if (seen.size >= maxScoreSteps || budget.left <= 0) return undefined;
    budget.left--;
    seen.add(at);
    const operands = computedInputs(view, node);
    if (isOperator(node, ...products) && operands.length >= 2) return node;
    if (scoreSteps.has(node.opType)) queue.push(...operands);
  }
  return undefined;
}

/** Returns the product with the values that probabilities enter on the left. */
function appliedTo(
  { view }: BlockContext,
  probabilities: string,
): { readonly values: string; readonly output: string } | undefined {
  let readers = readersOf(view, probabilities);
  for (let step = 0; step < 4; step++) {
    for (const { node, value } of readers) {
      const [computed] = node.inputs.filter((input) => input !== value && !view.constants.has(input));
      if (isOperator(node, ...products) && computed !== undefined) {
        return { values: computed, output: node.outputs[0] ?? '' };
      }
    }
    readers = readers
      .filter(({ node }) => scoreSteps.has(node.opType))
      .flatMap(({ node }) => readersOf(view, node.outputs[0] ?? ''));
  }
  return undefined;
}

/** Layers that a query, key or value is projected by are looked through; at these a value begins. */
const beginnings: ReadonlySet<string> = new Set(['conv', 'recurrent', 'embedding', 'attention']);

/** Returns what a query or key is made of: the values that enter its projection, or itself where it has none. */
function sourcesOf({ view, layerOf, budget }: BlockContext, value: string): ReadonlySet<string> {
  const sources = new Set<string>();
  const queue = [value];
  const seen = new Set<string>();
  for (const at of queue) {
    const base = behindShape(view, at);
    if (seen.has(base)) continue;
    seen.add(base);
    const node = view.index.producerOf(base);
    const layer = node === undefined ? undefined : layerOf.get(node);
    const isTooFar = seen.size > maxSourceSteps || budget.left <= 0;
    if (!isTooFar) budget.left--;
    const isBeginning =
      node === undefined ||
      isTooFar ||
      beginnings.has(layer?.kind ?? '') ||
      isFusedAttention(node) ||
      isSum({ view, layerOf }, node);
    if (isBeginning) sources.add(base);
    else if (layer?.kind === 'dense') sources.add(behindShape(view, layer.input));
    else queue.push(...elementInputs(view, node));
  }
  return sources;
}

/** A sum of two computed values begins something, such as a residual stream; sums of products are rotations. */
function isSum({ view, layerOf }: Pick<BlockContext, 'view' | 'layerOf'>, node: GraphNode): boolean {
  const operands = computedInputs(view, node);
  if (!isOperator(node, 'Add') || layerOf.has(node) || operands.length < 2) return false;
  return !operands.every((operand) => isOperator(view.index.producerOf(operand), 'Mul'));
}
