import { float32Tensor } from '../../../onnx/tensorValue.js';
import type { Block } from '../../../protocol/blocks.js';
import type { Evidence } from '../../../protocol/report.js';
import type { ReportDraft, ResultArray } from '../../analysis.js';
import { rowEvidence } from '../attribution/rows.js';
import type { BenchmarkResult } from './benchmark.js';
import { cascadeChart, curveChart, meanOverRows } from './charts.js';
import { failingSanity, findingsOf } from './findings.js';
import { measureFacts, type MeasureName, measureNames } from './measureNames.js';
import { benchmarkPaperId } from './papers.js';
import { sideBySide } from './pictures.js';
import { standingOf, winnerOf, type Winner } from './results.js';
import type { BenchmarkSettings } from './settings.js';
import { errorsTable, leftOutTable, standingsTable } from './tables.js';
import { winnersInWords } from './words.js';

/** Returns the report of a benchmark. */
export function draftReport(result: BenchmarkResult, settings: BenchmarkSettings): ReportDraft {
  const { prepared, standings } = result;
  const { rows } = prepared.problem;
  const winners = [...standings].flatMap(([name, all]) => winnerOf(name, all) ?? []);
  return {
    title: 'Attribution benchmark',
    summary: summaryOf(result, winners),
    usedCount: rows.count,
    ...metricsOf(result, winners, settings),
    findings: findingsOf(result),
    arrays: arraysOf(result, settings),
    blocks: blocksOf(result),
    warnings: [...prepared.facts.warnings, ...rows.warnings],
  };
}

function summaryOf(result: BenchmarkResult, winners: readonly Winner[]): string {
  const { entrants, prepared, standings } = result;
  const { rows } = prepared.problem;
  const methods = `${String(entrants.length)} method${entrants.length === 1 ? '' : 's'}`;
  const samples = `${rows.count < rows.availableCount ? 'the first ' : ''}${String(rows.count)} sample${rows.count === 1 ? '' : 's'}`;
  const best = winnersInWords(result, winners);
  const failing = failingSanity(result).length;
  const sanity = !standings.has('randomisation')
    ? ''
    : failing === 0
      ? '; all pass the sanity check of shuffled weights'
      : `; ${String(failing)} ${failing === 1 ? 'fails' : 'fail'} the sanity check of shuffled weights`;
  const what = best === '' ? 'no measure tells which method is best' : best;
  return `Of ${methods} on ${samples}, ${what}${sanity}.`;
}

/** Metrics that hold the best value of a measure. */
const bestKeys = {
  insertion: 'bestInsertion',
  deletion: 'bestDeletion',
  'sensitivity-n': 'bestSensitivityN',
  infidelity: 'bestInfidelity',
  'pointing-game': 'bestPointingGame',
  'max-sensitivity': 'bestMaxSensitivity',
} as const satisfies Partial<Record<MeasureName, string>>;

function metricsOf(
  result: BenchmarkResult,
  winners: readonly Winner[],
  settings: BenchmarkSettings,
): Pick<ReportDraft, 'metrics' | 'evidence'> {
  const { entrants, leftOut, standings, notMeasured, prepared } = result;
  const counted: Evidence = rowEvidence(prepared.problem.rows);
  const metrics: Record<string, number> = { methodCount: entrants.length, leftOutCount: leftOut.length };
  const evidence: Record<string, Evidence> = { methodCount: counted, leftOutCount: counted };
  const missing = (name: MeasureName): Evidence => ({
    kind: 'not-captured',
    how: notMeasured.get(name) ?? 'not asked for, or it says nothing of these rows',
  });
  for (const [name, key] of Object.entries(bestKeys) as [keyof typeof bestKeys, string][]) {
    const winner = winners.find(({ measure }) => measure === name);
    const best = winner === undefined ? undefined : standings.get(name)?.[winner.index]?.mean;
    evidence[key] = best === undefined ? missing(name) : evidenceOf(result, name, settings);
    if (best !== undefined) metrics[key] = best;
  }
  const isChecked = standings.has('randomisation');
  evidence['failedSanityCount'] = isChecked
    ? evidenceOf(result, 'randomisation', settings)
    : missing('randomisation');
  if (isChecked) metrics['failedSanityCount'] = failingSanity(result).length;
  return { metrics, evidence };
}

