import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { Field, PointSource } from './field.js';
import type { PathField } from './paths.js';
import { rowOf, rowPoints } from './points.js';
import type { Attributions, AttributionMethod, ExplainedTensor, Problem, Scores } from './problem.js';
import {
  emptyMoments,
  estimated,
  sampleCountOf,
  type SampleGroup,
  sampleGroups,
  scoresOf,
} from './sampled.js';
import { gradient } from './methods/gradient.js';
import { inputXGradient } from './methods/inputXGradient.js';
import { integratedGradients } from './methods/integratedGradients.js';
import type { AttributionSettings } from './settings.js';

/** What is made of the scores g at the noisy copies of a row. */
export type NoiseStatistic = 'mean' | 'mean-square' | 'variance';

/** Adds the noise of one sample to a row's element values, in place. */
export type NoiseSource = (
  at: { readonly sample: number; readonly row: number; readonly coordinate: number },
  values: Float32Array,
) => void;

const inner: Readonly<Record<AttributionSettings['around'], AttributionMethod>> = {
  gradient,
  'input-x-gradient': inputXGradient,
  'integrated-gradients': integratedGradients,
};

/** Returns the settings that every method with a noise tunnel shares. */
export const noiseTunnelFacts = {
  takes: ['layer', 'neuron', 'position', 'output', 'samples'],
  usesBaseline: false,
  passesPerRow: (settings, workload) =>
    sampleCountOf(settings) * inner[settings.around].passesPerRow(settings, workload),
} as const satisfies Pick<AttributionMethod, 'takes' | 'usesBaseline' | 'passesPerRow'>;

/**
 * Returns a statistic, over noisy copies x + ε of every row, of the scores that the method `around` gives them.
 *
 * ε is normal, its deviation `noise` times the range (max − min) of the row's own elements; the explained class stays
 * that of the row itself.
 *
 * @throws UserError `too-few-samples`.
 */
export async function noiseTunnel(
  problem: Problem,
  statistic: NoiseStatistic,
  source: NoiseSource = gaussianNoise(problem),
): Promise<Attributions> {
  const { settings, rows, inputs, layer } = problem;
  const sites = layer === undefined ? inputs : [layer];
  const moments = emptyMoments(sites, rows.count);
  for (const group of sampleGroups(problem)) {
    const copies = await noisyCopies(problem, source, group);
    const { scores } = await inner[settings.around].attribute(copies);
    for (let copy = 0; copy < copies.rows.count; copy++) {
      for (const [site, found] of (moments[copy % rows.count] ?? []).entries()) {
        found.add(valuesOf(scores[site], copy, statistic));
      }
    }
  }
  const isVariance = statistic === 'variance';
  const sampleCount = sampleCountOf(settings);
  return {
    ...estimated({
      scores: scoresOf(sites, moments, (found) => (isVariance ? found.variance() : found.mean)),
      errors: scoresOf(sites, moments, (found) => (isVariance ? found.varianceError() : found.meanError())),
      sampleCount,
    }),
    isComplete: false,
    notes: [
      `${String(sampleCount)} noisy copies of each row, scored by ${settings.around}; the noise has ${String(settings.noise)} times the range of the row’s values as standard deviation.`,
    ],
  };
}

/** Returns normal noise with `noise` times the range of the row's own values as standard deviation. */
export function gaussianNoise({ inputs, rows, settings, random }: Problem): NoiseSource {
  const deviations = inputs.map((input) =>
    rows.ids.map((_, row) => {
      const values = rowOf(input, row);
      let low = Infinity;
      let high = -Infinity;
      for (const value of values) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
      return settings.noise * (high - low);
    }),
  );
  return ({ row, coordinate }, values) => {
    const deviation = deviations[coordinate]?.[row] ?? 0;
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) + deviation * random.normal();
  };
}

/** The problem of explaining noisy copies: copy k is of row k mod N, whose target and other inputs it keeps. */
async function noisyCopies(problem: Problem, source: NoiseSource, samples: SampleGroup): Promise<Problem> {
  const rowCount = problem.rows.count;
  const copyCount = rowCount * samples.count;
  const inputs = problem.inputs.map((input, coordinate): ExplainedTensor => {
    const size = elementCountOf(input.dims);
    const elements = new Float32Array(copyCount * size);
    for (let copy = 0; copy < copyCount; copy++) {
      const row = copy % rowCount;
      const values = elements.subarray(copy * size, (copy + 1) * size);
      values.set(rowOf(input, row));
      source({ sample: samples.first + Math.floor(copy / rowCount), row, coordinate }, values);
    }
    return { ...input, elements };
  });
  const copies: Problem = {
    ...problem,
    rows: { ...problem.rows, count: copyCount },
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

/** A layer's values at the copies, from which a path in its space ends. */
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

function valuesOf(scores: Scores | undefined, copy: number, statistic: NoiseStatistic): Float64Array {
  if (scores === undefined) throw new Error('A method returned other scores than it was asked for.');
  const size = elementCountOf(scores.dims.slice(1));
  const values = scores.data.subarray(copy * size, (copy + 1) * size);
  return statistic === 'mean-square' ? values.map((value) => value * value) : values;
}
