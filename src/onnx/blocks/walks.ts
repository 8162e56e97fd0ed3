import type { Candidate } from '../layers/candidates.js';
import { type GraphView, soleConsumer } from '../layers/graphView.js';
import { type GraphNode, qualifiedOperator } from '../model.js';
import type { BlockContext } from './blockKind.js';

/** Operators that bring a value into another shape, type or place without changing its elements. */
export const shaping: ReadonlySet<string> = new Set([
  ...['Identity', 'Dropout', 'Cast', 'CastLike', 'Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten'],
  ...['Expand', 'Tile', 'QuantizeLinear', 'DequantizeLinear'],
]);

/** What is looked up, cut or filled comes from the first operand; the others say where. */
const indexing: ReadonlySet<string> = new Set([
  ...['Gather', 'GatherElements', 'GatherND', 'Slice', 'Split', 'Pad', 'Resize', 'TopK'],
]);

/** What tells sizes tells nothing of elements. */
const measuring: ReadonlySet<string> = new Set(['Shape', 'Size', 'ConstantOfShape', 'Range']);

/** Normalisations that may stand between a layer and its activation. */
const normalizing: ReadonlySet<string> = new Set(['normalization']);

/** Longest way through operators that only bring a value into shape. */
const maxShapingSteps = 8;

/** More nodes than this are no block: a sum over half a network joins no branch. */
const maxBlockNodes = 400;

/** Returns the value that `value` is, before it was brought into shape. */
export function behindShape(view: GraphView, value: string): string {
  let at = value;
  for (let step = 0; step < maxShapingSteps; step++) {
    const node = view.index.producerOf(at);
    if (node === undefined || node.domain !== '' || !shaping.has(node.opType)) break;
    at = node.inputs[0] ?? '';
  }
  return at;
}

/** Returns the only node that uses a value, looking through what only brings it into shape; undefined with several. */
export function soleReader(
  view: GraphView,
  value: string,
): { readonly node: GraphNode; readonly value: string } | undefined {
  let at = value;
  for (let step = 0; step <= maxShapingSteps; step++) {
    const node = soleConsumer(view, at);
    if (node === undefined) return undefined;
    if (node.domain !== '' || !shaping.has(node.opType)) return { node, value: at };
    at = node.outputs[0] ?? '';
  }
  return undefined;
}

/** Returns every node that uses a value, looking through what only brings it into shape. */
export function readersOf(
  view: GraphView,
  value: string,
  depth = maxShapingSteps,
): { readonly node: GraphNode; readonly value: string }[] {
  return view.index.consumersOf(value).flatMap((node) => {
    const isShape = node.domain === '' && shaping.has(node.opType) && depth > 0;
    return isShape ? readersOf(view, node.outputs[0] ?? '', depth - 1) : [{ node, value }];
  });
}

/** Returns the layer whose output a value is, looking back through shape and, if asked, through normalisations. */
export function layerMaking(
  { view, layerOf }: BlockContext,
  value: string,
  through: 'shape' | 'normalizations' = 'shape',
): Candidate | undefined {
  let at = behindShape(view, value);
  for (let step = 0; step < 3; step++) {
    const node = view.index.producerOf(at);
    const layer = node === undefined ? undefined : layerOf.get(node);
    if (layer?.output !== at) return undefined;
    if (through === 'shape' || !normalizing.has(layer.kind)) return layer;
    at = behindShape(view, layer.input);
  }
  return undefined;
}

/** Returns the layer that is the only reader of a value, behind what only brings it into shape. */
export function layerReading({ view, layerOf }: BlockContext, value: string): Candidate | undefined {
  const reader = soleReader(view, value);
  const layer = reader === undefined ? undefined : layerOf.get(reader.node);
  if (layer !== undefined && layer.input === reader?.value) return layer;
  // A composite may read its input more than once.
  const readers = view.index.consumersOf(value);
  const [first] = readers;
  const composite = first === undefined ? undefined : layerOf.get(first);
  const isAll = readers.every((node) => composite?.nodes.includes(node));
  return composite?.input === value && isAll && !view.outputs.has(value) ? composite : undefined;
}

/** Returns the operands of a node that are computed, not constant. */
export function computedInputs(view: GraphView, node: GraphNode): string[] {
  return node.inputs.filter((input) => input !== '' && !view.constants.has(input));
}

/**
 * Returns the computed operands that a node's elements come from: sizes, indices and bounds are none, unless the elements
 * themselves are constant.
 */
export function elementInputs(view: GraphView, node: GraphNode): string[] {
  if (node.domain !== '') return computedInputs(view, node);
  if (measuring.has(node.opType)) return [];
  const computed = computedInputs(view, node);
  const isFirstOnly = shaping.has(node.opType) || indexing.has(node.opType);
  return isFirstOnly ? computed.slice(0, 1) : computed;
}

/** Returns the other computed operand of a node of two, or undefined. */
export function otherOperand(view: GraphView, node: GraphNode, value: string): string | undefined {
  const others = computedInputs(view, node).filter((input) => input !== value);
  return others.length === 1 ? others[0] : undefined;
}

/** Tells whether a node is a standard operator of this type. */
export function isOperator(node: GraphNode | undefined, ...opTypes: readonly string[]): node is GraphNode {
  return node !== undefined && opTypes.includes(qualifiedOperator(node));
}

/**
 * Returns the nodes on the ways from any of `inputs` to `output`, none when there is no way; undefined when there are more
 * than a block has.
 */
export function nodesBetween(
  context: BlockContext,
  inputs: ReadonlySet<string>,
  output: string,
): Set<GraphNode> | undefined {
  const { view, budget } = context;
  const positionOf = (node: GraphNode | undefined): number =>
    node === undefined ? -1 : (view.positions.get(node) ?? 0);
  // What stands before all inputs cannot come from them.
  const first = Math.min(...[...inputs].map((input) => positionOf(view.index.producerOf(input))));
  const reached = new Set<GraphNode>();
  const queue = [output];
  for (const value of queue) {
    const node = inputs.has(value) ? undefined : view.index.producerOf(value);
    if (node === undefined || reached.has(node) || positionOf(node) <= first) continue;
    if (reached.size >= maxBlockNodes || budget.left <= 0) return undefined;
    budget.left--;
    reached.add(node);
    queue.push(...elementInputs(view, node));
  }
  const made = new Set(inputs);
  const kept = new Set<GraphNode>();
  const inOrder = [...reached].sort((a, b) => positionOf(a) - positionOf(b));
  for (const node of inOrder) {
    if (!elementInputs(view, node).some((input) => made.has(input))) continue;
    kept.add(node);
    for (const name of node.outputs) made.add(name);
  }
  return made.has(output) ? kept : new Set();
}
