import { UserError } from '../base/errors.js';
import type { DataType } from '../onnx/dataTypes.js';

/** Types that `.npy` has no name for, or that readers stumble over, and what stands for them in a file. */
const standIns: Partial<Record<DataType, DataType>> = {
  bool: 'uint8',
  uint2: 'uint8',
  uint4: 'uint8',
  int2: 'int8',
  int4: 'int8',
  float16: 'float32',
  bfloat16: 'float32',
};

/** Types that no `.npy` file holds. */
const unstorable: ReadonlySet<DataType> = new Set(['string', 'complex64', 'complex128', 'undefined']);

/** Returns the element type that an array has once it is written: the same for most, a wider one for small types. */
export function storedDtype(dtype: DataType): DataType {
  return standIns[dtype] ?? dtype;
}

/**
 * Checks that an array can be written.
 *
 * @throws UserError `array-not-storable` for strings and complex numbers.
 */
export function refuseUnstorable(name: string, dtype: DataType): void {
  if (!unstorable.has(dtype)) return;
  throw new UserError(
    'array-not-storable',
    `Array ${name} holds ${dtype} elements, which .npy files cannot. Leave out --arrays.`,
  );
}
