import type { Outcome } from '../outcome.js';
import type { Problem } from '../problem.js';

/** What came of looking whether something that a method rests on is so on this model and these rows. */
export type Verdict = 'holds' | 'partly' | 'fails' | 'not-measured';

/** Something that a method rests on, and whether it is so here. */
export interface Assumption {
  /** What is assumed, one sentence. */
  readonly assumes: string;
  readonly verdict: Verdict;
  /** The numbers behind the verdict, or why there are none. */
  readonly because: string;
}

/** What assumptions are judged by. */
export interface Judged {
  readonly problem: Problem;
  readonly outcome: Outcome;
}

/** Looks at one assumption; some run the model on a few more points. */
export type Judge = (judged: Judged) => Assumption | Promise<Assumption>;
