import { int64Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import type { GradientCase } from './gradientCase.js';

/** A case of a composite, with the opset it is tried at. */
export type LoweringCase = Omit<GradientCase, 'op' | 'domain'>;

/** A one-dimensional int64 operand. */
export const ints = (...values: number[]): TensorValue => int64Tensor(values, [values.length]);
/** An int32 operand. */
export const int32 = (dims: readonly number[], values: readonly number[]): TensorValue => ({
  dtype: 'int32',
  dims,
  data: Int32Array.from(values),
});
/** A uint8 operand. */
export const bytes = (dims: readonly number[], values: readonly number[]): TensorValue => ({
  dtype: 'uint8',
  dims,
  data: Uint8Array.from(values),
});
/** A boolean operand. */
export const flags = (dims: readonly number[], values: readonly number[]): TensorValue => ({
  dtype: 'bool',
  dims,
  data: Uint8Array.from(values),
});
/** A float attribute. */
export const float = (value: number): { readonly kind: 'float'; readonly value: number } => ({
  kind: 'float',
  value,
});
/** An attribute of floats. */
export const floats = (
  ...value: number[]
): { readonly kind: 'floats'; readonly value: readonly number[] } => ({
  kind: 'floats',
  value,
});
