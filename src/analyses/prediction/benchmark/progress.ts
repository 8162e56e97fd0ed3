import type { AnalysisContext, Workload } from '../../analysis.js';
import type { Candidate } from './candidates.js';
import type { BenchmarkSettings } from './settings.js';
import { workOf } from './cost.js';

/** The bar of a benchmark: pieces of work of known size, one after the other. */
export interface Progress {
  /** The context whose batches move the words, not the bar. */
  readonly context: AnalysisContext;
  start(what: string): void;
  /** Counts a piece of work as done. */
  finish(piece: string): void;
}

/** Opens the bar. */
export function openProgress(
  context: AnalysisContext,
  candidates: readonly Candidate[],
  of: { readonly settings: BenchmarkSettings; readonly workload: Workload },
): Progress {
  const work = workOf(candidates, of.settings, of.workload);
  let current = '';
  let done = 0;
  const show = (message: string): void => {
    context.progress({ fractionDone: Math.min(1, done / work.total), message });
  };
  return {
    context: {
      ...context,
      progress: ({ message }) => {
        show(current === '' ? message : `${current}: ${message}`);
      },
    },
    start(what) {
      current = what;
    },
    finish(piece) {
      done += work.of(piece);
      show(current);
    },
  };
}
