import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { PointSource } from './field.js';
import type { ExplainedTensor, Problem } from './problem.js';

/** Where paths in a layer's space start: the layer's value at every baseline, by row. */
export interface LayerStarts {
  /** L(b) of a baseline at a row (a view). */
  read(index: number, row: number): Float32Array;
  /** f where paths start, other inputs at the row: mean over baselines, by row. */
  meanValues(): Promise<Float64Array>;
}

/** Measures a layer at every baseline and row: as many forward passes as there are of both. */
export async function readLayerStarts(problem: Problem, layer: ExplainedTensor): Promise<LayerStarts> {
  const { rows, baselines, inputs } = problem;
  const size = elementCountOf(layer.dims);
  const count = baselines.count * rows.count;
  const starts = new Float32Array(count * size);
  const rowOf = (point: number): number => point % rows.count;
  const points: PointSource = {
    count,
    rowOf,
    write: (point, coordinate, target) => {
      target.set(baselines.read(Math.floor(point / rows.count), rowOf(point), coordinate));
    },
  };
  problem.expect(count);
  await problem.open({ coordinates: inputs, sites: [layer] }).observe(points, ({ point, value }) => {
    starts.set(value, point * size);
  });
  const startAt = (point: number): Float32Array => starts.subarray(point * size, (point + 1) * size);
  return {
    read: (index, row) => startAt(index * rows.count + row),
    async meanValues() {
      problem.expect(count);
      const write: PointSource['write'] = (point, _coordinate, target) => {
        target.set(startAt(point));
      };
      const values = await problem.open({ coordinates: [layer] }).values({ count, rowOf, write });
      return meanOverStarts(values, rows.count);
    },
  };
}

/** Returns the mean over baselines of values ordered baseline by baseline, row by row. */
export function meanOverStarts(values: Float64Array, rowCount: number): Float64Array {
  const mean = new Float64Array(rowCount);
  const startCount = values.length / rowCount;
  for (const [i, value] of values.entries()) {
    mean[i % rowCount] = (mean[i % rowCount] ?? 0) + value / startCount;
  }
  return mean;
}
