import { elementCountOf } from '../../../onnx/tensorValue.js';
import { copiesOf } from './copies.js';
import { rowOf } from './points.js';
import type { Attributions, AttributionMethod, Problem, Scores } from './problem.js';
import { emptyMoments, estimated, sampleCountOf, sampleGroups, scoresOf } from './sampled.js';
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
  usesBaseline: false,
  passesPerRow: (settings, workload) =>
    sampleCountOf(settings) * inner[settings.around].passesPerRow(settings, workload),
} as const satisfies Pick<AttributionMethod, 'usesBaseline' | 'passesPerRow'>;

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
    const copies = await copiesOf(problem, group.count, ({ copy, ...at }, values) => {
      source({ sample: group.first + copy, ...at }, values);
    });
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

function valuesOf(scores: Scores | undefined, copy: number, statistic: NoiseStatistic): Float64Array {
  if (scores === undefined) throw new Error('A method returned other scores than it was asked for.');
  const size = elementCountOf(scores.dims.slice(1));
  const values = scores.data.subarray(copy * size, (copy + 1) * size);
  return statistic === 'mean-square' ? values.map((value) => value * value) : values;
}
