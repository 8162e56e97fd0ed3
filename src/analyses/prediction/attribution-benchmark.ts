import { defineAnalysis } from '../analysis.js';
import { benchmark } from './benchmark/benchmark.js';
import { candidatesOf } from './benchmark/candidates.js';
import { benchmarkCost } from './benchmark/cost.js';
import { benchmarkPapers, benchmarkRows } from './benchmark/papers.js';
import { draftReport } from './benchmark/report.js';
import { benchmarkSettings } from './benchmark/settings.js';

/**
 * Attribution benchmark: many methods of attribution explain the same rows, and eight measures say how good each is.
 *
 * The formulas, their readings and sources stand with each measure in `benchmark/`. All hide positions behind the baseline,
 * so they share its assumption: that it means "nothing" to the model, and that half-hidden rows mean anything. Caveat: a
 * method can be best by insertion because it shows what a model jumps at, not because it is right.
 */
export const attributionBenchmark = defineAnalysis({
  id: 'attribution-benchmark',
  question: 'prediction',
  title: 'Attribution benchmark',
  asks: 'Which way to explain predictions can be trusted for this model?',
  needs: { data: 'required', labels: 'optional', gradients: true },
  settings: benchmarkSettings,
  metrics: {
    methodCount: { title: 'Methods', description: 'Methods that fit the model and were compared.' },
    leftOutCount: { title: 'Methods left out', description: 'Methods that do not fit the model.' },
    bestInsertion: { title: 'Best insertion', description: 'Highest mean insertion of a method.' },
    bestDeletion: { title: 'Best deletion', description: 'Lowest mean deletion of a method.' },
    bestSensitivityN: { title: 'Best sensitivity-n', description: 'Highest mean sensitivity-n of a method.' },
    bestInfidelity: { title: 'Best infidelity', description: 'Lowest mean infidelity of a method.' },
    bestPointingGame: {
      title: 'Best pointing game',
      description: 'Largest share of rows in which a method points into the mask; only with masks.',
    },
    bestMaxSensitivity: {
      title: 'Best max-sensitivity',
      description: 'Lowest mean max-sensitivity of a method.',
    },
    failedSanityCount: {
      title: 'Failed sanity checks',
      description: 'Methods whose scores stay much the same when all weights are shuffled.',
    },
  },
  papers: benchmarkPapers,
  rows: benchmarkRows,
  cost: benchmarkCost,
  async run(context, settings) {
    return benchmark(context, settings, {
      candidates: candidatesOf(settings),
      use: (result) => {
        context.progress({ fractionDone: 1, message: 'Writing the report' });
        return draftReport(result, settings);
      },
    });
  },
});
