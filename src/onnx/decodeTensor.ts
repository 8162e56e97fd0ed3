import { type DataType, dataTypeFacts, dataTypeOfCode } from './dataTypes.js';
import type { Tensor, TensorSource } from './model.js';
import { malformed } from './modelErrors.js';
import { type TensorProto, TensorProto_DataLocation } from './protobuf.js';
import { expectedSizeBytes } from './tensorBytes.js';
import { packIntegers } from './varints.js';

/** A large data field that the walk left in the file. */
export interface TensorPayload {
  readonly field: DataField;
  readonly offset: number;
  readonly sizeBytes: number;
}

/** The data fields of a tensor by the number they have in the file. */
export const dataFields = {
  4: 'float_data',
  5: 'int32_data',
  7: 'int64_data',
  9: 'raw_data',
  10: 'double_data',
  11: 'uint64_data',
} as const;

type DataField = (typeof dataFields)[keyof typeof dataFields];

/** What decoding a tensor needs to know besides its message. */
export interface TensorContext {
  /** Real path of the model file. */
  readonly path: string;
  /** Finds the file of an external data location; notes a missing one as a warning. */
  readonly locate: (location: string, tensorName: string) => ExternalFile;
  readonly warn: (warning: string) => void;
}

/** An external data file: its real path and size, size undefined when it is missing. */
export interface ExternalFile {
  readonly path: string;
  readonly sizeBytes: number | undefined;
}

/** Element types that each typed data field may hold. */
const fieldTypes: Readonly<Record<Exclude<DataField, 'raw_data'>, readonly DataType[]>> = {
  float_data: ['float32', 'complex64'],
  double_data: ['float64', 'complex128'],
  int64_data: ['int64'],
  uint64_data: ['uint32', 'uint64'],
  int32_data: [
    'int32',
    'int16',
    'int8',
    'uint16',
    'uint8',
    'bool',
    'float16',
    'bfloat16',
    'float8e4m3fn',
    'float8e4m3fnuz',
    'float8e5m2',
    'float8e5m2fnuz',
    'float8e8m0',
    'float4e2m1',
    'int4',
    'uint4',
    'int2',
    'uint2',
  ],
};

/** Returns a tensor from its message, with its data where it is: in memory when small, else as a range of a file. */
export function decodeTensor(proto: TensorProto, context: TensorContext, payload?: TensorPayload): Tensor {
  const elementType = dataTypeOfCode(proto.dataType);
  const tensor = { name: proto.name, elementType, dims: proto.dims.map((dim) => checkedDim(dim, proto)) };
  const source = sourceOf(proto, tensor, context, payload);
  warnAboutSize({ ...tensor, source }, context);
  return { ...tensor, source };
}

function checkedDim(dim: bigint, proto: TensorProto): number {
  if (dim < 0n || dim > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw malformed(`tensor ${proto.name} has the impossible dimension ${dim.toString()}`);
  }
  return Number(dim);
}

type TensorHead = Pick<Tensor, 'name' | 'elementType' | 'dims'>;

function sourceOf(
  proto: TensorProto,
  tensor: TensorHead,
  context: TensorContext,
  payload: TensorPayload | undefined,
): TensorSource {
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) return externalSource(proto, tensor, context);
  if (payload !== undefined) return payloadSource(payload, tensor, context);
  if (proto.stringData.length > 0) {
    const decoder = new TextDecoder();
    return { kind: 'strings', values: proto.stringData.map((bytes) => decoder.decode(bytes)) };
  }
  if (tensor.elementType === 'string') return { kind: 'strings', values: [] };
  return { kind: 'inline', bytes: inlineBytes(proto, tensor) };
}

function payloadSource(payload: TensorPayload, tensor: TensorHead, context: TensorContext): TensorSource {
  const { field, offset, sizeBytes } = payload;
  if (field !== 'raw_data') requireType(field, tensor);
  const packed = field === 'raw_data' || field === 'float_data' || field === 'double_data';
  return { kind: packed ? 'file' : 'varints', path: context.path, offset, sizeBytes };
}

function inlineBytes(proto: TensorProto, tensor: TensorHead): Uint8Array {
  if (proto.rawData.length > 0) return proto.rawData.slice();
  if (proto.floatData.length > 0) {
    requireType('float_data', tensor);
    return new Uint8Array(Float32Array.from(proto.floatData).buffer);
  }
  if (proto.doubleData.length > 0) {
    requireType('double_data', tensor);
    return new Uint8Array(Float64Array.from(proto.doubleData).buffer);
  }
  for (const [field, values] of [
    ['int32_data', proto.int32Data],
    ['int64_data', proto.int64Data],
    ['uint64_data', proto.uint64Data],
  ] as const) {
    if (values.length === 0) continue;
    requireType(field, tensor);
    return packIntegers(values, tensor.elementType);
  }
  return new Uint8Array();
}

function requireType(field: Exclude<DataField, 'raw_data'>, tensor: TensorHead): void {
  if (fieldTypes[field].includes(tensor.elementType)) return;
  throw malformed(`tensor ${tensor.name} of type ${tensor.elementType} keeps its elements in ${field}`);
}

function externalSource(proto: TensorProto, tensor: TensorHead, context: TensorContext): TensorSource {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  if (location === '') throw malformed(`tensor ${proto.name} has external data without a location`);
  const { path, sizeBytes: fileSizeBytes } = context.locate(location, proto.name);
  const offset = byteCount(entries.get('offset') ?? '0', proto.name);
  const length = entries.get('length');
  // Without a length the data ends with the file; what the shape asks for is as good, and known when the file is not.
  const sizeBytes = length === undefined ? expectedSizeBytes(tensor) : byteCount(length, proto.name);
  if (fileSizeBytes !== undefined && offset + sizeBytes > fileSizeBytes) {
    context.warn(
      `Tensor ${proto.name} needs ${offset + sizeBytes} bytes of ${path}, which has only ${fileSizeBytes}: the model cannot run.`,
    );
  }
  return { kind: 'file', path, offset, sizeBytes };
}

function byteCount(text: string, tensorName: string): number {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(count)) return count;
  throw malformed(`tensor ${tensorName} has external data at offset or length "${text}"`);
}

function warnAboutSize(tensor: Tensor, context: TensorContext): void {
  const { source } = tensor;
  // Varints have as many bytes as they like, and types we do not know have no size.
  if (source.kind === 'strings' || source.kind === 'varints') return;
  if (dataTypeFacts(tensor.elementType).bits === 0) return;
  const expected = expectedSizeBytes(tensor);
  const actual = source.kind === 'inline' ? source.bytes.length : source.sizeBytes;
  if (actual === expected) return;
  context.warn(
    `Tensor ${tensor.name} holds ${actual} bytes, but its shape [${tensor.dims.join(', ')}] of ${tensor.elementType} needs ${expected}.`,
  );
}
