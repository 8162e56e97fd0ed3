import type { ReportNumber, TableBlock, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { BenchmarkResult } from './benchmark.js';
import { measureFacts } from './measureNames.js';
import type { Standing } from './results.js';

const leadingColumns: readonly TableColumn[] = [
  { key: 'method', label: 'Method', kind: 'text' },
  {
    key: 'meanPlace',
    label: 'Mean place',
    kind: 'number',
    description:
      'Place among the methods, averaged over the measures that have a better side. Lower is better; a rough summary, for measures weigh the same.',
  },
];

const costColumns: readonly TableColumn[] = [
  {
    key: 'msPerRow',
    label: 'Time per row',
    kind: 'number',
    unit: 'ms',
    description: 'Explaining all rows, divided by their number; depends on the machine. Lower is better.',
  },
  {
    key: 'largestRunMegabytes',
    label: 'Largest run',
    kind: 'number',
    unit: 'MB',
    description:
      'Tensors that went into and came out of the largest single run of the model; values in between are not counted. Lower is better.',
  },
];

/** Returns the methods with the mean of every measure, those first that are ahead by most of them. */
export function standingsTable(result: BenchmarkResult): TableBlock {
  const { entrants } = result;
  const places = meanPlaces(result);
  const rows = entrants
    .map((entrant, i): Record<string, TableCell> => ({
      method: entrant.candidate.method.title,
      meanPlace: toReportNumber(places[i] ?? NaN),
      ...measureCells(result, i, ({ mean }) => mean),
      msPerRow: rounded(entrant.usage.elapsedMs / entrant.problem.rows.count),
      largestRunMegabytes: rounded(entrant.usage.largestRunBytes / 1e6),
    }))
    .sort((a, b) => Number(a['meanPlace']) - Number(b['meanPlace']));
  return {
    type: 'table',
    title: 'Methods side by side',
    alt: 'Every method with the mean of every measure over rows, its time and its memory.',
    columns: [...leadingColumns, ...measureColumns(result), ...costColumns],
    rows,
  };
}

/** Returns the standard errors of the means. */
export function errorsTable(result: BenchmarkResult): TableBlock {
  return {
    type: 'table',
    title: 'Standard errors',
    alt: 'Standard errors of the means over rows.',
    folded: true,
    columns: [{ key: 'method', label: 'Method', kind: 'text' }, ...measureColumns(result)],
    rows: result.entrants.map((entrant, i) => ({
      method: entrant.candidate.method.title,
      ...measureCells(result, i, ({ standardError }) => standardError),
    })),
  };
}

/** Returns the methods that do not take part, with their reasons; undefined where there is none. */
export function leftOutTable({ leftOut }: BenchmarkResult): TableBlock | undefined {
  if (leftOut.length === 0) return undefined;
  return {
    type: 'table',
    title: 'Left out',
    alt: 'Methods that do not fit the model.',
    columns: [
      { key: 'method', label: 'Method', kind: 'text' },
      { key: 'reason', label: 'Reason', kind: 'text' },
    ],
    rows: leftOut.map(({ title, reason }) => ({ method: title, reason })),
  };
}

function measureColumns({ standings }: BenchmarkResult): TableColumn[] {
  return [...standings.keys()].map((name) => {
    const { key, title, reading } = measureFacts[name];
    return { key, label: title, kind: 'number', description: reading };
  });
}

function measureCells(
  { standings }: BenchmarkResult,
  index: number,
  of: (standing: Standing) => number,
): Record<string, TableCell> {
  return Object.fromEntries(
    [...standings].map(([name, all]) => {
      const standing = all[index];
      const isKnown = standing !== undefined && standing.count > 0;
      return [measureFacts[name].key, isKnown ? toReportNumber(of(standing)) : null];
    }),
  );
}

/** Times and sizes to three digits: more are noise. */
function rounded(value: number): ReportNumber {
  return toReportNumber(Number(value.toPrecision(3)));
}

/** Mean place of every method, 1 for the best, over the measures that have a better side. */
function meanPlaces({ standings, entrants }: BenchmarkResult): Float64Array {
  const sums = new Float64Array(entrants.length);
  const counts = new Float64Array(entrants.length);
  for (const [name, all] of standings) {
    const { better } = measureFacts[name];
    if (better === 'neither') continue;
    const sign = better === 'higher' ? 1 : -1;
    for (const [i, { mean }] of all.entries()) {
      if (Number.isNaN(mean)) continue;
      const ahead = all.filter((other) => sign * other.mean > sign * mean).length;
      const same = all.filter((other) => other.mean === mean).length;
      sums[i] = (sums[i] ?? 0) + ahead + (same + 1) / 2;
      counts[i] = (counts[i] ?? 0) + 1;
    }
  }
  return sums.map((sum, i) => sum / (counts[i] ?? 0));
}
