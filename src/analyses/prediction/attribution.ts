import { defineAnalysis } from '../analysis.js';
import { assumptionsOf } from './attribution/assumptions/judges.js';
import { attributionCost } from './attribution/cost.js';
import { methods } from './attribution/methods/methods.js';
import { completeOutcome } from './attribution/outcome.js';
import { attributionPapers, attributionRows } from './attribution/papers.js';
import { prepare } from './attribution/prepare.js';
import { withRemoval } from './attribution/removal.js';
import { draftReport } from './attribution/report/draft.js';
import { attributionSettings } from './attribution/settings.js';

/**
 * Attribution: one score per element of the input (or of a layer), saying what it contributes to a prediction.
 *
 * The formula, its assumption, how to read it and its source stand with each method in `attribution/methods/`. All of them
 * explain one number per row: an output element, by default the logit of the predicted class, or a unit's value. High
 * scores raise that number, negative ones lower it. One caveat for all: scores describe the model and not the world, and
 * elements that carry the same evidence share it in a way that differs between methods.
 */
export const attribution = defineAnalysis({
  id: 'attribution',
  question: 'prediction',
  title: 'Attribution',
  asks: 'Which parts of the input speak for this prediction, and which against it?',
  needs: { data: 'required', labels: 'optional', gradients: true },
  settings: attributionSettings,
  metrics: {
    output: {
      title: 'Explained value',
      description: 'Mean over rows of the number that is explained, f(x).',
    },
    baselineOutput: { title: 'Value at the baseline', description: 'Mean over rows of f(baseline).' },
    completenessError: {
      title: 'Completeness error',
      description: 'Mean over rows of Σ scores − (f(x) − f(baseline)); only for methods whose scores add up.',
    },
    maxCompletenessError: {
      title: 'Largest completeness error',
      description: 'Largest absolute completeness error of a row.',
    },
    maxStandardError: {
      title: 'Largest standard error',
      description: 'Largest standard error of a score, over features and rows; only for methods that sample.',
    },
    conservationError: {
      title: 'Conservation error',
      description: 'Mean over rows of Σ relevance − f(x); only for lrp.',
    },
    maxConservationError: {
      title: 'Largest conservation error',
      description: 'Largest absolute conservation error of a row: what biases, ε and other operators took.',
    },
    removalGap: {
      title: 'Removal gap',
      description:
        'Area between the explained value with elements removed in random order and with the highest scores removed first; only with removal.',
    },
    fidelity: {
      title: 'Fidelity',
      description:
        'Mean over rows of the weighted R² between the model and the linear model that stands for it around the row; only for lime.',
    },
  },
  papers: attributionPapers,
  rows: attributionRows,
  cost: attributionCost,
  async run(context, settings) {
    const prepared = await prepare(context, settings);
    const { problem, facts } = prepared;
    try {
      // What completeOutcome will measure, announced first so that the bar does not stop short.
      problem.expect(problem.rows.count * (1 + problem.baselines.count));
      const found = await methods[settings.method].attribute(problem);
      const outcome = await withRemoval(problem, await completeOutcome(problem, found));
      const assumptions = await assumptionsOf({ problem, outcome });
      context.progress({ fractionDone: 1, message: 'Writing the report' });
      return draftReport({ problem, outcome, facts, assumptions });
    } finally {
      await prepared.close();
    }
  },
});
