import type { Workload } from '../../analysis.js';
import { type BatchTiming, durationMsOf } from '../../shared/batchTiming.js';
import { type Candidate, costOfAll } from './candidates.js';
import type { LeftOut } from './outcome.js';

/** Fewer samples than this say little about shares of a percent, so whole analyses are left out before. */
const leastSampleCount = 1000;

/** What is run, on how many samples. */
export interface CheckupPlan {
  readonly candidates: readonly Candidate[];
  readonly sampleCount: number;
  readonly leftOut: readonly LeftOut[];
}

/**
 * Returns what fits a budget: everything on all samples; else everything on the first of them, at least 1,000; else without
 * the analyses that take longest.
 *
 * Without a timing (no data) everything is tried.
 */
export function planCheckup(
  candidates: readonly Candidate[],
  workload: Workload,
  { timing, budgetMs }: { readonly timing: BatchTiming | undefined; readonly budgetMs: number },
): CheckupPlan {
  const { sampleCount } = workload;
  if (timing === undefined) return { candidates, sampleCount, leftOut: [] };
  const durationMs = (chosen: readonly Candidate[], count: number): number =>
    durationMsOf(costOfAll(chosen, { ...workload, sampleCount: count }), timing);
  const least = Math.min(sampleCount, leastSampleCount);
  let chosen = candidates;
  const leftOut: LeftOut[] = [];
  while (chosen.length > 1 && durationMs(chosen, least) > budgetMs) {
    const longest = chosen.reduce((a, b) => (durationMs([b], least) > durationMs([a], least) ? b : a));
    leftOut.push(outOfBudget(longest, durationMs([longest], least), least));
    chosen = chosen.filter((candidate) => candidate !== longest);
  }
  const fits = (count: number): boolean => durationMs(chosen, count) <= budgetMs;
  return { candidates: chosen, sampleCount: largestThat(fits, least, sampleCount), leftOut };
}

/** Returns the largest count up to `most` for which it holds; `least` where it holds for none. */
function largestThat(holds: (count: number) => boolean, least: number, most: number): number {
  if (holds(most)) return most;
  let [low, high] = [least, most];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

function outOfBudget({ analysis }: Candidate, durationMs: number, sampleCount: number): LeftOut {
  const seconds = Math.max(1, Math.round(durationMs / 1000)).toLocaleString('en');
  return {
    analysis,
    gap: 'no budget',
    reason: `It takes about ${seconds} s on ${sampleCount.toLocaleString('en')} samples: raise budget, or run it alone.`,
  };
}
