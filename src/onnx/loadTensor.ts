import { type DataType, dataTypeFacts } from './dataTypes.js';
import type { Tensor } from './model.js';
import { tensorMalformed } from './modelErrors.js';
import { expectedSizeBytes, readTensorBytes } from './tensorBytes.js';
import { elementCountOf, type TensorData, type TensorValue } from './tensorValue.js';

/**
 * Returns a constant's elements, read from its file if need be.
 *
 * Types below 8 bits come one element per byte (`Int8Array` or `Uint8Array`), float8 as bits in a `Uint8Array`, complex
 * numbers as pairs.
 *
 * @throws UserError when the file is gone or too short, or when the bytes do not fit the tensor's shape.
 */
export function loadTensor(tensor: Tensor): Promise<TensorValue> {
  return new Promise((resolve) => {
    resolve(loadTensorSync(tensor));
  });
}

/** Returns a constant's elements when they are in memory, undefined when they are in a file. */
export function inlineValue(tensor: Tensor): TensorValue | undefined {
  const { kind } = tensor.source;
  return kind === 'inline' || kind === 'strings' ? loadTensorSync(tensor) : undefined;
}

function loadTensorSync(tensor: Tensor): TensorValue {
  const { elementType, dims, source } = tensor;
  if (source.kind === 'strings') return { dtype: 'string', dims, data: [...source.values] };
  const expected = expectedSizeBytes(tensor);
  const bytes = readTensorBytes(tensor);
  if (bytes.length !== expected) {
    throw tensorMalformed(tensor.name, `it holds ${bytes.length} bytes and its shape needs ${expected}`);
  }
  const data = typedArray(elementType, bytes, elementCountOf(dims));
  if (data === undefined) throw tensorMalformed(tensor.name, `element type ${elementType} is not supported`);
  return { dtype: elementType, dims, data };
}

const arrayTypes = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bfloat16: Uint16Array,
  complex64: Float32Array,
  complex128: Float64Array,
} as const;

function typedArray(type: DataType, bytes: Uint8Array, elementCount: number): TensorData | undefined {
  const { bits } = dataTypeFacts(type);
  if (bits === 0) return undefined;
  if (bits < 8) return unpack(bytes, { bits, elementCount, isSigned: type.startsWith('int') });
  const ArrayType = type in arrayTypes ? arrayTypes[type as keyof typeof arrayTypes] : Uint8Array;
  // A view of a file's bytes may start anywhere; typed arrays must start at a multiple of their element's size.
  const aligned = bytes.byteOffset % ArrayType.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  // Bytes of tensors are never shared between threads.
  const length = aligned.byteLength / ArrayType.BYTES_PER_ELEMENT;
  return new ArrayType(aligned.buffer as ArrayBuffer, aligned.byteOffset, length);
}

/** Spreads packed small integers, lowest bits first, to one per byte. */
function unpack(
  bytes: Uint8Array,
  { bits, elementCount, isSigned }: { bits: number; elementCount: number; isSigned: boolean },
): Uint8Array | Int8Array {
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  const values = new Uint8Array(elementCount);
  for (let i = 0; i < values.length; i++) {
    const byte = bytes[Math.floor(i / perByte)] ?? 0;
    const value = (byte >> ((i % perByte) * bits)) & mask;
    values[i] = isSigned && value > mask >> 1 ? value - mask - 1 : value;
  }
  return isSigned ? new Int8Array(values.buffer) : values;
}
