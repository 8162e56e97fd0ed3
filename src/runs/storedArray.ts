import { UserError } from '../base/errors.js';
import type { DataType } from '../onnx/dataTypes.js';
import { type TensorValue, toFloat64 } from '../onnx/tensorValue.js';

/** Types that `.npy` has no name for, or that readers stumble over, and what stands for them in a file. */
const standIns: Partial<Record<DataType, DataType>> = {
  bool: 'uint8',
  uint2: 'uint8',
  uint4: 'uint8',
  int2: 'int8',
  int4: 'int8',
  float16: 'float32',
  bfloat16: 'float32',
  float8e4m3fn: 'float32',
  float8e4m3fnuz: 'float32',
  float8e5m2: 'float32',
  float8e5m2fnuz: 'float32',
  float4e2m1: 'float32',
  float8e8m0: 'float32',
};

/** Returns the element type that an array has once it is written: the same for most, a wider one for small types. */
export function storedDtype(dtype: DataType): DataType {
  return standIns[dtype] ?? dtype;
}

/**
 * Returns the array as it is written: small types widened, everything else as it is.
 *
 * @throws UserError `array-not-storable` for strings and complex numbers.
 */
export function toStored(name: string, value: TensorValue): TensorValue {
  const { data, dims, dtype } = value;
  if (Array.isArray(data) || dtype === 'complex64' || dtype === 'complex128') {
    throw new UserError(
      'array-not-storable',
      `Array ${name} holds ${dtype} elements, which .npy files cannot. Leave out --arrays.`,
    );
  }
  const stored = storedDtype(dtype);
  if (stored === dtype) return value;
  if (stored === 'float32') return { dtype: stored, dims, data: Float32Array.from(toFloat64(value)) };
  if (stored === 'int8') return { dtype: stored, dims, data: Int8Array.from(data, Number) };
  return { dtype: stored, dims, data: Uint8Array.from(data, Number) };
}
