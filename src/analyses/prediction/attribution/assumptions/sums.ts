import { maxAbs, sumOf } from '../../../../engine/numeric/vectors.js';
import { elementCountOf } from '../../../../onnx/tensorValue.js';
import { formatNumber } from '../../../../protocol/formatReport.js';
import { rowOf } from '../points.js';
import type { Assumption, Judge, Judged } from './assumption.js';

/** Sums that miss what they should come to by no more than this share of it count as met. */
const tolerableShare = 0.05;

/** Standard errors above this share of the largest score blur the picture. */
const tolerableErrorShare = 0.1;

/** Differences f(x) − f(baseline) below this are rounding of float32 outputs: no share can be judged against them. */
const smallestDifference = 1e-5;

/** Judges whether the scores of every row add up to f(x) − f(baseline), which shows that what is assumed is so. */
export function addsUp(assumes: string): Judge {
  return ({ outcome }) => {
    const { completenessError } = outcome;
    if (completenessError === undefined) {
      return { assumes, verdict: 'not-measured', because: 'These scores are none that add up.' };
    }
    return byShares(assumes, sharesOf(completenessError, outcome), 'The scores');
  };
}

/** Judges whether f is close to linear between the baseline and the row: Σ slope · (x − b) against f(x) − f(b). */
export const isNearlyLinear: Judge = ({ problem, outcome }) => {
  const assumes = 'The model is close to linear between the baseline and the row.';
  const { inputs, layer, rows, baselines } = problem;
  if (layer !== undefined) {
    return { assumes, verdict: 'not-measured', because: 'The slopes are those of a layer.' };
  }
  const errors = Float64Array.from({ length: rows.count }, (_, row) => {
    let line = 0;
    for (const [coordinate, input] of inputs.entries()) {
      const size = elementCountOf(input.dims);
      const slopes = outcome.scores[coordinate]?.data.subarray(row * size, (row + 1) * size) ?? [];
      const values = rowOf(input, row);
      for (let start = 0; start < baselines.count; start++) {
        const baseline = baselines.read(start, row, coordinate);
        for (const [i, slope] of slopes.entries()) {
          line += (slope * ((values[i] ?? 0) - (baseline[i] ?? 0))) / baselines.count;
        }
      }
    }
    return line - ((outcome.output[row] ?? NaN) - (outcome.baselineOutput[row] ?? NaN));
  });
  return byShares(assumes, sharesOf(errors, outcome), 'Slopes times differences');
};

/** Judges whether features act by themselves: their shares, each measured alone, add up to f(x) − f(baseline). */
export const featuresActAlone: Judge = ({ problem, outcome }) => {
  const assumes = 'Features neither act together nor stand in for each other.';
  const totals = outcome.totals ?? new Float64Array(problem.rows.count);
  const errors = totals.map(
    (total, row) => total - ((outcome.output[row] ?? NaN) - (outcome.baselineOutput[row] ?? NaN)),
  );
  return byShares(assumes, sharesOf(errors, outcome), 'The drops of single features');
};

/** Judges whether relevance is conserved on its way down. */
export const conserves: Judge = ({ outcome }) => {
  const assumes = 'Relevance is conserved: biases, ε and operators without a share in it take little.';
  const { output, arrays } = outcome;
  const errors = arrays?.['conservationError']?.value.data ?? [];
  const size = output.reduce((sum, value) => sum + Math.abs(value), 0);
  const lost = Array.from(errors, Number).reduce((sum, value) => sum + Math.abs(value), 0) / size;
  return {
    assumes,
    verdict: lost <= tolerableShare ? 'holds' : 'fails',
    because: `The scores of a row miss f(x) by ${percent(lost)} of it on average.`,
  };
};

/** Judges whether there are draws enough for the scores to stand out from chance. */
export const drawsAreEnough: Judge = ({ outcome }) => {
  const assumes = 'There are draws enough: chance is small beside the scores.';
  const worst = outcome.metrics?.['maxStandardError'] ?? NaN;
  const largest = Math.max(...outcome.scores.map(({ data }) => maxAbs(data)));
  if (!(largest > 0)) return { assumes, verdict: 'not-measured', because: 'All scores are zero.' };
  return {
    assumes,
    verdict: worst <= tolerableErrorShare * largest ? 'holds' : 'fails',
    because: `The largest standard error is ${percent(worst / largest)} of the largest score.`,
  };
};

/** Judges whether the linear model that stands for the network around a row describes it. */
export const fitsAround: Judge = ({ outcome }) => {
  const fidelity = Array.from(outcome.arrays?.['fidelity']?.value.data ?? [], Number);
  const good = fidelity.filter((r2) => r2 >= 0.5).length;
  return {
    assumes: 'Around the row the model is close to linear in which features are there.',
    verdict: verdictOf(good, fidelity.length),
    because: `The linear model explains at least half of what the network does around ${String(good)} of ${String(fidelity.length)} rows; R² is ${(sumOf(fidelity) / fidelity.length).toFixed(2)} on average.`,
  };
};

/** Returns what a count of good rows of all rows comes to. */
export function verdictOf(good: number, count: number): Assumption['verdict'] {
  if (good === count) return 'holds';
  return good === 0 ? 'fails' : 'partly';
}

/** Returns a share in percent, for a sentence. */
export function percent(share: number): string {
  return formatNumber(share, 'percent');
}

function sharesOf(errors: Float64Array, { output, baselineOutput }: Judged['outcome']): Float64Array {
  return errors.map((error, row) => {
    const difference = Math.abs((output[row] ?? NaN) - (baselineOutput[row] ?? NaN));
    return Math.abs(error) / Math.max(difference, smallestDifference);
  });
}

function byShares(assumes: string, shares: Float64Array, what: string): Assumption {
  const good = shares.filter((share) => share <= tolerableShare).length;
  const worst = shares.reduce((most, share) => (share > most || Number.isNaN(share) ? share : most), 0);
  return {
    assumes,
    verdict: verdictOf(good, shares.length),
    because: `${what} of ${String(good)} of ${String(shares.length)} rows add up to f(x) − f(baseline) within ${percent(tolerableShare)}; the worst misses it by ${percent(worst)}.`,
  };
}
