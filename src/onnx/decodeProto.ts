import { decodeTensor, type TensorContext } from './decodeTensor.js';
import { dataTypeOfCode } from './dataTypes.js';
import type {
  Attribute,
  Dimension,
  FunctionDefinition,
  Graph,
  GraphNode,
  Metadata,
  SparseTensor,
  Tensor,
  ValueInfo,
  ValueType,
} from './model.js';
import { malformed, unsupported } from './modelErrors.js';
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  NodeProto,
  SparseTensorProto,
  StringStringEntryProto,
  TensorProto,
  TensorShapeProto,
  TypeProto,
  ValueInfoProto,
} from './protobuf.js';

/** Graphs inside graphs inside graphs, and types inside types, end here: no exporter gets near, a hostile file would. */
export const maxDepth = 64;

/** What decoding needs to know besides the message. */
export interface DecodeContext extends TensorContext {
  /** How many graphs are around this one. */
  readonly depth: number;
}

/** The parts of a graph that a walk took out of its message because they are many or large. */
export interface GraphParts {
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly Tensor[];
  readonly sparseInitializers: readonly SparseTensor[];
}

/** Returns the context of a graph inside this one. */
export function deeper(context: DecodeContext): DecodeContext {
  if (context.depth >= maxDepth) throw malformed(`graphs are nested more than ${maxDepth} deep`);
  return { ...context, depth: context.depth + 1 };
}

/** Returns a graph from its message and the parts that were walked. */
export function decodeGraph(proto: GraphProto, context: DecodeContext, parts?: GraphParts): Graph {
  const initializers =
    parts?.initializers ?? proto.initializer.map((tensor) => decodeTensor(tensor, context));
  return {
    name: proto.name,
    inputs: proto.input.map(decodeValueInfo),
    outputs: proto.output.map(decodeValueInfo),
    nodes: parts?.nodes ?? proto.node.map((node) => decodeNode(node, context)),
    initializers: new Map(initializers.map((tensor) => [tensor.name, tensor])),
    sparseInitializers:
      parts?.sparseInitializers ?? proto.sparseInitializer.map((sparse) => decodeSparse(sparse, context)),
    valueInfo: new Map(proto.valueInfo.map((info) => [info.name, decodeValueInfo(info)])),
    metadata: decodeMetadata(proto.metadataProps),
  };
}

/** Returns a node; `walked` are attributes taken out of its message. */
export function decodeNode(
  proto: NodeProto,
  context: DecodeContext,
  walked: readonly (readonly [string, Attribute])[] = [],
): GraphNode {
  const attributes = new Map<string, Attribute>();
  for (const attribute of proto.attribute) {
    attributes.set(attribute.name, decodeAttribute(attribute, context));
  }
  for (const [name, attribute] of walked) attributes.set(name, attribute);
  return {
    name: proto.name,
    opType: proto.opType,
    domain: normalDomain(proto.domain),
    overload: proto.overload,
    inputs: proto.input,
    outputs: proto.output,
    attributes,
    metadata: decodeMetadata(proto.metadataProps),
  };
}

/** Returns a model-local function from its message and its walked nodes. */
export function decodeFunction(
  proto: FunctionProto,
  context: DecodeContext,
  nodes?: readonly GraphNode[],
): FunctionDefinition {
  return {
    name: proto.name,
    domain: normalDomain(proto.domain),
    overload: proto.overload,
    inputs: proto.input,
    outputs: proto.output,
    attributeNames: proto.attribute,
    attributeDefaults: new Map(
      proto.attributeProto.map((attribute) => [attribute.name, decodeAttribute(attribute, context)]),
    ),
    nodes: nodes ?? proto.node.map((node) => decodeNode(node, context)),
    opsets: decodeOpsets(proto.opsetImport),
    valueInfo: new Map(proto.valueInfo.map((info) => [info.name, decodeValueInfo(info)])),
    metadata: decodeMetadata(proto.metadataProps),
  };
}

/** Returns opset versions by domain, `ai.onnx` under `''`. */
export function decodeOpsets(
  opsets: readonly { readonly domain: string; readonly version: bigint }[],
): ReadonlyMap<string, number> {
  return new Map(opsets.map(({ domain, version }) => [normalDomain(domain), Number(version)]));
}

/** Returns key–value metadata. */
export function decodeMetadata(entries: readonly StringStringEntryProto[]): Metadata {
  return new Map(entries.map(({ key, value }) => [key, value]));
}

/** Returns the domain as the rest of the program writes it: `''` for ai.onnx. */
export function normalDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

/** The heavy values of an attribute that a walk took out of its message. */
export interface AttributeParts {
  readonly tensor?: Tensor;
  readonly graph?: Graph;
  readonly tensors?: readonly Tensor[];
  readonly graphs?: readonly Graph[];
  readonly sparse?: SparseTensor;
}

