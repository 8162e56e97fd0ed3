import { elementCountOf, type TensorData, type TensorValue } from '../../onnx/tensorValue.js';

/** Joins tensors along axis 0. */
export function concatRows(parts: readonly (TensorValue | undefined)[]): TensorValue {
  const tensors = parts.filter((part) => part !== undefined);
  const [first] = tensors;
  if (first === undefined) throw new Error('No tensors to join.');
  const rowCount = tensors.reduce((sum, { dims }) => sum + (dims[0] ?? 1), 0);
  const dims = [rowCount, ...first.dims.slice(1)];
  const data = emptyLike(first.data, elementCountOf(dims));
  let offset = 0;
  for (const tensor of tensors) {
    copyInto(data, tensor.data, offset);
    offset += tensor.data.length;
  }
  return { dtype: first.dtype, dims, data };
}

/** Returns a tensor made of the given rows (indices along axis 0, repeats allowed) of a tensor. */
export function takeRows(tensor: TensorValue, rows: readonly number[]): TensorValue {
  const size = elementCountOf(tensor.dims.slice(1));
  const data = emptyLike(tensor.data, rows.length * size);
  for (const [index, row] of rows.entries()) {
    const from = row * size;
    copyInto(data, sliceOf(tensor.data, from, from + size), index * size);
  }
  return { dtype: tensor.dtype, dims: [rows.length, ...tensor.dims.slice(1)], data };
}

function sliceOf(data: TensorData, start: number, end: number): TensorData {
  return Array.isArray(data) ? data.slice(start, end) : data.subarray(start, end);
}

function emptyLike(data: TensorData, length: number): TensorData {
  if (Array.isArray(data)) return new Array<string>(length).fill('');
  // Every member of TensorData but string[] is a typed array, whose constructors take a length.
  return new (data.constructor as new (length: number) => Exclude<TensorData, string[]>)(length);
}

function copyInto(target: TensorData, source: TensorData, offset: number): void {
  if (Array.isArray(target)) {
    for (let i = 0; i < source.length; i++) target[offset + i] = String(source[i]);
    return;
  }
  // Both come from one tensor's element type: a BigInt array never meets a number array.
  (target as Float64Array).set(source as unknown as ArrayLike<number>, offset);
}
