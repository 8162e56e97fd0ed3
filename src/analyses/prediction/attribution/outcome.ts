import { elementCountOf } from '../../../onnx/tensorValue.js';
import { resize } from '../../../engine/numeric/resize.js';
import { sumOf } from '../../../engine/numeric/vectors.js';
import type { PointSource } from './field.js';
import { meanOverStarts } from './layerStarts.js';
import { rowPoints } from './points.js';
import type { Attributions, Problem, Scores } from './problem.js';
import { sumOverChannels } from './report/maps.js';

/** A method's scores with the numbers they are judged by. */
export interface Outcome extends Attributions {
  /** Maps of a layer enlarged to the input's positions, channels summed: `[N, 1, …positions]`. */
  readonly upsampled: Scores | undefined;
  /** f(x) per row. */
  readonly output: Float64Array;
  /** f at the start of the path, averaged over several baselines. */
  readonly baselineOutput: Float64Array;
  /** Σ scores − (f(x) − f(baseline)) per row; undefined where scores need not add up. */
  readonly completenessError: Float64Array | undefined;
}

/** Measures f at the rows and baselines and compares their difference with the sum of the scores. */
export async function completeOutcome(problem: Problem, found: Attributions): Promise<Outcome> {
  const { inputs, rows } = problem;
  const field = problem.open({ coordinates: inputs });
  const output = await field.values(rowPoints(inputs, rows.count));
  const baselineOutput =
    found.pathStart ?? meanOverStarts(await field.values(baselinePoints(problem)), rows.count);
  return {
    ...found,
    output,
    baselineOutput,
    upsampled:
      problem.layer === undefined || found.isOverInputs === true
        ? undefined
        : upsampledScores(problem, found.scores[0]),
    completenessError: found.isComplete
      ? completeness(found.totals ?? totalsOf(found.scores, rows.count), output, baselineOutput)
      : undefined,
  };
}

function baselinePoints({ baselines, rows }: Problem): PointSource {
  return {
    count: baselines.count * rows.count,
    rowOf: (point) => point % rows.count,
    write: (point, coordinate, target) => {
      target.set(baselines.read(Math.floor(point / rows.count), point % rows.count, coordinate));
    },
  };
}

/** Returns the sum of the scores of every row. */
function totalsOf(scores: readonly Scores[], rowCount: number): Float64Array {
  return Float64Array.from({ length: rowCount }, (_, row) =>
    scores.reduce((sum, { data, dims }) => {
      const size = elementCountOf(dims.slice(1));
      return sum + sumOf(data.subarray(row * size, (row + 1) * size));
    }, 0),
  );
}

function completeness(
  totals: Float64Array,
  output: Float64Array,
  baselineOutput: Float64Array,
): Float64Array {
  return totals.map((total, row) => total - ((output[row] ?? NaN) - (baselineOutput[row] ?? NaN)));
}

/** Returns a layer's map enlarged to the first input when that has as many position axes; undefined otherwise. */
export function upsampledScores(problem: Problem, scores: Scores | undefined): Scores | undefined {
  const { layer, settings } = problem;
  const [input] = problem.inputs;
  if (scores === undefined || layer?.channelAxis === undefined || input?.channelAxis === undefined) {
    return undefined;
  }
  const inputChannel = input.channelAxis - 1;
  const target = input.dims.filter((_, axis) => axis !== inputChannel);
  const rowDims = scores.dims.slice(1);
  // Grad-CAM has summed the channels already and keeps axis 1 for them.
  const channelAxis = rowDims.join() === layer.dims.join() ? layer.channelAxis : 1;
  if (target.length === 0 || rowDims.length - 1 !== target.length) return undefined;
  const [rowCount = 0] = scores.dims;
  const size = elementCountOf(rowDims);
  const outSize = elementCountOf(target);
  const data = new Float64Array(rowCount * outSize);
  for (let row = 0; row < rowCount; row++) {
    const map = sumOverChannels(scores.data.subarray(row * size, (row + 1) * size), rowDims, channelAxis);
    data.set(resize(map.values, map.dims, target, settings.upsample), row * outSize);
  }
  return { name: scores.name, dims: [rowCount, 1, ...target], data };
}
