import { readsOf, topologicalOrder } from '../../onnx/graphIndex.js';
import { type GraphNode, intAttribute, type Model, type ValueType } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { elementCountOf, toFloat64 } from '../../onnx/tensorValue.js';
import { isAffine } from '../bounds/affine.js';
import { constantLookup } from '../gradients/constantLookup.js';

/** Between which values the frontier is sought. */
export interface FrontierRequest {
  /** Values with rows along axis 0, whose elements are free. */
  readonly from: readonly string[];
  /** Values that must still be computed from the frontier. */
  readonly to: readonly string[];
  /** Types of the model's values; sizes that depend on the batch are not numbers. */
  readonly types: TypeTable;
}

/**
 * Returns the last values on the way from `from` to `to` that are affine functions of `from`, each row of the same row.
 *
 * Everything in `to` follows from them and from what does not depend on `from`: a straight line in the space of `from` is
 * one in theirs, and a gradient is pulled back from them by a linear map that is the same at every point. Values of `to`
 * are themselves on the frontier rather than before it. Returns some of `from` where nothing affine follows them.
 */
export function affineFrontier(model: Model, request: FrontierRequest): string[] {
  const order = topologicalOrder(model.graph);
  if (order.kind === 'cycle') throw new Error('A graph with a cycle has no affine part.');
  const affine = affineValues(model, order.nodes, request);
  const producers = new Map(order.nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
  const frontier = new Set<string>();
  const seen = new Set(request.to);
  const open = [...request.to];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (affine.has(value)) {
      frontier.add(value);
      continue;
    }
    const producer = producers.get(value);
    for (const read of producer === undefined ? [] : readsOf(producer)) {
      if (!seen.has(read)) open.push(read);
      seen.add(read);
    }
  }
  // An inner value of `from` is also some node's result.
  const inOrder = new Set([...request.from, ...order.nodes.flatMap(({ outputs }) => outputs)]);
  return [...inOrder].filter((value) => frontier.has(value));
}

function affineValues(
  model: Model,
  nodes: readonly GraphNode[],
  { from, to, types }: FrontierRequest,
): ReadonlySet<string> {
  const constantOf = constantLookup(model);
  const affine = new Set(from);
  const fed = new Set(model.graph.inputs.map(({ name }) => name));
  for (const name of model.graph.initializers.keys()) fed.delete(name);
  const varying = new Set([...fed, ...from]);
  const ends = new Set(to);
  for (const node of nodes) {
    const reads = [...readsOf(node)];
    // Sizes are the same for all rows, whatever their elements.
    if (node.opType === 'Shape' || node.opType === 'Size' || !reads.some((name) => varying.has(name))) {
      continue;
    }
    for (const output of node.outputs) varying.add(output);
    const free = node.inputs.flatMap((name, index) => (affine.has(name) ? [index] : []));
    const [output] = node.outputs;
    const isFree =
      output !== undefined &&
      node.outputs.length === 1 &&
      free.length > 0 &&
      reads.every((name) => (affine.has(name) ? !ends.has(name) : !varying.has(name)));
    const at = { node, free, types, constantOf };
    if (isFree && isAffine(node, free) && keepsRows(at)) affine.add(output);
  }
  return affine;
}

interface At {
  readonly node: GraphNode;
  /** Positions of the operands that are free. */
  readonly free: readonly number[];
  readonly types: TypeTable;
  readonly constantOf: ReturnType<typeof constantLookup>;
}

/** Operators of each row alone, whatever their attributes. */
const rowwise = new Set([
  ...['Identity', 'Neg', 'Add', 'Sub', 'Sum', 'Mul', 'Div', 'Conv', 'AveragePool', 'GlobalAveragePool'],
  ...['DepthToSpace', 'SpaceToDepth'],
]);

/** Operators that only lay elements out anew: each row of the same row when a row keeps its number of elements. */
const layouts = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose']);

function keepsRows(at: At): boolean {
  const { node, free, types } = at;
  const size = rowSizeOf(types.get(node.outputs[0] ?? ''));
  if (size === undefined) return false;
  if (layouts.has(node.opType)) return size === rowSizeOf(types.get(node.inputs[0] ?? ''));
  return rowwise.has(node.opType) || (free.join() === '0' && mixesNoRows(at)) || joinsWithinRows(node);
}

/** Operators that mix rows or not by their attributes; the first operand is the free one. */
function mixesNoRows({ node, constantOf }: At): boolean {
  switch (node.opType) {
    case 'MatMul':
      return true;
    case 'Gemm':
      return intAttribute(node, 'transA', 0) === 0;
    case 'BatchNormalization':
      return intAttribute(node, 'training_mode', 0) === 0;
    case 'Pad': {
      const pads = constantOf(node.inputs[1] ?? '');
      if (pads === undefined || (node.inputs[3] ?? '') !== '') return false;
      const counts = toFloat64(pads);
      return counts[0] === 0 && counts[counts.length / 2] === 0;
    }
    default:
      return false;
  }
}

function joinsWithinRows(node: GraphNode): boolean {
  return node.opType === 'Concat' && intAttribute(node, 'axis', 0) !== 0;
}

/** Returns the number of elements of a row, or undefined when the value is not float32 with rows along axis 0. */
function rowSizeOf(type: ValueType | undefined): number | undefined {
  if (type?.kind !== 'tensor' || type.elementType !== 'float32') return undefined;
  const [batch, ...sizes] = type.shape ?? [1];
  if (typeof batch === 'number') return undefined;
  const known = sizes.filter((size) => typeof size === 'number');
  return known.length === sizes.length ? elementCountOf(known) : undefined;
}
