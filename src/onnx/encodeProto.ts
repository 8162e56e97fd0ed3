import { dataTypeFacts } from './dataTypes.js';
import type {
  Attribute,
  FunctionDefinition,
  Graph,
  GraphNode,
  Metadata,
  Model,
  SparseTensor,
  Tensor,
  ValueInfo,
  ValueType,
} from './model.js';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  create,
  type Fields,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type SparseTensorProto,
  SparseTensorProtoSchema,
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type TypeProto,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './protobuf.js';
import { readTensorBytes } from './tensorBytes.js';

/** Says where a tensor's bytes go: a range of a file named relative to the weights folder, or into the message. */
export type PlaceTensor = (
  tensor: Tensor,
) => { readonly location: string; readonly offset: number; readonly sizeBytes: number } | 'embed';

/** Returns the message of a whole model. */
export function modelToProto(model: Model, place: PlaceTensor): ModelProto {
  return create(ModelProtoSchema, {
    ...modelHeader(model),
    graph: graphToProto(model.graph, place),
    functions: model.functions.map((definition) => functionToProto(definition, place)),
  });
}

/** Returns a model's fields other than its graph and functions. */
export function modelHeader(model: Model): Fields<typeof ModelProtoSchema> {
  return {
    irVersion: BigInt(model.irVersion),
    producerName: model.producerName,
    producerVersion: model.producerVersion,
    domain: model.domain,
    modelVersion: BigInt(model.modelVersion),
    opsetImport: opsetsToProto(model.opsets),
    metadataProps: metadataToProto(model.metadata),
  };
}

function opsetsToProto(opsets: ReadonlyMap<string, number>): ModelProto['opsetImport'] {
  const message = create(ModelProtoSchema, {
    opsetImport: [...opsets].map(([domain, version]) => ({ domain, version: BigInt(version) })),
  });
  return message.opsetImport;
}

/** Returns the message of a graph. */
export function graphToProto(graph: Graph, place: PlaceTensor): GraphProto {
  return create(GraphProtoSchema, {
    name: graph.name === '' ? 'graph' : graph.name,
    node: graph.nodes.map((node) => nodeToProto(node, place)),
    initializer: [...graph.initializers.values()].map((tensor) => tensorToProto(tensor, place)),
    sparseInitializer: graph.sparseInitializers.map((sparse) => sparseToProto(sparse, place)),
    input: graph.inputs.map(valueInfoToProto),
    output: graph.outputs.map(valueInfoToProto),
    valueInfo: [...graph.valueInfo.values()].map(valueInfoToProto),
    metadataProps: metadataToProto(graph.metadata),
  });
}

/** Returns the message of a model-local function. */
export function functionToProto(definition: FunctionDefinition, place: PlaceTensor): FunctionProto {
  return create(FunctionProtoSchema, {
    name: definition.name,
    domain: definition.domain,
    ...(definition.overload === '' ? {} : { overload: definition.overload }),
    input: [...definition.inputs],
    output: [...definition.outputs],
    attribute: [...definition.attributeNames],
    attributeProto: [...definition.attributeDefaults].map(([name, attribute]) =>
      attributeToProto(name, attribute, place),
    ),
    node: definition.nodes.map((node) => nodeToProto(node, place)),
    opsetImport: opsetsToProto(definition.opsets),
    valueInfo: [...definition.valueInfo.values()].map(valueInfoToProto),
    metadataProps: metadataToProto(definition.metadata),
  });
}

function nodeToProto(node: GraphNode, place: PlaceTensor): NodeProto {
  return create(NodeProtoSchema, {
    name: node.name,
    opType: node.opType,
    ...(node.domain === '' ? {} : { domain: node.domain }),
    ...(node.overload === '' ? {} : { overload: node.overload }),
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: [...node.attributes].map(([name, attribute]) => attributeToProto(name, attribute, place)),
    metadataProps: metadataToProto(node.metadata),
  });
}

/** `AttributeProto.AttributeType` by kind. */
const attributeTypes = {
  float: AttributeProto_AttributeType.FLOAT,
  int: AttributeProto_AttributeType.INT,
  string: AttributeProto_AttributeType.STRING,
  tensor: AttributeProto_AttributeType.TENSOR,
  graph: AttributeProto_AttributeType.GRAPH,
  floats: AttributeProto_AttributeType.FLOATS,
  ints: AttributeProto_AttributeType.INTS,
  strings: AttributeProto_AttributeType.STRINGS,
  tensors: AttributeProto_AttributeType.TENSORS,
  graphs: AttributeProto_AttributeType.GRAPHS,
  'sparse-tensor': AttributeProto_AttributeType.SPARSE_TENSOR,
  type: AttributeProto_AttributeType.TYPE_PROTO,
  types: AttributeProto_AttributeType.TYPE_PROTOS,
} as const;

