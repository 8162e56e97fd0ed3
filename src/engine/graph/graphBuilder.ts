import {
  type Attribute,
  type Graph,
  type GraphNode,
  type Model,
  opsetOf,
  type Tensor,
  type ValueInfo,
  type ValueType,
} from '../../onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../onnx/tensorValue.js';
import { collectNames } from './names.js';

/** An attribute as rewrites write it: numbers become int when integral under an integer key, see `ints` and `float`. */
export type AttributeInput = Attribute | string | number | readonly number[];

/** What a new node may be given besides its inputs. */
export interface NodeOptions {
  readonly domain?: string;
  /** Integers stand for `int`/`ints`; write floats as `{ kind: 'float', value }`. Strings stand for `string`. */
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  /** Names of the outputs; default one fresh name made from the operator. */
  readonly outputs?: readonly string[];
  readonly name?: string;
}

/**
 * Adds nodes, constants, inputs and outputs to a model's main graph and returns a new model; the given one is unchanged.
 *
 * New nodes are appended in the order they are made, so every input must exist already. Helpers such as `reduce` emit
 * the form that the model's opset asks for.
 */
export class GraphBuilder {
  readonly opset: number;
  private readonly base: Model;
  private readonly nodes: GraphNode[];
  private readonly initializers: Map<string, Tensor>;
  private readonly names: Set<string>;
  /** By hint, the first index that may be free: graphs have thousands of names with the same one. */
  private readonly nextIndex = new Map<string, number>();
  private readonly constants = new Map<string, string>();
  private inputs: ValueInfo[];
  private outputs: ValueInfo[];

  constructor(model: Model) {
    this.base = model;
    this.opset = opsetOf(model);
    this.nodes = [...model.graph.nodes];
    this.initializers = new Map(model.graph.initializers);
    this.inputs = [...model.graph.inputs];
    this.outputs = [...model.graph.outputs];
    this.names = collectNames(model.graph);
  }

  /** How many nodes there are so far. */
  get nodeCount(): number {
    return this.nodes.length;
  }

  /** Returns the nodes from the `start`-th on, in the order they were added. */
  nodesFrom(start: number): readonly GraphNode[] {
    return this.nodes.slice(start);
  }

  /** Returns a name nobody uses yet, starting with the hint, and reserves it. */
  freshName(hint: string): string {
    let index = this.nextIndex.get(hint) ?? 0;
    let name = index === 0 ? hint : `${hint}_${String(index)}`;
    while (this.names.has(name)) name = `${hint}_${String(++index)}`;
    this.nextIndex.set(hint, index + 1);
    this.names.add(name);
    return name;
  }

  /** Appends a node and returns the name of its first output. */
  node(opType: string, inputs: readonly string[], options: NodeOptions = {}): string {
    const outputs = options.outputs ?? [this.freshName(`ni/${opType}`)];
    for (const output of outputs) this.names.add(output);
    this.nodes.push(makeNode(opType, inputs, { ...options, outputs }));
    const [first] = outputs;
    if (first === undefined) throw new Error(`A ${opType} node needs an output.`);
    return first;
  }

  /** Appends a node of the model as it is. */
  append(node: GraphNode): void {
    for (const output of node.outputs) this.names.add(output);
    this.nodes.push(node);
  }

  /** Puts a node right in front of one that stands in the graph and is to read it. */
  insertBefore(node: GraphNode, made: GraphNode): void {
    const index = this.nodes.indexOf(node);
    if (index < 0) throw new Error(`There is no ${node.opType} node to put another in front of.`);
    this.nodes.splice(index, 0, made);
    for (const output of made.outputs) this.names.add(output);
  }

  /** Puts a node that makes the same values, or more, in the place of one that stands in the graph. */
  replaceNode(node: GraphNode, by: GraphNode): void {
    const index = this.nodes.indexOf(node);
    if (index < 0) throw new Error(`There is no ${node.opType} node to replace.`);
    this.nodes[index] = by;
    for (const output of by.outputs) this.names.add(output);
  }

  /** Returns the constant of a name, or undefined when the name is no constant. */
  initializerOf(name: string): Tensor | undefined {
    return this.initializers.get(name);
  }

  /** Returns a model of the same opsets and functions with another main graph. */
  modelOf(graph: Graph): Model {
    return { ...this.base, graph };
  }

