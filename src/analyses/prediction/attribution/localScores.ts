import type { BackwardPass } from '../../../engine/relevance/backwardPass.js';
import { emptyScores, rowPoints } from './points.js';
import type { Problem, Scores } from './problem.js';

/** Scores made at the rows themselves, and what the backward pass has no rule for. */
export interface LocalScores {
  readonly scores: readonly Scores[];
  readonly withoutRule: readonly string[];
}

/** How local scores are made. */
export interface LocalRequest {
  /** What goes backwards; default derivatives. */
  readonly backward?: BackwardPass;
  /** Makes a score from what came back (a slope) and the value there; default what came back. */
  score?(slope: number, value: number): number;
}

/** Returns scores made from one backward pass at every element of the inputs, or of the layer if one is set. */
export async function localScores(problem: Problem, request: LocalRequest = {}): Promise<LocalScores> {
  const { inputs, layer, rows } = problem;
  const { backward } = request;
  const sites = layer === undefined ? inputs : [layer];
  const scores = sites.map((site) => emptyScores(site, rows.count));
  const field = problem.open({ coordinates: inputs, sites, backward });
  problem.expect(rows.count);
  await field.gradientsAndValues(rowPoints(inputs, rows.count), (result) => {
    const target = scores[result.site]?.row(result.point) ?? [];
    for (let i = 0; i < target.length; i++) {
      const slope = result.gradient[i] ?? 0;
      target[i] = request.score === undefined ? slope : request.score(slope, result.value[i] ?? 0);
    }
  });
  return { scores, withoutRule: field.operatorsWithoutRule() };
}
