import type { TensorData, TensorValue } from '../../onnx/tensorValue.js';

/** Returns one row of a tensor, without its first axis. */
export function rowOf({ dtype, dims, data }: TensorValue, index: number): TensorValue {
  const size = data.length / Math.max(1, dims[0] ?? 1);
  // Every member of TensorData has slice; the union of their signatures is not callable as one.
  const row = (data as Float32Array).slice(index * size, (index + 1) * size) as TensorData;
  return { dtype, dims: dims.slice(1), data: row };
}

/** Returns tensors of one shape as rows of a new first axis; one at least. */
export function stacked(rows: readonly TensorValue[]): TensorValue {
  const [first] = rows;
  if (first === undefined) throw new Error('Nothing to stack has no type.');
  const dims = [rows.length, ...first.dims];
  if (Array.isArray(first.data)) {
    return { dtype: first.dtype, dims, data: rows.flatMap(({ data }) => data as string[]) };
  }
  const size = first.data.length;
  const Elements = first.data.constructor as new (length: number) => Float32Array;
  const all = new Elements(rows.length * size);
  for (const [index, { data }] of rows.entries()) all.set(data as Float32Array, index * size);
  return { dtype: first.dtype, dims, data: all };
}
