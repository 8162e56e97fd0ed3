import { type DataType, dataTypeFacts } from '../../onnx/dataTypes.js';
import type { Graph, GraphNode, Tensor, ValueInfo, ValueType } from '../../onnx/model.js';
import { mapDimensions } from '../../onnx/shapes/declared.js';
import { int64Tensor, type TensorValue } from '../../onnx/tensorValue.js';
import { type AttributeInput, type GraphBuilder, makeNode } from './graphBuilder.js';

/** What a written body starts from. */
export interface BodyParts {
  readonly nodes: readonly GraphNode[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** Outputs that it has already. */
  readonly outputs?: readonly ValueInfo[];
}

/** Writes a body whose names no other graph of the model has. */
export class BodyWriter {
  private readonly written: GraphNode[];
  private readonly initializers: Map<string, Tensor>;
  private readonly inputs: ValueInfo[] = [];
  private readonly outputs: ValueInfo[] = [];
  /** Values that are outputs. */
  private readonly taken: Set<string>;

  constructor(
    private readonly outer: GraphBuilder,
    parts: BodyParts = { nodes: [], initializers: new Map() },
  ) {
    this.taken = new Set(parts.outputs?.map((output) => output.name));
    this.written = [...parts.nodes];
    this.initializers = new Map(parts.initializers);
  }

  /** Appends a node and returns the name of its only output. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): string {
    const [output = ''] = this.manyFrom(makeNode(opType, inputs, { attributes, outputs: [''] }));
    return output;
  }

  /** Appends a node under fresh names of its outputs, and returns them. */
  manyFrom(node: GraphNode): readonly string[] {
    const outputs = node.outputs.map(() => this.outer.freshName(`ni/${node.opType}`));
    this.written.push({ ...node, outputs });
    return outputs;
  }

  /** Returns zeros shaped like a value. */
  zerosLike(value: string, type: DataType): string {
    return this.zeros(this.node('Shape', [value]), type);
  }

  /** Returns a tensor of a rank without elements. */
  nothing(rank: number, type: DataType): string {
    return this.zerosOf(new Array<number>(rank).fill(0), type);
  }

  /** Returns an int64 tensor of one axis. */
  int64s(values: readonly number[]): string {
    return this.constant(int64Tensor(values, [values.length]));
  }

  /** Returns zeros of a shape. */
  zerosOf(shape: readonly number[], type: DataType): string {
    return this.zeros(this.int64s(shape), type);
  }

  /** Returns an int64 scalar. */
  int64(value: number): string {
    return this.constant(int64Tensor([value], []));
  }

  /** Returns zeros of a shape that is known while running. */
  zeros(shape: string, type: DataType): string {
    return this.node('ConstantOfShape', [shape], { value: { kind: 'tensor', value: zeroTensor(type) } });
  }

  private constant({ dtype, dims, data }: TensorValue): string {
    if (Array.isArray(data)) throw new Error('String constants are not written into bodies.');
    const name = this.outer.freshName('ni/constant');
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.set(name, { name, elementType: dtype, dims, source: { kind: 'inline', bytes } });
    return name;
  }

  /** Adds an input under a name of its own. */
  input(name: string, type: ValueType): void {
    this.inputs.push({ name, type: withoutSizes(type), metadata: new Map() });
  }

  /**
   * Makes a value the next output.
   *
   * Only inputs, values from outside and those that are an output already are copied: when the runtime removes the copy
   * of a value that a fused Gemm reads too, that Gemm loses its input.
   */
  output(value: string, type: ValueType): void {
    const isOwn = this.written.some((node) => node.outputs.includes(value));
    const name = isOwn && !this.taken.has(value) ? value : this.node('Identity', [value]);
    this.taken.add(name);
    this.outputs.push({ name, type: withoutSizes(type), metadata: new Map() });
  }

  /** Returns the body. */
  build(name: string): Graph {
    return {
      name,
      inputs: this.inputs,
      outputs: this.outputs,
      nodes: this.written,
      initializers: this.initializers,
      sparseInitializers: [],
      valueInfo: new Map(),
      metadata: new Map(),
    };
  }
}

/** Returns one zero of an element type, to fill a `ConstantOfShape` with. */
export function zeroTensor(elementType: DataType): Tensor {
  const bytes = new Uint8Array(dataTypeFacts(elementType).bits / 8);
  return { name: '', elementType, dims: [1], source: { kind: 'inline', bytes } };
}

/** The rank stays, for a Scan must know that of its body's outputs; sizes may be those of one run only. */
function withoutSizes(type: ValueType): ValueType {
  return mapDimensions(type, () => null);
}

/** Returns a body with what `write` appends: more nodes, constants and outputs. */
export function extendBody(outer: GraphBuilder, body: Graph, write: (writer: BodyWriter) => void): Graph {
  const writer = new BodyWriter(outer, body);
  write(writer);
  const { nodes, initializers, outputs } = writer.build(body.name);
  return { ...body, nodes, initializers, outputs: [...body.outputs, ...outputs] };
}
