import type { DataType } from './dataTypes.js';

// The model as plain data. Weights are described, never held: a Tensor says where its bytes are.
// Rewrites are pure functions Model → Model that share everything they do not change.

/** A dimension: a size, a symbolic name, or null when the file says nothing. */
export type Dimension = number | string | null;

/** The type of a value. */
export type ValueType =
  | { readonly kind: 'tensor'; readonly elementType: DataType; readonly shape: readonly Dimension[] | null }
  | {
      readonly kind: 'sparse-tensor';
      readonly elementType: DataType;
      readonly shape: readonly Dimension[] | null;
    }
  | { readonly kind: 'sequence'; readonly element: ValueType }
  | { readonly kind: 'optional'; readonly element: ValueType }
  | { readonly kind: 'map'; readonly keyType: DataType; readonly value: ValueType }
  | { readonly kind: 'unknown' };

/** A named value with its type as declared in the file (`ValueInfoProto`). */
export interface ValueInfo {
  readonly name: string;
  readonly type: ValueType;
  readonly metadata: Metadata;
}

/** Key–value metadata (`metadata_props`), in file order. */
export type Metadata = ReadonlyMap<string, string>;

/**
 * Where a tensor's elements are.
 *
 * - `inline`: little-endian packed bytes held in memory (small constants, or made by a rewrite).
 * - `file`: `sizeBytes` bytes at `offset` of `path` (a real path, links resolved), little-endian packed like `raw_data`.
 * - `varints`: `path`, a range of packed protobuf varints (`int32_data`, `int64_data`, `uint64_data`) left unread.
 * - `strings`: string elements.
 */
export type TensorSource =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string; readonly offset: number; readonly sizeBytes: number }
  | { readonly kind: 'varints'; readonly path: string; readonly offset: number; readonly sizeBytes: number }
  | { readonly kind: 'strings'; readonly values: readonly string[] };

/** A constant tensor: an initializer or a tensor attribute. */
export interface Tensor {
  readonly name: string;
  readonly elementType: DataType;
  readonly dims: readonly number[];
  readonly source: TensorSource;
}

/** A sparse constant: values and their indices, both tensors. */
export interface SparseTensor {
  readonly values: Tensor;
  readonly indices: Tensor;
  readonly dims: readonly number[];
}

/** An attribute of a node. `ref` stands inside functions only and names an attribute of the caller. */
export type Attribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'sparse-tensor'; readonly value: SparseTensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'type'; readonly value: ValueType }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly bigint[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensors'; readonly value: readonly Tensor[] }
  | { readonly kind: 'graphs'; readonly value: readonly Graph[] }
  | { readonly kind: 'types'; readonly value: readonly ValueType[] }
  | { readonly kind: 'ref'; readonly name: string; readonly attributeType: number };

/** One operator application. Empty strings in `inputs` and `outputs` are omitted optional ones. */
export interface GraphNode {
  readonly name: string;
  readonly opType: string;
  /** `''` for ai.onnx (the file's `ai.onnx` is read as `''`). */
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly metadata: Metadata;
}

/** A graph: the main one, or the body of an If, Loop or Scan, which also sees the names of the graphs around it. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: readonly GraphNode[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly sparseInitializers: readonly SparseTensor[];
  /** Declared types of inner values, by name. */
  readonly valueInfo: ReadonlyMap<string, ValueInfo>;
  readonly metadata: Metadata;
}

/** A model-local function. */
export interface FunctionDefinition {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributeNames: readonly string[];
  /** Attributes with default values. */
  readonly attributeDefaults: ReadonlyMap<string, Attribute>;
  readonly nodes: readonly GraphNode[];
  readonly opsets: ReadonlyMap<string, number>;
  readonly valueInfo: ReadonlyMap<string, ValueInfo>;
  readonly metadata: Metadata;
}

/** Where a model came from on disk. */
export interface ModelFile {
  /** The path as the person gave it, made absolute; links not resolved. */
  readonly path: string;
  /** The file itself, links resolved. */
  readonly realPath: string;
  /** Bytes of the model file. */
  readonly fileSizeBytes: number;
  /** Bytes of the model file and every external data file it names. */
  readonly sizeBytes: number;
  /** Real paths of the external data files. */
  readonly externalPaths: readonly string[];
  /** Size and time of each file, by real path, when it was read: what tells that it changed since. */
  readonly stamps?: ReadonlyMap<string, { readonly sizeBytes: number; readonly modifiedMs: number }>;
}

/** A model: what `readModel` returns and every rewrite maps to another. */
export interface Model {
  readonly file: ModelFile;
  readonly irVersion: number;
  /** Version by domain; `''` is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: number;
  readonly metadata: Metadata;
  readonly graph: Graph;
  readonly functions: readonly FunctionDefinition[];
  /** What reading noticed and left alone, one sentence each. */
  readonly warnings: readonly string[];
}

/** Returns the ai.onnx opset version a model imports; 1 when it imports none. */
export function opsetOf(model: Model): number {
  return model.opsets.get('') ?? 1;
}

/** Returns an operator's name as the contract prints it: no prefix for ai.onnx, else `domain:OpType`. */
export function qualifiedOperator(node: Pick<GraphNode, 'domain' | 'opType'>): string {
  return node.domain === '' ? node.opType : `${node.domain}:${node.opType}`;
}

/** Returns the integer value of an attribute, or `fallback` when it is absent. */
export function intAttribute(node: GraphNode, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'int' ? Number(attribute.value) : fallback;
}

/** Returns the float value of an attribute, or `fallback` when it is absent. */
export function floatAttribute(node: GraphNode, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'float' ? attribute.value : fallback;
}

/** Returns the string value of an attribute, or `fallback` when it is absent. */
export function stringAttribute(node: GraphNode, name: string, fallback: string): string {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'string' ? attribute.value : fallback;
}

/** Returns the integers of an attribute, or undefined when it is absent. */
export function intsAttribute(node: GraphNode, name: string): readonly number[] | undefined {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'ints' ? attribute.value.map(Number) : undefined;
}

/** Returns the graphs in a node's attributes (If, Loop, Scan bodies), with the attribute's name. */
export function bodiesOf(node: GraphNode): readonly { readonly attribute: string; readonly graph: Graph }[] {
  const bodies: { attribute: string; graph: Graph }[] = [];
  for (const [name, attribute] of node.attributes) {
    if (attribute.kind === 'graph') bodies.push({ attribute: name, graph: attribute.value });
    if (attribute.kind === 'graphs') {
      for (const graph of attribute.value) bodies.push({ attribute: name, graph });
    }
  }
  return bodies;
}
