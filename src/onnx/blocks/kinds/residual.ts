import { soleConsumer } from '../../layers/graphView.js';
import { shapeOf } from '../../layers/unitAxes.js';
import type { GraphNode } from '../../model.js';
import { type BlockContext, type BlockKind, type FoundBlock } from '../blockKind.js';
import { behindShape, computedInputs, isOperator, nodesBetween, soleReader } from '../walks.js';
import { crossLayerAt } from './crossLayer.js';

/** Operators that add two values, with the operands they add; further ones scale or shift. */
const sums: Readonly<Record<string, readonly [number, number]>> = {
  Add: [0, 1],
  Sum: [0, 1],
  'com.microsoft:QLinearAdd': [0, 3],
  'com.microsoft:SkipLayerNormalization': [0, 1],
  'com.microsoft:SkipSimplifiedLayerNormalization': [0, 1],
  // Convolution of the first operand plus the last.
  'com.microsoft:FusedConv': [0, 3],
  'com.microsoft:NhwcFusedConv': [0, 3],
};

/** What a shortcut may pass where a block changes the number of channels or the resolution. */
const shortcutSteps = [
  ...['Conv', 'Gemm', 'MatMul', 'BatchNormalization', 'AveragePool', 'MaxPool', 'Pad', 'Identity', 'Slice'],
  ...['Dropout', 'Cast', 'Transpose', 'Reshape', 'QuantizeLinear', 'DequantizeLinear', 'GroupNormalization'],
  ...['QLinearConv', 'com.microsoft:QLinearConv', 'com.microsoft:FusedConv', 'LayerNormalization'],
];

/** Longest shortcut: transposes around a convolution and its normalisation, quantised. */
const maxShortcutSteps = 8;

/** What does work in a branch. */
const working: ReadonlySet<string> = new Set(['conv', 'dense', 'recurrent', 'attention']);

/** x + f(x), with f holding a layer: He, Zhang, Ren & Sun (2015), "Deep Residual Learning for Image Recognition". */
export const residual: BlockKind = {
  id: 'residual',
  limits:
    'A sum of a value and what layers make of it, the shortcut plain or through one projection, written as Add or fused into SkipLayerNormalization or FusedConv. Branches of more than 400 nodes, and joins by Concat, are not called residual.',
  papers: [
    {
      id: 'he2015',
      title: 'Deep Residual Learning for Image Recognition',
      url: 'https://arxiv.org/abs/1512.03385',
    },
  ],
  rows: [],
  find(context) {
    return context.view.graph.nodes.flatMap((node) => {
      const operands = sums[`${node.domain === '' ? '' : `${node.domain}:`}${node.opType}`];
      if (operands === undefined) return [];
      const [left = '', right = ''] = operands.map((operand) => node.inputs[operand] ?? '');
      return residualAt(context, node, [left, right]) ?? [];
    });
  },
};

function residualAt(
  context: BlockContext,
  join: GraphNode,
  [left, right]: readonly [string, string],
): FoundBlock | undefined {
  const { constants } = context.view;
  const isSum = left !== '' && right !== '' && !constants.has(left) && !constants.has(right);
  if (!isSum || isMasking(context, join, [left, right])) return undefined;
  if (crossLayerAt(context, join) !== undefined) return undefined;
  const nodes =
    branchFrom(context, { shortcut: [left], branch: right, join }) ??
    branchFrom(context, { shortcut: [right], branch: left, join }) ??
    projected(context, { shortcut: left, branch: right, join }) ??
    projected(context, { shortcut: right, branch: left, join });
  if (nodes === undefined) return undefined;
  return withActivation(context, nodes, join);
}

/** A mask that all layers add to their scores comes back to itself through them; it is broadcast, or a softmax follows. */
function isMasking(
  { view, types }: BlockContext,
  join: GraphNode,
  operands: readonly [string, string],
): boolean {
  if (isOperator(soleReader(view, join.outputs[0] ?? '')?.node, 'Softmax', 'LogSoftmax')) return true;
  const [left, right] = operands.map((operand) => shapeOf(types.get(operand)));
  if (left === undefined || right === undefined) return false;
  return (
    left.length !== right.length ||
    left.some((size, axis) => size !== right[axis] && (size === 1 || right[axis] === 1))
  );
}

interface Ways<T> {
  readonly shortcut: T;
  readonly branch: string;
  readonly join: GraphNode;
}

/** Returns the nodes of a branch that starts at one of the values of a shortcut and does work. */
function branchFrom(
  context: BlockContext,
  { shortcut, branch, join }: Ways<readonly string[]>,
): Set<GraphNode> | undefined {
  const { view, layerOf } = context;
  // A value that nothing else reads starts no branch.
  const forks = shortcut.filter((value) => view.index.consumersOf(value).length > 1);
  if (forks.length === 0) return undefined;
  const nodes = nodesBetween(context, new Set(forks), branch);
  if (nodes === undefined || (nodes.size === 0 && !isOperator(join, 'com.microsoft:FusedConv'))) {
    return undefined;
  }
  nodes.add(join);
  return [...nodes].some((node) => working.has(layerOf.get(node)?.kind ?? '')) ? nodes : undefined;
}

/** As `branchFrom`, with a shortcut that passes a projection, whose nodes are in the block too. */
function projected(
  context: BlockContext,
  { shortcut, branch, join }: Ways<string>,
): Set<GraphNode> | undefined {
  const { view, layerOf } = context;
  const passed: GraphNode[] = [];
  let value = shortcut;
  for (let step = 0; step < maxShortcutSteps; step++) {
    const node = view.index.producerOf(value);
    const [input] = node === undefined ? [] : computedInputs(view, node);
    const isStep = isOperator(node, ...shortcutSteps) || isBias(context, node);
    if (node === undefined || input === undefined || !isStep) return undefined;
    passed.push(node);
    value = input;
    const projections = passed.filter((part) => ['conv', 'dense'].includes(layerOf.get(part)?.kind ?? ''));
    if (new Set(projections.map((part) => layerOf.get(part))).size > 1) return undefined;
    if (view.index.consumersOf(value).length < 2) continue;
    const nodes = branchFrom(context, { shortcut: [value], branch, join });
    if (nodes === undefined) continue;
    for (const part of passed) nodes.add(part);
    return nodes;
  }
  return undefined;
}

/** The Add of a bias belongs to the layer before it. */
function isBias({ view, layerOf }: BlockContext, node: GraphNode | undefined): boolean {
  return isOperator(node, 'Add') && layerOf.has(node) && computedInputs(view, node).length === 1;
}

/** The activation behind the sum is part of the block, as in the paper's figure. */
function withActivation(context: BlockContext, nodes: Set<GraphNode>, join: GraphNode): FoundBlock {
  const { view, layerOf } = context;
  const sum = join.outputs[0] ?? '';
  const reader = soleConsumer(view, sum);
  const layer = reader === undefined ? undefined : layerOf.get(reader);
  if (layer?.kind !== 'activation' || behindShape(view, layer.input) !== sum) {
    return { nodes, output: sum, variant: '' };
  }
  for (const node of layer.nodes) nodes.add(node);
  return { nodes, output: layer.output, variant: '' };
}
