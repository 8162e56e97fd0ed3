import type { DataType } from './dataTypes.js';
import { smallFloatDecoder } from './smallFloats.js';

/** Element arrays of dense tensors as the runtime exchanges them: float16 as raw bits, bool as 0/1. */
export type TensorData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | string[];

/** A dense tensor in memory: row-major elements and a concrete shape. */
export interface TensorValue {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** Returns the number of elements of a shape; 1 for a scalar. */
export function elementCountOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** Returns a float32 tensor over the given elements (not copied when it is a Float32Array). */
export function float32Tensor(data: Float32Array | readonly number[], dims: readonly number[]): TensorValue {
  return { dtype: 'float32', dims, data: data instanceof Float32Array ? data : Float32Array.from(data) };
}

/** Returns an int64 tensor. */
export function int64Tensor(data: readonly (number | bigint)[], dims: readonly number[]): TensorValue {
  return { dtype: 'int64', dims, data: BigInt64Array.from(data, (element) => BigInt(element)) };
}

/**
 * Returns the elements as float64 numbers, whatever the numeric type (float16, bfloat16, float8 and float4 are decoded).
 *
 * @throws Error for string tensors.
 */
export function toFloat64(value: TensorValue): Float64Array {
  const { data, dtype } = value;
  if (Array.isArray(data)) throw new Error('A string tensor has no numeric elements.');
  if (dtype === 'float16' && data instanceof Uint16Array) return Float64Array.from(data, float16ToNumber);
  if (dtype === 'bfloat16' && data instanceof Uint16Array) return Float64Array.from(data, bfloat16ToNumber);
  const decodeSmall = smallFloatDecoder(dtype);
  if (decodeSmall !== undefined && data instanceof Uint8Array) return Float64Array.from(data, decodeSmall);
  if (!(data instanceof BigInt64Array || data instanceof BigUint64Array)) return new Float64Array(data);
  const result = new Float64Array(data.length);
  for (let i = 0; i < result.length; i++) result[i] = Number(data[i]);
  return result;
}

/** Decodes IEEE 754 half precision bits. */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(4));

/** Decodes bfloat16 bits (the upper half of a float32). */
export function bfloat16ToNumber(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}
