import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { PointSource } from './field.js';
import type { ExplainedTensor, Scores } from './problem.js';

/** Returns the elements of one row of a tensor (a view). */
export function rowOf(tensor: ExplainedTensor, row: number): Float32Array {
  const size = elementCountOf(tensor.dims);
  return tensor.elements.subarray(row * size, (row + 1) * size);
}

/** Returns the rows themselves as points, one point a row. */
export function rowPoints(tensors: readonly ExplainedTensor[], rowCount: number): PointSource {
  return {
    count: rowCount,
    rowOf: (point) => point,
    write: (point, coordinate, target) => {
      const tensor = tensors[coordinate];
      if (tensor !== undefined) target.set(rowOf(tensor, point));
    },
  };
}

/** Returns zero scores shaped like a tensor, and a view of each row. */
export function emptyScores(
  tensor: ExplainedTensor,
  rowCount: number,
): Scores & { row(row: number): Float64Array } {
  const size = elementCountOf(tensor.dims);
  const data = new Float64Array(rowCount * size);
  return {
    name: tensor.name,
    dims: [rowCount, ...tensor.dims],
    data,
    row: (row) => data.subarray(row * size, (row + 1) * size),
  };
}
