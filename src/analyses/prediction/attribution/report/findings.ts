import { maxAbs } from '../../../../engine/numeric/vectors.js';
import { elementCountOf } from '../../../../onnx/tensorValue.js';
import type { Finding } from '../../../../protocol/report.js';
import { methods } from '../methods/methods.js';
import type { Outcome } from '../outcome.js';
import { rowOf } from '../points.js';
import type { Problem } from '../problem.js';
import { rowName } from '../rows.js';
import type { Explanation } from './draft.js';

/** Completeness errors above this share of f(x) − f(baseline) are worth a warning. */
const tolerableErrorShare = 0.05;

/** Differences f(x) − f(baseline) below this are rounding of float32 outputs: no share can be judged against them. */
const smallestDifference = 1e-5;

/** Returns what the numbers warn of, with advice. */
export function findingsOf(explanation: Explanation): Finding[] {
  return [
    ...(explanation.outcome.findings ?? []),
    ...completenessFindings(explanation),
    ...baselineFindings(explanation.problem, explanation.outcome),
    ...zeroFindings(explanation),
    ...mispredictionFindings(explanation),
  ];
}

function completenessFindings({ problem, outcome }: Explanation): Finding[] {
  const { completenessError, output, baselineOutput } = outcome;
  if (completenessError === undefined) return [];
  const { settings, rows } = problem;
  const shares = completenessError.map((error, row) => {
    const difference = Math.abs((output[row] ?? NaN) - (baselineOutput[row] ?? NaN));
    return Math.abs(error) / Math.max(difference, smallestDifference);
  });
  const worst = shares.reduce((best, share, row) => (share > (shares[best] ?? 0) ? row : best), 0);
  const share = shares[worst] ?? 0;
  if (!(share > tolerableErrorShare)) return [];
  const off = `The scores of ${rowName(rows.ids[worst] ?? '?')} miss f(x) − f(baseline) by ${(100 * share).toFixed(1)} %`;
  const why = methods[settings.method].whyIncomplete?.(settings);
  if (why === undefined) return [];
  return [{ severity: why.severity, message: `${off}: ${why.reason}.`, advice: why.advice }];
}

function baselineFindings(problem: Problem, outcome: Outcome): Finding[] {
  const { inputs, rows, baselines, settings } = problem;
  if (!methods[settings.method].usesBaseline) return [];
  if (baselines.count > 1) return [];
  const same = rows.ids.filter((_, row) =>
    inputs.every((input, coordinate) => {
      const baseline = baselines.read(0, row, coordinate);
      return rowOf(input, row).every((value, i) => value === baseline[i]);
    }),
  );
  if (same.length === 0) return [];
  return [
    {
      severity: 'warning',
      message: `${listed(same)} ${same.length === 1 ? 'equals its' : 'equal their'} baseline, so every score is zero by definition (f = ${(outcome.output[0] ?? NaN).toPrecision(4)}).`,
      advice: 'Choose another baseline, e.g. baseline=0.5 or an .npz with the mean of your data.',
    },
  ];
}

function zeroFindings({ problem, outcome }: Explanation): Finding[] {
  const { rows, settings } = problem;
  const flat = rows.ids.filter((_, row) =>
    outcome.scores.every(({ data, dims }) => {
      const size = elementCountOf(dims.slice(1));
      return maxAbs(data.subarray(row * size, (row + 1) * size)) === 0;
    }),
  );
  if (flat.length === 0) return [];
  const advice =
    settings.method === 'occlusion'
      ? 'Try a larger window or another baseline.'
      : 'Look for dead or saturated units on the way (dead-neurons), or try method=occlusion, which needs no slope.';
  return [
    {
      severity: 'info',
      message: `${listed(flat)} ${flat.length === 1 ? 'has' : 'have'} only scores of zero: the explained value does not react there.`,
      advice,
    },
  ];
}

function mispredictionFindings({ problem, facts }: Explanation): Finding[] {
  const { labels, ids } = problem.rows;
  if (labels === undefined || facts.targets === undefined) return [];
  const { predicted } = facts.targets;
  const wrong = ids.filter((_, row) => predicted[row] !== labels[row]);
  if (wrong.length === 0) return [];
  return [
    {
      severity: 'info',
      message: `${listed(wrong)} ${wrong.length === 1 ? 'is' : 'are'} predicted as another class than the label says.`,
      advice: 'Compare with target set to the label’s index to see what speaks for the right class.',
    },
  ];
}

function listed(ids: readonly string[]): string {
  const shown = upperFirst(ids.slice(0, 5).map(rowName).join(', '));
  const more = ids.length > 5 ? ` and ${String(ids.length - 5)} more` : '';
  return `${shown}${more}`;
}

/** Capitalises the word "row"; names of files stay as they are. */
function upperFirst(text: string): string {
  return text.replace(/^row /, 'Row ');
}