function evidenceOf(
  { prepared, repeated }: BenchmarkResult,
  name: MeasureName,
  { sets, perturbations }: BenchmarkSettings,
): Evidence {
  const measured = rowEvidence(prepared.problem.rows);
  const { count } = prepared.problem.rows;
  switch (name) {
    case 'insertion':
    case 'deletion':
    case 'pointing-game':
    case 'sparseness':
      return measured;
    case 'sensitivity-n':
    case 'infidelity':
      return { kind: 'estimated', n: count, how: `${String(sets)} random sets of each size` };
    case 'max-sensitivity':
      return {
        kind: 'estimated',
        n: repeated.rowCount,
        how: `${String(perturbations)} random neighbours a row`,
      };
    case 'randomisation':
      return { kind: 'estimated', n: repeated.rowCount, how: 'randomly shuffled weights' };
  }
}

function arraysOf(result: BenchmarkResult, settings: BenchmarkSettings): Record<string, ResultArray> {
  const { standings, curves, entrants, prepared, repeated, space } = result;
  const evidence = rowEvidence(prepared.problem.rows);
  const arrays: Record<string, ResultArray> = {
    scores: {
      value: stacked(
        entrants.map(({ maps }) => maps.shown.subarray(0, space.count)),
        space.count,
      ),
      evidence: { kind: 'sampled', n: 1, how: 'the first row' },
    },
  };
  for (const [name, all] of standings) {
    const rows = all.map(({ values }) => values);
    arrays[measureFacts[name].key] = {
      value: stacked(rows, rows[0]?.length ?? 0),
      evidence: evidenceOf(result, name, settings),
    };
  }
  for (const name of ['insertion', 'deletion'] as const) {
    const pointCount = curves[0]?.fractions.length ?? 0;
    if (pointCount === 0) continue;
    const means = curves.map((each) => meanOverRows(each[name], pointCount));
    arrays[`${name}Curve`] = { value: stacked(means, pointCount), evidence };
  }
  const { stages } = repeated;
  if (stages.length > 0) {
    const means = entrants.map((_, i) =>
      Float64Array.from(stages, ({ correlations }) => standingOf(correlations[i] ?? new Float64Array()).mean),
    );
    const checked = evidenceOf(result, 'randomisation', settings);
    arrays['randomisationCurve'] = { value: stacked(means, stages.length), evidence: checked };
  }
  return arrays;
}

function stacked(lines: readonly Float64Array[], length: number): ResultArray['value'] {
  const data = new Float32Array(lines.length * length);
  for (const [i, line] of lines.entries()) data.set(line, i * length);
  return float32Tensor(data, [lines.length, length]);
}

function blocksOf(result: BenchmarkResult): Block[] {
  const { standings, entrants } = result;
  const leftOut = leftOutTable(result);
  const cascade = cascadeChart(result);
  const curves = (['insertion', 'deletion'] as const).filter((name) => standings.has(name));
  const metrics = Object.entries(bestKeys).filter(([name]) => standings.has(name as MeasureName));
  return [
    { type: 'markdown', text: introduction(result) },
    {
      type: 'metrics',
      items: metrics.map(([name, metric]) => ({
        metric,
        label: `Best ${measureFacts[name as MeasureName].title.toLowerCase()}`,
      })),
    },
    { type: 'findings' },
    standingsTable(result),
    ...curves.map((name) => curveChart(result, name)),
    ...sideBySide(result),
    ...(cascade === undefined ? [] : [cascade]),
    errorsTable(result),
    ...(leftOut === undefined ? [] : [leftOut]),
    {
      type: 'citation',
      papers: [
        ...new Set([
          benchmarkPaperId,
          ...[...standings.keys()].flatMap((name) => measureFacts[name].paperIds),
          ...entrants.flatMap(({ candidate }) => candidate.method.paperIds),
        ]),
      ],
    },
  ];
}

function introduction({ prepared, notMeasured, repeated, space }: BenchmarkResult): string {
  const missing = measureNames.flatMap((name) => {
    const why = notMeasured.get(name);
    return why === undefined ? [] : [`${measureFacts[name].title} is not measured: ${why}.`];
  });
  return [
    `Explained: **${prepared.facts.explained.replace(/[\\`*_{}[\]<>#|]/g, '\\$&')}**. Scores are summed over channels to one for each of ${space.count.toLocaleString('en-US')} positions; slopes are ordered by their size. Max-sensitivity and the sanity check rest on the first ${String(repeated.rowCount)} rows. No measure knows the truth: insertion and deletion ask whether the order is right, sensitivity-n and infidelity whether the amounts are, the others whether the scores can be trusted at all.`,
    ...missing,
  ].join('\n\n');
}
