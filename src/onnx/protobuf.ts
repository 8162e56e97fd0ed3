import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
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
  type TensorShapeProto,
  type TypeProto,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { malformed } from './modelErrors.js';

// The one place that knows the protobuf library and the generated ONNX messages, so that either can be replaced.
export {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  create,
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
  type TensorShapeProto,
  type TypeProto,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
};

/** The fields that a new message of a schema may be given. */
export type Fields<D extends DescMessage> = Exclude<MessageInitShape<D>, MessageShape<D>>;

/** Wire types of protobuf fields (groups, 3 and 4, are not used by ONNX). */
export const wireType = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

/**
 * Decodes one message; byte fields are views of `bytes`.
 *
 * @throws UserError `model-malformed` when the bytes are no such message.
 */
export function decodeMessage<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (error) {
    // Whatever the library throws here (bad tags, stack exhausted by nesting), the bytes are the reason.
    throw malformed(`a ${schema.name} cannot be decoded`, error);
  }
}

/** Encodes one message. */
export function encodeMessage<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
): Uint8Array<ArrayBuffer> {
  return toBinary(schema, message);
}

/** Returns the wire bytes of a length-delimited field's header: its tag and its length. */
export function fieldHeader(fieldNumber: number, sizeBytes: number): Uint8Array {
  return Uint8Array.from([
    ...varintBytes(fieldNumber * 8 + wireType.lengthDelimited),
    ...varintBytes(sizeBytes),
  ]);
}

function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  // Division, not shifts: lengths pass 2³¹.
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}
