import type { Analysis } from '../analyses/analysis.js';
import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';

/**
 * Returns the analysis with an id.
 *
 * @throws UserError `unknown-analysis` with the nearest ids.
 */
export function findAnalysis(analyses: readonly Analysis[], id: string): Analysis {
  const found = analyses.find((analysis) => analysis.id === id);
  if (found !== undefined) return found;
  const ids = analyses.map((analysis) => analysis.id);
  throw new UserError(
    'unknown-analysis',
    `There is no analysis "${id}".${didYouMean(id, ids)} Run neuron-inspector analyses for the list.`,
    { detail: { id, known: ids } },
  );
}
