import { formatNumber } from '../../../../protocol/formatReport.js';
import { sumOf } from '../../../../engine/numeric/vectors.js';
import { gaussianNoise } from '../noiseTunnel.js';
import { rowOf } from '../points.js';
import type { Judge } from './assumption.js';
import { percent, verdictOf } from './sums.js';

/** Noisy copies a row on which the explained value is looked at. */
const copyCount = 8;

/** Noise that moves the explained value by more than this share of f(x) − f(baseline) explains something else. */
const tolerableMove = 0.25;

/** Judges whether the baseline stands for nothing: the explained value is smaller there than at the row. */
export const baselineSaysLess: Judge = ({ outcome }) => {
  const { output, baselineOutput } = outcome;
  const good = output.filter((value, row) => value > (baselineOutput[row] ?? NaN)).length;
  const mean = (values: Float64Array): string => formatNumber(sumOf(values) / values.length);
  return {
    assumes: 'The baseline is neutral: it speaks less for what is explained than the row does.',
    verdict: verdictOf(good, output.length),
    because: `So it is for ${String(good)} of ${String(output.length)} rows; f is ${mean(baselineOutput)} at the baseline and ${mean(output)} at the row, on average.`,
  };
};

/** Judges whether what takes the place of a part is something that the data hold: values within their range. */
export const baselineIsInRange: Judge = ({ problem }) => {
  const { inputs, rows, baselines } = problem;
  let [outside, count] = [0, 0];
  for (const [coordinate, { elements }] of inputs.entries()) {
    const low = elements.reduce((least, value) => Math.min(least, value), Infinity);
    const high = elements.reduce((most, value) => Math.max(most, value), -Infinity);
    for (let start = 0; start < baselines.count; start++) {
      for (let row = 0; row < rows.count; row++) {
        const baseline = baselines.read(start, row, coordinate);
        outside += baseline.filter((value) => value < low || value > high).length;
        count += baseline.length;
      }
    }
  }
  return {
    assumes: 'What takes the place of a part is something that the data hold.',
    verdict: verdictOf(count - outside, count),
    because: `${percent(outside / count)} of the baseline’s values are outside the range of the explained rows. Whether parts of both go together is not measured.`,
  };
};

/** Judges whether noisy copies still mean the same to the model: how far they move the explained value. */
export const noiseKeepsMeaning: Judge = async ({ problem, outcome }) => {
  const { inputs, rows } = problem;
  const { output, baselineOutput } = outcome;
  const addNoise = gaussianNoise(problem);
  problem.expect(copyCount * rows.count);
  const values = await problem.open({ coordinates: inputs }).values({
    count: copyCount * rows.count,
    rowOf: (point) => point % rows.count,
    write(point, coordinate, target) {
      const input = inputs[coordinate];
      const row = point % rows.count;
      if (input !== undefined) target.set(rowOf(input, row));
      addNoise({ sample: Math.floor(point / rows.count), row, coordinate }, target);
    },
  });
  const moved =
    sumOf(values.map((value, i) => Math.abs(value - (output[i % rows.count] ?? NaN)))) / copyCount;
  const span = sumOf(output.map((value, row) => Math.abs(value - (baselineOutput[row] ?? NaN))));
  return {
    assumes: 'Noisy copies mean the same to the model as the row does.',
    verdict: moved <= tolerableMove * span ? 'holds' : 'fails',
    because: `${String(copyCount)} copies of each row move f by ${percent(moved / span)} of f(x) − f(baseline) on average.`,
  };
};