function attributeToProto(name: string, attribute: Attribute, place: PlaceTensor): AttributeProto {
  if (attribute.kind === 'ref') {
    return create(AttributeProtoSchema, {
      name,
      refAttrName: attribute.name,
      type: attributeTypeByCode.get(attribute.attributeType) ?? AttributeProto_AttributeType.UNDEFINED,
    });
  }
  return create(AttributeProtoSchema, {
    name,
    type: attributeTypes[attribute.kind],
    ...attributeValue(attribute, place),
  });
}

const attributeTypeByCode = new Map<number, AttributeProto_AttributeType>(
  Object.values(attributeTypes).map((type) => [type, type]),
);

function attributeValue(
  attribute: Exclude<Attribute, { kind: 'ref' }>,
  place: PlaceTensor,
): Fields<typeof AttributeProtoSchema> {
  switch (attribute.kind) {
    case 'float':
      return { f: attribute.value };
    case 'int':
      return { i: attribute.value };
    case 'string':
      return { s: utf8(attribute.value) };
    case 'tensor':
      return { t: tensorToProto(attribute.value, place) };
    case 'graph':
      return { g: graphToProto(attribute.value, place) };
    case 'floats':
      return { floats: [...attribute.value] };
    case 'ints':
      return { ints: [...attribute.value] };
    case 'strings':
      return { strings: attribute.value.map(utf8) };
    case 'tensors':
      return { tensors: attribute.value.map((tensor) => tensorToProto(tensor, place)) };
    case 'graphs':
      return { graphs: attribute.value.map((graph) => graphToProto(graph, place)) };
    case 'sparse-tensor':
      return { sparseTensor: sparseToProto(attribute.value, place) };
    case 'type':
      return { tp: typeToProto(attribute.value) };
    case 'types':
      return { typeProtos: attribute.value.map(typeToProto) };
  }
}

/** Returns the message of a tensor: its bytes embedded as `raw_data`, or a reference to where they are. */
export function tensorToProto(tensor: Tensor, place: PlaceTensor): TensorProto {
  const header = tensorHeader(tensor);
  if (tensor.source.kind === 'strings') {
    return create(TensorProtoSchema, { ...header, stringData: tensor.source.values.map(utf8) });
  }
  const placement = place(tensor);
  if (placement === 'embed') {
    return create(TensorProtoSchema, { ...header, rawData: ownBuffer(readTensorBytes(tensor)) });
  }
  return create(TensorProtoSchema, {
    ...header,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [
      entry('location', placement.location),
      entry('offset', String(placement.offset)),
      entry('length', String(placement.sizeBytes)),
    ],
  });
}

/** Returns a tensor's fields other than its data. */
export function tensorHeader(tensor: Tensor): Fields<typeof TensorProtoSchema> {
  return {
    name: tensor.name,
    dataType: dataTypeFacts(tensor.elementType).code,
    dims: tensor.dims.map(BigInt),
  };
}

/** Returns the message of a sparse tensor. */
export function sparseToProto(sparse: SparseTensor, place: PlaceTensor): SparseTensorProto {
  return create(SparseTensorProtoSchema, {
    values: tensorToProto(sparse.values, place),
    indices: tensorToProto(sparse.indices, place),
    dims: sparse.dims.map(BigInt),
  });
}

function valueInfoToProto(info: ValueInfo): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name: info.name,
    ...(info.type.kind === 'unknown' ? {} : { type: typeToProto(info.type) }),
    metadataProps: metadataToProto(info.metadata),
  });
}

function typeToProto(type: ValueType): TypeProto {
  switch (type.kind) {
    case 'tensor':
      return create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType(type) } });
    case 'sparse-tensor':
      return create(TypeProtoSchema, { value: { case: 'sparseTensorType', value: tensorType(type) } });
    case 'sequence':
      return create(TypeProtoSchema, {
        value: { case: 'sequenceType', value: { elemType: typeToProto(type.element) } },
      });
    case 'optional':
      return create(TypeProtoSchema, {
        value: { case: 'optionalType', value: { elemType: typeToProto(type.element) } },
      });
    case 'map':
      return create(TypeProtoSchema, {
        value: {
          case: 'mapType',
          value: { keyType: dataTypeFacts(type.keyType).code, valueType: typeToProto(type.value) },
        },
      });
    case 'unknown':
      return create(TypeProtoSchema);
  }
}

function tensorType(type: Extract<ValueType, { kind: 'tensor' | 'sparse-tensor' }>) {
  const elemType = dataTypeFacts(type.elementType).code;
  if (type.shape === null) return { elemType };
  const dim = type.shape.map((dimension) => {
    if (dimension === null) return {};
    return typeof dimension === 'number'
      ? { value: { case: 'dimValue' as const, value: BigInt(dimension) } }
      : { value: { case: 'dimParam' as const, value: dimension } };
  });
  return { elemType, shape: { dim } };
}

function metadataToProto(metadata: Metadata): StringStringEntryProto[] {
  return [...metadata].map(([key, value]) => entry(key, value));
}

function entry(key: string, value: string): StringStringEntryProto {
  return create(StringStringEntryProtoSchema, { key, value });
}

const encoder = new TextEncoder();

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}
