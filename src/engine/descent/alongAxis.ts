import { float32Tensor } from '../../onnx/tensorValue.js';
import type { GraphBuilder } from '../graph/graphBuilder.js';

/** A square matrix, row-major, and the axis that it is applied along. */
export interface AxisMatrix {
  readonly axis: number;
  readonly size: number;
  /** y[… j …] = Σₖ x[… k …] · matrix[k, j]. */
  readonly matrix: Float64Array;
}

/** Appends a value multiplied by a matrix along one of its axes. */
export function appendAlong(
  builder: GraphBuilder,
  value: string,
  { axis, size, matrix, rank }: AxisMatrix & { readonly rank: number },
): string {
  const operand = builder.constant(float32Tensor(Float32Array.from(matrix), [size, size]), 'ni/axisMatrix');
  const last = rank - 1;
  if (axis === last) return builder.node('MatMul', [value, operand]);
  const perm = Array.from({ length: rank }, (_, i) => (i === axis ? last : i === last ? axis : i));
  const swap = (x: string): string => builder.node('Transpose', [x], { attributes: { perm } });
  return swap(builder.node('MatMul', [swap(value), operand]));
}

/** Returns numbers of some shape multiplied by a matrix along an axis, as `appendAlong`. */
export function multiplyAlong(
  values: Float64Array,
  dims: readonly number[],
  { axis, size, matrix }: AxisMatrix,
): Float64Array {
  const inner = dims.slice(axis + 1).reduce((product, each) => product * each, 1);
  const result = new Float64Array(values.length);
  for (let start = 0; start < values.length; start += size * inner) {
    for (let k = 0; k < size; k++) {
      for (let j = 0; j < size; j++) {
        const factor = matrix[k * size + j] ?? 0;
        const [from, to] = [start + k * inner, start + j * inner];
        for (let i = 0; i < inner; i++) {
          result[to + i] = (result[to + i] ?? 0) + factor * (values[from + i] ?? 0);
        }
      }
    }
  }
  return result;
}

/** Returns a square matrix with rows and columns exchanged. */
export function transposed(matrix: Float64Array, size: number): Float64Array {
  return matrix.map((_, at) => matrix[(at % size) * size + Math.floor(at / size)] ?? 0);
}
