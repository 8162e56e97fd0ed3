import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { Field, PointSource } from './field.js';
import type { PathField } from './paths.js';
import { rowOf, rowPoints } from './points.js';
import type { ExplainedTensor, Problem } from './problem.js';

/** Changes the element values of a copy of a row, in place. */
export type CopyChange = (
  at: { readonly copy: number; readonly row: number; readonly coordinate: number },
  values: Float32Array,
) => void;

/**
 * Returns the problem of explaining changed copies of every row, `copyCount` of each, all first copies before the second
 * ones. A copy keeps its row's target, baseline and other inputs; a layer is run again at the copies.
 */
export async function copiesOf(problem: Problem, copyCount: number, change: CopyChange): Promise<Problem> {
  const rowCount = problem.rows.count;
  const count = rowCount * copyCount;
  const inputs = problem.inputs.map((input, coordinate): ExplainedTensor => {
    const size = elementCountOf(input.dims);
    const elements = new Float32Array(count * size);
    for (let i = 0; i < count; i++) {
      const row = i % rowCount;
      const values = elements.subarray(i * size, (i + 1) * size);
      values.set(rowOf(input, row));
      change({ copy: Math.floor(i / rowCount), row, coordinate }, values);
    }
    return { ...input, elements };
  });
  const ids = Array.from({ length: count }, (_, i) => problem.rows.ids[i % rowCount] ?? '');
  const copies: Problem = {
    ...problem,
    rows: { ...problem.rows, count, ids },
    inputs,
    baselines: {
      count: problem.baselines.count,
      read: (index, copy, coordinate) => problem.baselines.read(index, copy % rowCount, coordinate),
    },
    open: (choice) => ofRows(problem.open(choice), rowCount),
    openPaths: (choice) => pathsOfRows(problem.openPaths(choice), rowCount),
  };
  return problem.layer === undefined ? copies : { ...copies, layer: await layerAt(copies, problem.layer) };
}

/** A layer's values at the copies. */
async function layerAt(copies: Problem, layer: ExplainedTensor): Promise<ExplainedTensor> {
  const size = elementCountOf(layer.dims);
  const elements = new Float32Array(copies.rows.count * size);
  const field = copies.open({ coordinates: copies.inputs, sites: [layer] });
  copies.expect(copies.rows.count);
  await field.observe(rowPoints(copies.inputs, copies.rows.count), ({ point, value }) => {
    elements.set(value, point * size);
  });
  return { ...layer, elements };
}

/** Points that belong to copies, taken for points of the rows that were copied. */
function ofRows(field: Field, rowCount: number): Field {
  const original = (points: PointSource): PointSource => ({
    count: points.count,
    rowOf: (point) => points.rowOf(point) % rowCount,
    write: (point, coordinate, target) => {
      points.write(point, coordinate, target);
    },
  });
  return {
    ...field,
    values: (points) => field.values(original(points)),
    gradients: (points, visit) => field.gradients(original(points), visit),
    gradientsAndValues: (points, visit) => field.gradientsAndValues(original(points), visit),
    observe: (points, visit) => field.observe(original(points), visit),
  };
}

function pathsOfRows(field: PathField, rowCount: number): PathField {
  return {
    ...field,
    gradients: (paths, rule, visit) =>
      field.gradients({ ...paths, rowOf: (path) => paths.rowOf(path) % rowCount }, rule, visit),
  };
}
