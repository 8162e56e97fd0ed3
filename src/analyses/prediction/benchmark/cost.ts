import { UserError } from '../../../base/errors.js';
import type { RunCost, Workload } from '../../analysis.js';
import { type Candidate, candidatesOf } from './candidates.js';
import { type BenchmarkSettings, measuresIn } from './settings.js';
import { maxStageCount } from './shuffledModels.js';

/** Rows that methods are compared on when no limit is given. */
export const benchmarkRowCount = 64;

/** Sets of every size, and the sizes. */
const sizeCount = 6;

/** Forward passes of the pieces of a benchmark. */
export interface Work {
  readonly total: number;
  of(piece: string): number;
}

/** Names of pieces of work. */
export const piece = {
  explain: (name: string): string => `explain ${name}`,
  move: (name: string): string => `move ${name}`,
  shuffle: (name: string): string => `shuffle ${name}`,
  curves: 'curves',
  sets: 'sets',
} as const;

/** Returns about how many forward passes each piece takes, and all of them. */
export function workOf(
  candidates: readonly Candidate[],
  settings: BenchmarkSettings,
  workload: Workload,
): Work {
  const rowCount = Math.min(workload.sampleCount, workload.limit ?? benchmarkRowCount);
  const repeatedCount = Math.min(rowCount, settings.repeatedRows);
  const wanted = new Set(measuresIn(settings));
  const isWanted = (...names: Parameters<typeof wanted.has>): boolean =>
    names.some((name) => wanted.has(name));
  const passes = new Map<string, number>();
  let total = 0;
  const add = (name: string, count: number, times = 1): void => {
    passes.set(name, count);
    total += count * times;
  };
  for (const candidate of candidates) {
    const perRow = passesOf(candidate, workload);
    add(piece.explain(candidate.name), rowCount * perRow);
    if (isWanted('max-sensitivity')) {
      add(piece.move(candidate.name), repeatedCount * settings.perturbations * perRow);
    }
    if (isWanted('randomisation')) add(piece.shuffle(candidate.name), repeatedCount * perRow, maxStageCount);
  }
  if (isWanted('insertion') || isWanted('deletion')) {
    add(piece.curves, rowCount * 2 * (settings.points + 1), candidates.length);
  }
  if (isWanted('sensitivity-n') || isWanted('infidelity')) {
    add(piece.sets, rowCount * (settings.sets * sizeCount + 1));
  }
  return { total, of: (name) => passes.get(name) ?? 0 };
}

/** A method that does not fit costs nothing. */
function passesOf({ method, settings }: Candidate, workload: Workload): number {
  try {
    return method.passesPerRow(settings, workload);
  } catch (error) {
    if (error instanceof UserError) return 0;
    throw error;
  }
}

/** Returns what a benchmark takes: every method on all rows, and on some of them again and again. */
export function benchmarkCost(settings: BenchmarkSettings, workload: Workload): RunCost {
  const rowCount = Math.min(workload.sampleCount, workload.limit ?? benchmarkRowCount);
  return { passCount: workOf(candidatesOf(settings), settings, workload).total, readCount: rowCount };
}