  /** Adds a constant; equal small constants are added once. */
  constant(value: TensorValue, hint = 'ni/constant'): string {
    const bytes = bytesOf(value);
    const key =
      bytes.length <= 64
        ? `${value.dtype}:${value.dims.join(',')}:${Buffer.from(bytes).toString('hex')}`
        : '';
    const known = this.constants.get(key);
    if (key !== '' && known !== undefined) return known;
    const name = this.freshName(hint);
    this.initializers.set(name, {
      name,
      elementType: value.dtype,
      dims: value.dims,
      source: { kind: 'inline', bytes },
    });
    if (key !== '') this.constants.set(key, name);
    return name;
  }

  /** Adds a float32 scalar. */
  scalar(value: number): string {
    return this.constant(float32Tensor([value], []));
  }

  /** Adds a one-dimensional int64 constant. */
  int64s(values: readonly number[]): string {
    return this.constant(int64Tensor(values, [values.length]));
  }

  /** Adds an initializer that stands elsewhere (a file range, say). */
  initializer(tensor: Tensor): string {
    this.names.add(tensor.name);
    this.initializers.set(tensor.name, tensor);
    return tensor.name;
  }

  /** Appends a reduction (`ReduceSum`, `ReduceMax`, …) over axes in the form of this opset. */
  reduce(opType: string, input: string, axes: readonly number[], keepDims: boolean): string {
    // ReduceSum takes its axes as an input from opset 13, the other reductions from 18.
    const axesAreInput = this.opset >= (opType === 'ReduceSum' ? 13 : 18);
    const keepdims = keepDims ? 1 : 0;
    return axesAreInput
      ? this.node(opType, [input, this.int64s(axes)], { attributes: { keepdims } })
      : this.node(opType, [input], { attributes: { axes, keepdims } });
  }

  /** Appends a Cast; `to` is an ONNX element type code's name. */
  cast(input: string, toCode: number): string {
    return this.node('Cast', [input], { attributes: { to: toCode } });
  }

  /** Adds a graph input. */
  addInput(name: string, type: ValueType): string {
    this.names.add(name);
    this.inputs.push({ name, type, metadata: new Map() });
    return name;
  }

  /** Returns whether the graph has an input of that name. */
  hasInput(name: string): boolean {
    return this.inputs.some((input) => input.name === name);
  }

  /** Makes a value a graph output, once; without a type the runtime infers it. */
  addOutput(name: string, type: ValueType = { kind: 'unknown' }): void {
    if (this.outputs.some((output) => output.name === name)) return;
    this.outputs.push({ name, type, metadata: new Map() });
  }

  /** Replaces the list of graph outputs by existing values. */
  setOutputs(names: readonly string[]): void {
    const known = new Map(this.outputs.map((output) => [output.name, output]));
    this.outputs = names.map(
      (name) => known.get(name) ?? { name, type: { kind: 'unknown' }, metadata: new Map() },
    );
  }

  /** Returns the model as built so far. */
  build(): Model {
    const graph: Graph = {
      ...this.base.graph,
      nodes: [...this.nodes],
      initializers: new Map(this.initializers),
      inputs: [...this.inputs],
      outputs: [...this.outputs],
    };
    return { ...this.base, graph };
  }
}

/** Returns a node as plain data. */
export function makeNode(
  opType: string,
  inputs: readonly string[],
  options: NodeOptions & { readonly outputs: readonly string[] },
): GraphNode {
  const attributes = new Map<string, Attribute>();
  for (const [name, input] of Object.entries(options.attributes ?? {})) {
    attributes.set(name, toAttribute(input));
  }
  return {
    name: options.name ?? '',
    opType,
    domain: options.domain ?? '',
    overload: '',
    inputs,
    outputs: options.outputs,
    attributes,
    metadata: new Map(),
  };
}

function toAttribute(input: AttributeInput): Attribute {
  if (typeof input === 'string') return { kind: 'string', value: input };
  if (typeof input === 'number') return { kind: 'int', value: BigInt(input) };
  if (isNumberList(input)) return { kind: 'ints', value: input.map(BigInt) };
  return input;
}

function isNumberList(input: Attribute | readonly number[]): input is readonly number[] {
  return Array.isArray(input);
}

function bytesOf(value: TensorValue): Uint8Array {
  const { data } = value;
  if (Array.isArray(data)) throw new Error('String constants are not built by rewrites.');
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
