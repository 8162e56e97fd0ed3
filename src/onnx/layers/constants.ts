import { inlineValue } from '../loadTensor.js';
import { type Attribute, type Graph, type GraphNode, intsAttribute, type Tensor } from '../model.js';
import { elementCountOf, float32Tensor, int64Tensor, toFloat64, type TensorValue } from '../tensorValue.js';

/** A constant operand and the stored tensor behind it. */
export interface Constant {
  /** Name of the initializer or Constant output it comes from. */
  readonly origin: string;
  /** Equal for tied constants: the same stored bytes. */
  readonly identity: string;
  /** Element type of the stored tensor: int8 behind a DequantizeLinear. */
  readonly elementType: string;
  readonly elementCount: number;
  /** Shape as the reading node sees it; null where a Reshape of unknown target stands between. */
  readonly dims: readonly number[] | null;
  /** The elements, when they are in memory (small constants) and nothing but Identity stands between. */
  readonly value: TensorValue | undefined;
}

/** Operators that make a constant of constants, so that a weight behind them is still a weight. */
const transparent = new Set([
  'Reshape',
  'Transpose',
  'Cast',
  'CastLike',
  'DequantizeLinear',
  'Identity',
  'Squeeze',
  'Unsqueeze',
  'QuantizeLinear',
  'Flatten',
]);

/** Returns the constants of a graph by value name, on top of those around it. */
export function constantsOf(graph: Graph, outer?: ReadonlyMap<string, Constant>): Map<string, Constant> {
  const constants = new Map(outer);
  for (const [name, tensor] of graph.initializers) constants.set(name, constantOfTensor(name, tensor));
  for (const sparse of graph.sparseInitializers) {
    const constant = constantOfTensor(sparse.values.name, sparse.values);
    constants.set(sparse.values.name, { ...constant, dims: sparse.dims, value: undefined });
  }
  for (const node of graph.nodes) {
    const [output] = node.outputs;
    if (output === undefined) continue;
    const constant = node.opType === 'Constant' ? constantOfNode(node, output) : derived(node, constants);
    if (constant !== undefined) constants.set(output, constant);
  }
  return constants;
}

function constantOfTensor(origin: string, tensor: Tensor): Constant {
  const { source } = tensor;
  const isFile = source.kind === 'file' || source.kind === 'varints';
  return {
    origin,
    identity: isFile ? `${source.path}:${source.offset}` : origin,
    elementType: tensor.elementType,
    elementCount: elementCountOf(tensor.dims),
    dims: tensor.dims,
    value: tensor.elementType === 'string' ? undefined : inlineValue(tensor),
  };
}

function constantOfNode(node: GraphNode, origin: string): Constant | undefined {
  const tensor = node.attributes.get('value');
  if (tensor?.kind === 'tensor') return constantOfTensor(origin, tensor.value);
  for (const attribute of node.attributes.values()) {
    const value = literalOf(attribute);
    if (value === undefined) continue;
    const elementCount = elementCountOf(value.dims);
    return { origin, identity: origin, elementType: value.dtype, elementCount, dims: value.dims, value };
  }
  return undefined;
}

function literalOf(attribute: Attribute): TensorValue | undefined {
  switch (attribute.kind) {
    case 'float':
      return float32Tensor([attribute.value], []);
    case 'floats':
      return float32Tensor(attribute.value, [attribute.value.length]);
    case 'int':
      return int64Tensor([attribute.value], []);
    case 'ints':
      return int64Tensor(attribute.value, [attribute.value.length]);
    default:
      return undefined;
  }
}

function derived(node: GraphNode, constants: ReadonlyMap<string, Constant>): Constant | undefined {
  if (!transparent.has(node.opType) || node.domain !== '') return undefined;
  const inputs = node.inputs.filter((input) => input !== '').map((input) => constants.get(input));
  const [first] = inputs;
  if (first === undefined || inputs.includes(undefined)) return undefined;
  if (node.opType === 'Identity') return first;
  return { ...first, dims: dimsBehind(node, first, inputs[1]), value: undefined };
}

function dimsBehind(node: GraphNode, from: Constant, second: Constant | undefined): readonly number[] | null {
  const { dims } = from;
  if (dims === null) return null;
  if (node.opType === 'Transpose') {
    const order = intsAttribute(node, 'perm') ?? dims.map((_, axis) => dims.length - 1 - axis);
    return order.map((axis) => dims[axis] ?? 1);
  }
  if (node.opType === 'Reshape') {
    const target = second?.value === undefined ? undefined : [...toFloat64(second.value)];
    return target === undefined ? null : reshaped(target, dims, from.elementCount);
  }
  const keepsShape = ['Cast', 'CastLike', 'DequantizeLinear', 'QuantizeLinear'].includes(node.opType);
  return keepsShape ? dims : null;
}

/** Returns the target of a Reshape with 0 (keep) and −1 (the rest) filled in. */
function reshaped(
  target: readonly number[],
  dims: readonly number[],
  elementCount: number,
): readonly number[] {
  const kept = target.map((size, axis) => (size === 0 ? (dims[axis] ?? 1) : size));
  const known = kept.filter((size) => size !== -1).reduce((product, size) => product * size, 1);
  return kept.map((size) => (size === -1 ? elementCount / Math.max(known, 1) : size));
}

/** Returns the only element of a scalar (or one-element) constant in memory. */
export function scalarOf(constant: Constant | undefined): number | undefined {
  if (constant?.value === undefined || constant.elementCount !== 1) return undefined;
  return toFloat64(constant.value)[0];
}
