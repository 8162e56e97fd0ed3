import { writeFile } from 'node:fs/promises';
import { UserError } from '../base/errors.js';
import type { DataType } from '../onnx/dataTypes.js';
import { elementCountOf, type TensorData, type TensorValue, toFloat64 } from '../onnx/tensorValue.js';

/** What the header of an `.npy` file says. */
export interface NpyHeader {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  /** Columns first in memory: the elements must be transposed to become row-major. */
  readonly isFortranOrder: boolean;
  readonly isBigEndian: boolean;
  /** Bytes per element. */
  readonly elementSizeBytes: number;
  /** Where the elements start. */
  readonly dataOffset: number;
}

/** Bytes that surely hold the header's length: magic, version and a 4-byte length. */
export const npyPrefixSizeBytes = 12;

// Element types by numpy's descriptor without its byte order.
const byDescriptor = new Map<string, DataType>([
  ['f2', 'float16'],
  ['f4', 'float32'],
  ['f8', 'float64'],
  ['i1', 'int8'],
  ['i2', 'int16'],
  ['i4', 'int32'],
  ['i8', 'int64'],
  ['u1', 'uint8'],
  ['u2', 'uint16'],
  ['u4', 'uint32'],
  ['u8', 'uint64'],
  ['b1', 'bool'],
]);

// The contract's types on disk: what numpy has no name for is widened to the nearest it has.
const descriptorOf: Readonly<Partial<Record<DataType, string>>> = {
  float32: '<f4',
  float64: '<f8',
  int8: '|i1',
  int16: '<i2',
  int32: '<i4',
  int64: '<i8',
  uint8: '|u1',
  uint16: '<u2',
  uint32: '<u4',
  uint64: '<u8',
  bool: '|u1',
  uint2: '|u1',
  uint4: '|u1',
  int2: '|i1',
  int4: '|i1',
  float16: '<f4',
  bfloat16: '<f4',
};

/**
 * Returns the bytes of an `.npy` file (version 1.0, C order, little endian).
 *
 * As the contract has it: bool and uint2/4 are written as uint8, int2/4 as int8, float16 and bfloat16 as float32.
 *
 * @throws Error for strings, complex numbers and other types that `.npy` cannot hold.
 */
export function encodeNpy(value: TensorValue): Uint8Array {
  const descriptor = descriptorOf[value.dtype];
  if (descriptor === undefined || Array.isArray(value.data)) {
    throw new Error(`An array of type ${value.dtype} cannot be written as .npy.`);
  }
  const elements = asWritten(value);
  if (elements.length !== elementCountOf(value.dims)) {
    throw new Error(`${elements.length} elements do not fill the shape [${value.dims.join(', ')}].`);
  }
  const header = headerBytes(descriptor, value.dims);
  const bytes = new Uint8Array(header.length + elements.byteLength);
  bytes.set(header);
  bytes.set(new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength), header.length);
  return bytes;
}

/** Writes a tensor as an `.npy` file; see `encodeNpy`. */
export async function writeNpy(path: string, value: TensorValue): Promise<void> {
  await writeFile(path, encodeNpy(value));
}

function asWritten(value: TensorValue): Exclude<TensorData, string[]> {
  if (value.dtype === 'float16' || value.dtype === 'bfloat16') return Float32Array.from(toFloat64(value));
  if (Array.isArray(value.data)) throw new Error('Strings cannot be written as .npy.');
  return value.data;
}

function headerBytes(descriptor: string, dims: readonly number[]): Uint8Array {
  const shape = dims.length === 1 ? `(${String(dims[0])},)` : `(${dims.join(', ')})`;
  const text = `{'descr': '${descriptor}', 'fortran_order': False, 'shape': ${shape}, }`;
  // Magic, version and length take 10 bytes; the whole is padded with spaces to a multiple of 64 and ends in \n.
  const sizeBytes = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(sizeBytes).fill(0x20);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, sizeBytes - 10, true);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[sizeBytes - 1] = 0x0a;
  return bytes;
}

/**
 * Returns the offset of the elements, from the first 12 bytes of an `.npy` file.
 *
 * @throws UserError `not-npy`.
 */
export function npyDataOffset(prefix: Uint8Array, source: string): number {
  const isNpy = prefix[0] === 0x93 && new TextDecoder().decode(prefix.subarray(1, 6)) === 'NUMPY';
  if (!isNpy || prefix.length < npyPrefixSizeBytes) throw notNpy(source, 'it does not start with \\x93NUMPY');
  const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
  const major = view.getUint8(6);
  if (major === 1) return 10 + view.getUint16(8, true);
  if (major === 2 || major === 3) return 12 + view.getUint32(8, true);
  throw notNpy(source, `its format version ${String(major)} is not 1, 2 or 3`);
}

/**
 * Returns what a header says; `bytes` are the file's first `npyDataOffset` bytes.
 *
 * @throws UserError `not-npy`, or `npy-type` for element types that are no plain numbers.
 */
export function parseNpyHeader(bytes: Uint8Array, source: string): NpyHeader {
  const dataOffset = npyDataOffset(bytes, source);
  if (bytes.length < dataOffset) throw notNpy(source, 'it ends inside its header');
  const text = new TextDecoder('latin1').decode(bytes.subarray(10, dataOffset));
  const descriptor = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([^)]*)\)/.exec(text)?.[1];
  if (order === undefined || shape === undefined) throw notNpy(source, 'its header names no shape');
  const dtype = byDescriptor.get(descriptor?.slice(1) ?? '');
  if (dtype === undefined) throw unreadableType(source, descriptor ?? 'a structured type');
  return {
    dtype,
    dims: parseShape(shape, source),
    isFortranOrder: order === 'True',
    isBigEndian: descriptor?.startsWith('>') ?? false,
    elementSizeBytes: Number(descriptor?.slice(2)),
    dataOffset,
  };
}

function parseShape(shape: string, source: string): number[] {
  const parts = shape.split(',').map((part) => part.trim().replace(/L$/, ''));
  const dims = parts.filter((part) => part !== '').map(Number);
  if (dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) return dims;
  throw notNpy(source, `its shape (${shape}) is not a list of sizes`);
}

function notNpy(source: string, why: string): UserError {
  return new UserError(
    'not-npy',
    `${source} is not a readable .npy array: ${why}. Write it with numpy.save.`,
    { detail: { source } },
  );
}

function unreadableType(source: string, descriptor: string): UserError {
  return new UserError(
    'npy-type',
    `${source} holds elements of type ${descriptor}, which no tensor has. Save numbers or booleans, for example array.astype('float32').`,
    { detail: { source, descriptor } },
  );
}
