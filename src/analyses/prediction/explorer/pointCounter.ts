import type { AnalysisContext } from '../../analysis.js';

/** Counts what was done against what was announced, for the progress bar. */
export interface PointCounter {
  readonly expect: (count: number) => void;
  readonly done: (count: number) => void;
}

/** Returns a counter of points, called `what` in the progress bar. */
export function pointCounter(context: AnalysisContext, what: string): PointCounter {
  let [expected, doneCount] = [0, 0];
  return {
    expect: (count) => {
      expected += count;
    },
    done: (count) => {
      doneCount += count;
      context.progress({
        fractionDone: Math.min(1, doneCount / Math.max(1, expected)),
        message: `${doneCount.toLocaleString('en-US')} of ${expected.toLocaleString('en-US')} ${what}`,
      });
    },
  };
}
