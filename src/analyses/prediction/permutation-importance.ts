import type { SettingsSchema } from '../../protocol/settings.js';
import {
  defineAnalysis,
  type ReportDraft,
  type RunCost,
  type SettingsOf,
  type Workload,
} from '../analysis.js';
import { shapleyWorkflow } from './attribution/papers.js';
import { featureCountOf } from './attribution/featureCount.js';
import { rankingChart, selectionChart } from './importance/charts.js';
import { importanceRowCount, importanceSettings, shapleyRowCount } from './importance/importanceSettings.js';
import {
  type ForwardSelection,
  permutationImportance as measure,
  selectForward,
  shapleyImportance,
} from './importance/measures.js';
import {
  leaderText,
  metricItems,
  type Ranking,
  rankingArrays,
  rankingFigures,
  rankingFindings,
  rankingMetrics,
} from './importance/ranking.js';
import { openShuffling, type Shuffling } from './importance/shuffling.js';

const settings = {
  ...importanceSettings,
  select: {
    kind: 'integer',
    title: 'Forward selection',
    description:
      'Features that are added one after the other, each time the one that lowers the loss most; default all where there are at most 12, none otherwise. Costs a run for each step and feature that is left.',
    default: null,
    minimum: 0,
    maximum: 1000,
  },
} as const satisfies SettingsSchema;

/** Features up to which all are selected forward unless said otherwise. */
const selectedByDefault = 12;

type Settings = SettingsOf<typeof settings>;

/**
 * Permutation importance: L(x with feature i taken from shuffled rows) − L(x), the mean over repeats, L being the mean loss
 * over the rows.
 *
 * Assumes that a feature can be exchanged between rows: where features are correlated, shuffled rows are unlike any that the
 * model was made for, and the importance is shared among features that stand in for each other (use aspect-importance).
 * High: the model's answers need the feature. Near zero: it is not used on these rows, or another replaces it. It says what
 * this model uses, not what could be learned. Beside it stand mean absolute Shapley values with rank correlations, and a
 * forward selection: the loss when only the features chosen so far are intact.
 *
 * Source: Pekala, Woznica & Biecek (2021), "Triplot: model agnostic measures and visualisations for variable importance in
 * predictive models that take into account the hierarchical correlation structure", https://arxiv.org/abs/2104.03403, which
 * calls it permutational variable importance; the comparison and the selection follow the workflow of "Machine Learning
 * Workflow to Explain Black-box Models for Early Alzheimer's Disease Classification Evaluated for Multiple Datasets".
 * Differs: forward selection hides features of one model; the workflow trains a model for each selection.
 */
export const permutationImportance = defineAnalysis({
  id: 'permutation-importance',
  question: 'prediction',
  title: 'Permutation importance',
  asks: 'Which features does the model need for its answers on this data?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings,
  metrics: {
    ...rankingMetrics,
    selectedLoss: {
      title: 'Loss after selection',
      description: 'Mean loss when only the selected features are intact.',
    },
  },
  papers: [
    shapleyWorkflow,
    {
      id: 'pekala2021',
      title:
        'Triplot: model agnostic measures and visualisations for variable importance in predictive models that take into account the hierarchical correlation structure',
      url: 'https://arxiv.org/abs/2104.03403',
    },
  ],
  rows: [
    {
      line: 91,
      limits:
        'Forward selection hides features of one model; the workflow trains a model for each selection.',
    },
  ],
  cost: (chosen, workload) => costOf(chosen, workload),
  async run(context, chosen) {
    const shuffling = await openShuffling(context, chosen, ({ featureCount, rowCount }) =>
      passesOf(chosen, featureCount, rowCount),
    );
    try {
      const { features } = shuffling;
      const sets = Array.from({ length: features.maxCount }, (_, feature) => [feature]);
      const ranking: Ranking = {
        names: sets.map(([feature = 0]) => features.nameOf(feature)),
        importances: await measure(shuffling, sets, chosen.repeats),
        shapley: chosen.orders === 0 ? undefined : await shapleyImportance(shuffling, sets, chosen.orders),
      };
      const stepCount = stepsOf(chosen, sets.length);
      const selection =
        stepCount === 0
          ? undefined
          : await selectForward(shuffling, sets, { stepCount, repeatCount: chosen.repeats });
      context.progress({ fractionDone: 1, message: 'Writing the report' });
      return draftOf(shuffling, ranking, { selection, repeats: chosen.repeats });
    } finally {
      await shuffling.close();
    }
  },
});

function draftOf(
  shuffling: Shuffling,
  ranking: Ranking,
  { selection, repeats }: { readonly selection: ForwardSelection | undefined; readonly repeats: number },
): ReportDraft {
  const { metrics, evidence } = rankingFigures(shuffling, ranking);
  const { rows, features } = shuffling;
  const last = selection?.steps.at(-1);
  return {
    title: 'Permutation importance',
    summary: `Of ${features.maxCount.toLocaleString('en-US')} features, ${leaderText(shuffling, ranking)}, on ${rows.count.toLocaleString('en-US')} rows.`,
    metrics: { ...metrics, ...(last === undefined ? {} : { selectedLoss: last.loss }) },
    evidence: {
      ...evidence,
      selectedLoss:
        last === undefined
          ? { kind: 'not-captured', how: 'no features were selected (select=0, or more than 12 features)' }
          : { kind: 'estimated', n: rows.count, how: `${String(repeats)} shuffles` },
    },
    findings: rankingFindings(ranking),
    arrays: rankingArrays(shuffling, ranking),
    blocks: [
      { type: 'metrics', items: metricItems(metrics) },
      { type: 'findings' },
      rankingChart(shuffling, ranking, { title: 'Importance of features', what: 'Feature' }),
      ...(selection === undefined ? [] : [selectionChart(shuffling, ranking.names, selection)]),
      { type: 'citation', papers: ['alzheimerWorkflow', 'pekala2021'] },
    ],
    warnings: shuffling.warnings,
  };
}

function stepsOf({ select }: Settings, featureCount: number): number {
  return Math.min(featureCount, select ?? (featureCount <= selectedByDefault ? featureCount : 0));
}

/** Times that all rows are run. */
function passesOf(chosen: Settings, featureCount: number, rowCount: number): number {
  const steps = stepsOf(chosen, featureCount);
  const candidates = steps * featureCount - (steps * (steps - 1)) / 2 + (steps === 0 ? 0 : 1);
  const shapley = (chosen.orders * (featureCount + 1) * Math.min(rowCount, shapleyRowCount)) / rowCount;
  return 1 + chosen.repeats * (featureCount + candidates) + shapley;
}

function costOf(chosen: Settings, workload: Workload): RunCost {
  const rowCount = Math.min(workload.sampleCount, workload.limit ?? importanceRowCount);
  const passes = passesOf(chosen, featureCountOf(chosen, workload), rowCount);
  return { passCount: rowCount * passes, readCount: rowCount };
}
