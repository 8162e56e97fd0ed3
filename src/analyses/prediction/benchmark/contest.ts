import { UserError } from '../../../base/errors.js';
import { createRandom } from '../../../base/random.js';
import type { Usage } from '../../../engine/runtime/meteredRuntime.js';
import type { Prepared } from '../attribution/prepare.js';
import type { Attributions, Problem } from '../attribution/problem.js';
import type { Candidate } from './candidates.js';
import { type PositionSpace, type ScoreMaps, scoreMapsOf } from './positions.js';

/** A method with its scores of all rows. */
export interface Entrant {
  readonly candidate: Candidate;
  readonly problem: Problem;
  readonly found: Attributions;
  readonly maps: ScoreMaps;
  readonly usage: Usage;
}

/** A method that does not take part, and why. */
export interface LeftOut {
  readonly title: string;
  readonly reason: string;
}

/** Returns a generator for one method and purpose: what a method draws does not depend on which others take part. */
export function randomFor(base: number, purpose: string): ReturnType<typeof createRandom> {
  let hash = base;
  for (let i = 0; i < purpose.length; i++) hash = (Math.imul(hash, 31) + purpose.charCodeAt(i)) >>> 0;
  return createRandom(hash);
}

/** Lets a candidate explain the rows of a problem, or says why it cannot. */
export async function enter(
  prepared: Prepared,
  candidate: Candidate,
  options: {
    readonly space: PositionSpace;
    readonly seed: number;
    readonly restart: () => void;
    readonly usage: () => Usage;
  },
): Promise<Entrant | LeftOut> {
  const { method, settings, name } = candidate;
  try {
    const problem = { ...(await prepared.withMethod(settings)), random: randomFor(options.seed, name) };
    options.restart();
    const found = await method.attribute(problem);
    const usage = options.usage();
    const maps = scoreMapsOf(problem, options.space, { found, meaning: method.scoresAre });
    return { candidate, problem, found, maps, usage };
  } catch (error) {
    // What a method cannot do is an answer here, not a failure.
    if (error instanceof UserError) return { title: method.title, reason: error.message };
    throw error;
  }
}

/** Returns the problem of explaining the first rows only. */
export function firstRows(problem: Problem, count: number): Problem {
  const { rows } = problem;
  return { ...problem, rows: { ...rows, count, ids: rows.ids.slice(0, count) } };
}