/** Returns an attribute; `parts` replaces the fields of the message that were walked. */
export function decodeAttribute(
  proto: AttributeProto,
  context: DecodeContext,
  parts: AttributeParts = {},
): Attribute {
  if (proto.refAttrName !== '') {
    return { kind: 'ref', name: proto.refAttrName, attributeType: proto.type };
  }
  const kind = attributeKinds[proto.type] ?? guessKind(proto, parts);
  switch (kind) {
    case 'float':
      return { kind, value: proto.f };
    case 'int':
      return { kind, value: proto.i };
    case 'string':
      return { kind, value: text(proto.s) };
    case 'type':
      return { kind, value: decodeType(proto.tp) };
    case 'floats':
      return { kind, value: proto.floats };
    case 'ints':
      return { kind, value: proto.ints };
    case 'strings':
      return { kind, value: proto.strings.map(text) };
    case 'types':
      return { kind, value: proto.typeProtos.map((type) => decodeType(type)) };
    default:
      return decodeNested(proto, kind, context, parts);
  }
}

/** Attribute kinds by `AttributeProto.AttributeType`. */
const attributeKinds: readonly (NamedKind | undefined)[] = [
  undefined,
  'float',
  'int',
  'string',
  'tensor',
  'graph',
  'floats',
  'ints',
  'strings',
  'tensors',
  'graphs',
  'sparse-tensor',
  'sparse-tensors',
  'type',
  'types',
];
type NamedKind = Exclude<Attribute['kind'], 'ref'> | 'sparse-tensors';
type NestedKind = 'tensor' | 'graph' | 'tensors' | 'graphs' | 'sparse-tensor' | 'sparse-tensors';

function decodeNested(
  proto: AttributeProto,
  kind: NestedKind,
  context: DecodeContext,
  parts: AttributeParts,
): Attribute {
  switch (kind) {
    case 'tensor':
      return { kind, value: parts.tensor ?? decodeTensor(required(proto.t, proto), context) };
    case 'graph':
      return { kind, value: parts.graph ?? decodeGraph(required(proto.g, proto), deeper(context)) };
    case 'tensors':
      return { kind, value: parts.tensors ?? proto.tensors.map((tensor) => decodeTensor(tensor, context)) };
    case 'graphs':
      return {
        kind,
        value: parts.graphs ?? proto.graphs.map((graph) => decodeGraph(graph, deeper(context))),
      };
    case 'sparse-tensor':
      return { kind, value: parts.sparse ?? decodeSparse(required(proto.sparseTensor, proto), context) };
    case 'sparse-tensors':
      throw unsupported(`lists of sparse tensors (attribute ${proto.name})`);
  }
}

/** Files from before IR version 3 may leave the type out: the field that is set tells. */
function guessKind(proto: AttributeProto, parts: AttributeParts): NamedKind {
  if (parts.tensor !== undefined || proto.t !== undefined) return 'tensor';
  if (parts.graph !== undefined || proto.g !== undefined) return 'graph';
  if (proto.ints.length > 0) return 'ints';
  if (proto.floats.length > 0) return 'floats';
  if (proto.strings.length > 0) return 'strings';
  if (proto.s.length > 0) return 'string';
  if (proto.f !== 0) return 'float';
  return 'int';
}

function required<T>(value: T | undefined, proto: AttributeProto): T {
  if (value === undefined) throw malformed(`attribute ${proto.name} has no value`);
  return value;
}

/** Returns a sparse tensor; the walk passes its parts when they are large. */
export function decodeSparse(
  proto: SparseTensorProto,
  context: DecodeContext,
  parts: { readonly values?: Tensor; readonly indices?: Tensor } = {},
): SparseTensor {
  const decodePart = (walked: Tensor | undefined, part: TensorProto | undefined): Tensor => {
    if (walked !== undefined) return walked;
    if (part === undefined) throw malformed('a sparse tensor lacks its values or indices');
    return decodeTensor(part, context);
  };
  return {
    values: decodePart(parts.values, proto.values),
    indices: decodePart(parts.indices, proto.indices),
    dims: proto.dims.map(Number),
  };
}

function decodeValueInfo(proto: ValueInfoProto): ValueInfo {
  return { name: proto.name, type: decodeType(proto.type), metadata: decodeMetadata(proto.metadataProps) };
}

function decodeType(proto: TypeProto | undefined, depth = 0): ValueType {
  if (depth > maxDepth) throw malformed(`types are nested more than ${maxDepth} deep`);
  const type = proto?.value;
  switch (type?.case) {
    case 'tensorType':
    case 'sparseTensorType':
      return {
        kind: type.case === 'tensorType' ? 'tensor' : 'sparse-tensor',
        elementType: dataTypeOfCode(type.value.elemType),
        shape: decodeShape(type.value.shape),
      };
    case 'sequenceType':
      return { kind: 'sequence', element: decodeType(type.value.elemType, depth + 1) };
    case 'optionalType':
      return { kind: 'optional', element: decodeType(type.value.elemType, depth + 1) };
    case 'mapType':
      return {
        kind: 'map',
        keyType: dataTypeOfCode(type.value.keyType),
        value: decodeType(type.value.valueType, depth + 1),
      };
    case undefined:
      return { kind: 'unknown' };
  }
}

function decodeShape(shape: TensorShapeProto | undefined): readonly Dimension[] | null {
  if (shape === undefined) return null;
  return shape.dim.map(({ value }) => {
    switch (value.case) {
      case 'dimValue':
        // Some exporters write −1 (or 0 in a batch's place) for "unknown"; only a negative size is surely that.
        return value.value < 0n ? null : Number(value.value);
      case 'dimParam':
        return value.value === '' ? null : value.value;
      case undefined:
        return null;
    }
  });
}

const decoder = new TextDecoder();

function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
