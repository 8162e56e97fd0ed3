import type { Tensor, TypedTensor } from 'onnxruntime-node';
import type { DataType } from '../../onnx/dataTypes.js';
import type { TensorData, TensorValue } from '../../onnx/tensorValue.js';

/** The constructor of the runtime's tensors, passed in because the runtime is loaded late. */
export type TensorConstructor = new (
  type: Tensor.Type,
  data: Tensor.DataType | readonly string[],
  dims: readonly number[],
) => Tensor;

/** Element types that cross between the runtime and JavaScript, in both directions. */
export const exchangedTypes: ReadonlySet<DataType> = new Set<DataType>([
  'float32',
  'float64',
  'float16',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'bool',
  'string',
]);

/** Returns a value as the runtime's tensor; elements are shared, not copied. */
export function toOrtTensor(value: TensorValue, OrtTensor: TensorConstructor): Tensor {
  // The names of the exchanged types are the runtime's own; the caller has checked that this is one of them.
  const type = value.dtype as Tensor.Type;
  return new OrtTensor(type, value.data, value.dims);
}

/** Returns the runtime's tensor as a value; elements are shared, not copied. */
export function fromOrtTensor(tensor: Tensor): TensorValue {
  return { dtype: tensor.type, dims: tensor.dims, data: elementsOf(tensor) };
}

function elementsOf(tensor: Tensor): TensorData {
  const { data } = tensor as TypedTensor<Tensor.Type>;
  // Where the language has Float16Array the runtime returns it; everywhere else, and here, float16 is bits.
  if (tensor.type === 'float16' && !(data instanceof Uint16Array) && ArrayBuffer.isView(data)) {
    return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
  }
  return data;
}
