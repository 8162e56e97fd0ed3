import { type DataType, dataTypeFacts } from '../onnx/dataTypes.js';
import { elementCountOf, type TensorData } from '../onnx/tensorValue.js';
import type { ByteReader, ByteSource } from './byteSource.js';
import { dataMalformed } from './dataErrors.js';

/** A stored array in C order: `.npy`, a member of an `.npz`, an IDX file, a TensorProto. */
export interface NamedArray {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly isBigEndian: boolean;
  /** The elements, and nothing else. */
  readonly bytes: ByteSource;
}

/** Memory that an array may take when its format gives no random access (compressed, Fortran order). */
export const maxInMemoryBytes = 2 ** 30;

const elementArrays = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
  uint16: Uint16Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const;

/** Returns an array over new zeroed memory for an element type; strings as empty strings. */
export function allocateElements(dtype: DataType, count: number): TensorData {
  if (dtype === 'string') return new Array<string>(count).fill('');
  return new (arrayTypeOf(dtype))(count);
}

/** Returns bytes as elements; they are copied when they are unaligned or of the other byte order. */
export function elementsOf(dtype: DataType, bytes: Uint8Array, isBigEndian = false): TensorData {
  const ArrayType = arrayTypeOf(dtype);
  const size = ArrayType.BYTES_PER_ELEMENT;
  const isUsable = bytes.byteOffset % size === 0 && !(isBigEndian && size > 1);
  const own = isUsable ? bytes : bytes.slice();
  if (isBigEndian) swapBytes(own, size);
  // Bytes read from files are never shared between threads.
  return new ArrayType(own.buffer as ArrayBuffer, own.byteOffset, own.byteLength / size);
}

function arrayTypeOf(dtype: DataType) {
  // Types below a byte and float8 come one element per byte.
  return dtype in elementArrays ? elementArrays[dtype as keyof typeof elementArrays] : Uint8Array;
}

function swapBytes(bytes: Uint8Array, size: number): void {
  if (size === 1) return;
  for (let start = 0; start < bytes.length; start += size) bytes.subarray(start, start + size).reverse();
}

/** Returns the bytes of one row along the first axis. */
export function rowSizeBytes(array: NamedArray): number {
  return (elementCountOf(array.dims.slice(1)) * dataTypeFacts(array.dtype).bits) / 8;
}

/** Reads row `index` along the first axis. */
export async function readRow(array: NamedArray, reader: ByteReader, index: number): Promise<TensorData> {
  const sizeBytes = rowSizeBytes(array);
  return elementsOf(array.dtype, await reader.read(index * sizeBytes, sizeBytes), array.isBigEndian);
}

/** Reads all elements. */
export async function readArray(array: NamedArray): Promise<TensorData> {
  const reader = await array.bytes.open();
  try {
    const sizeBytes = (elementCountOf(array.dims) * dataTypeFacts(array.dtype).bits) / 8;
    return elementsOf(array.dtype, await reader.read(0, sizeBytes), array.isBigEndian);
  } finally {
    await reader.close();
  }
}

/**
 * Checks that an array's bytes are all there.
 *
 * @throws UserError `data-malformed` for a truncated file.
 */
export function checkComplete(array: NamedArray): NamedArray {
  const needed = elementCountOf(array.dims) * (dataTypeFacts(array.dtype).bits / 8);
  if (array.bytes.sizeBytes >= needed) return array;
  throw dataMalformed(
    array.bytes.name,
    `an array of shape [${array.dims.join(', ')}] needs ${needed} bytes and ${array.bytes.sizeBytes} are there`,
    { remedy: 'It was cut off: write or copy it again.' },
  );
}
