import type { Finding } from '../../../protocol/report.js';
import type { BenchmarkResult } from './benchmark.js';
import { failsSanityCheck } from './randomisation.js';
import type { Standing } from './results.js';
import { inWords, titleOf, withError } from './words.js';

/** Returns the methods whose scores stay much the same when the weights are shuffled. */
export function failingSanity({ standings, space }: BenchmarkResult): readonly number[] {
  const all = standings.get('randomisation') ?? [];
  return all.flatMap((standing, i) => (failsSanityCheck(standing, space.count) ? [i] : []));
}

/** Returns what the numbers warn of, with advice. */
export function findingsOf(result: BenchmarkResult): Finding[] {
  return [
    ...sanityFindings(result),
    ...unstableFindings(result),
    ...pointingFindings(result),
    ...leftOutFindings(result),
  ];
}

function sanityFindings(result: BenchmarkResult): Finding[] {
  const all = result.standings.get('randomisation') ?? [];
  return failingSanity(result).map((index) => ({
    severity: 'warning',
    message: `${titleOf(result, index)} fails the sanity check: its scores stay much the same when the weights of all layers are shuffled (rank correlation ${textOf(all[index])}).`,
    advice:
      'Do not read its maps as what the model learned: they show the input or the architecture. Choose a method whose correlation is near 0.',
  }));
}

/** Scores that change by more than their own size when the input hardly moves say little of the input. */
function unstableFindings(result: BenchmarkResult): Finding[] {
  const all = result.standings.get('max-sensitivity') ?? [];
  const unstable = all.flatMap(({ mean }, i) => (mean > 1 ? [titleOf(result, i)] : []));
  if (unstable.length === 0) return [];
  return [
    {
      severity: 'info',
      message: `Scores of ${inWords(unstable)} change by more than their own size when the input moves a little.`,
      advice: 'Average them over neighbours (smoothgrad), or raise samples where the method draws.',
    },
  ];
}

function pointingFindings(result: BenchmarkResult): Finding[] {
  const { chance, standings } = result;
  const all = standings.get('pointing-game') ?? [];
  if (chance === undefined) return [];
  const blind = all.flatMap(({ mean, standardError }, i) =>
    mean - 2 * standardError <= chance ? [titleOf(result, i)] : [],
  );
  if (blind.length === 0) return [];
  return [
    {
      severity: 'info',
      message: `${inWords(blind)} ${blind.length === 1 ? 'points' : 'point'} into the masks no more often than chance does (${(100 * chance).toFixed(1)} %).`,
      advice:
        'Look at the maps: the model may use something outside the masks, or the method may not show what it uses.',
    },
  ];
}

function leftOutFindings({ leftOut }: BenchmarkResult): Finding[] {
  if (leftOut.length === 0) return [];
  return [
    {
      severity: 'info',
      message: `${inWords(leftOut.map(({ title }) => title))} ${leftOut.length === 1 ? 'does' : 'do'} not fit this model and ${leftOut.length === 1 ? 'is' : 'are'} left out.`,
      advice: 'The reasons are in the table "Left out"; choose others with methods.',
    },
  ];
}

function textOf(standing: Standing | undefined): string {
  return standing === undefined ? '–' : withError(standing);
}
