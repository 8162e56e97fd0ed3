import { type Cluster, clusterCompletely, cutAtHeight } from '../../engine/numeric/hierarchicalClustering.js';
import { float32Tensor } from '../../onnx/tensorValue.js';
import type { TableBlock, TreeBlock } from '../../protocol/blocks.js';
import { toReportNumber } from '../../protocol/reportNumbers.js';
import type { Evidence } from '../../protocol/report.js';
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
import { dissimilaritiesOf } from './importance/dissimilarity.js';
import { rankingChart } from './importance/charts.js';
import { importanceRowCount, importanceSettings, shapleyRowCount } from './importance/importanceSettings.js';
import { type Estimate, permutationImportance, shapleyImportance } from './importance/measures.js';
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
  correlation: {
    kind: 'number',
    title: 'Least correlation',
    description:
      'Features are one aspect when the absolute rank correlation of every two of them is at least this over the rows.',
    default: 0.5,
    minimum: 0,
    maximum: 1,
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

/**
 * Aspect importance: correlated features put together into aspects, and the rise of the loss when all features of an aspect
 * are shuffled over the rows together.
 *
 * Aspects are the clusters of complete linkage with 1 − |Spearman’s ρ| as distance, cut where every two features of an
 * aspect correlate by at least `correlation`. Assumes that the rows show how features hang together. An aspect far above
 * the sum of its features’ own importances holds features that stand in for each other: each alone seems unneeded. About
 * their sum: they add independent evidence. Correlated features of different aspects still make shuffled rows unlikely ones.
 *
 * Source: Pekala, Woznica & Biecek (2021), "Triplot: model agnostic measures and visualisations for variable importance in
 * predictive models that take into account the hierarchical correlation structure", https://arxiv.org/abs/2104.03403; the
 * aspects of "Machine Learning Workflow to Explain Black-box Models for Early Alzheimer's Disease Classification Evaluated
 * for Multiple Datasets". Differs: rank correlations, so that a monotone change of a column changes nothing.
 */
export const aspectImportance = defineAnalysis({
  id: 'aspect-importance',
  question: 'prediction',
  title: 'Aspect importance',
  asks: 'Which groups of correlated features does the model need for its answers on this data?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings,
  metrics: {
    aspectCount: { title: 'Aspects', description: 'Groups of features, those of one feature counted.' },
    ...rankingMetrics,
  },
  papers: [
    {
      id: 'pekala2021',
      title:
        'Triplot: model agnostic measures and visualisations for variable importance in predictive models that take into account the hierarchical correlation structure',
      url: 'https://arxiv.org/abs/2104.03403',
    },
    shapleyWorkflow,
  ],
  rows: [
    {
      line: 91,
      limits:
        'Aspects are clusters of correlated features; the workflow’s retraining on selected features is not done: one model is measured.',
    },
  ],
  cost: (chosen, workload) => costOf(chosen, workload),
  async run(context, chosen) {
    const shuffling = await openShuffling(context, chosen, ({ featureCount, rowCount }) =>
      passesOf(chosen, featureCount, rowCount),
    );
    try {
      const { featureValues } = shuffling;
      const root = clusterCompletely(dissimilaritiesOf(featureValues), featureValues.length);
      const aspects = cutAtHeight(root, 1 - chosen.correlation);
      const sets = aspects.map(({ items }) => items);
      const ranking: Ranking = {
        names: sets.map((items) => items.map((item) => shuffling.features.nameOf(item)).join(' + ')),
        importances: await permutationImportance(shuffling, sets, chosen.repeats),
        shapley: chosen.orders === 0 ? undefined : await shapleyImportance(shuffling, sets, chosen.orders),
      };
      const singles = featureValues.map((_, feature) => [feature]);
      const own = await permutationImportance(shuffling, singles, chosen.repeats);
      context.progress({ fractionDone: 1, message: 'Writing the report' });
      return draftOf(shuffling, ranking, { root, aspects, own });
    } finally {
      await shuffling.close();
    }
  },
});

interface Aspects {
  readonly root: Cluster;
  readonly aspects: readonly Cluster[];
  /** Importances of the features, each alone. */
  readonly own: readonly Estimate[];
}

function draftOf(shuffling: Shuffling, ranking: Ranking, found: Aspects): ReportDraft {
  const { features, rows } = shuffling;
  const { root, aspects } = found;
  const { metrics, evidence } = rankingFigures(shuffling, ranking);
  const clustered: Evidence = { kind: 'measured', n: rows.count };
  const aspectOf = new Float32Array(features.maxCount);
  for (const [aspect, { items }] of aspects.entries()) for (const item of items) aspectOf[item] = aspect;
  const nameOf = (feature: number): string => features.nameOf(feature);
  return {
    title: 'Aspect importance',
    summary: `${features.maxCount.toLocaleString('en-US')} features make ${aspects.length === 1 ? 'one aspect' : `${String(aspects.length)} aspects`} on ${rows.count.toLocaleString('en-US')} rows; ${leaderText(shuffling, ranking)}.`,
    metrics: { aspectCount: aspects.length, ...metrics },
    evidence: { aspectCount: clustered, ...evidence },
    findings: rankingFindings(ranking),
    arrays: {
      ...rankingArrays(shuffling, ranking),
      aspect: { value: float32Tensor(aspectOf, [aspectOf.length]), evidence: clustered },
    },
    blocks: [
      {
        type: 'metrics',
        items: [{ metric: 'aspectCount', label: 'Aspects', format: 'count' }, ...metricItems(metrics)],
      },
      { type: 'findings' },
      rankingChart(shuffling, ranking, { title: 'Importance of aspects', what: 'Aspect' }),
      aspectTable(found, ranking, nameOf),
      treeOf(root, nameOf),
      { type: 'citation', papers: ['pekala2021', 'alzheimerWorkflow'] },
    ],
    warnings: shuffling.warnings,
  };
}

/** Aspects of several features, with what their features are worth alone. */
function aspectTable(
  { aspects, own }: Aspects,
  ranking: Ranking,
  nameOf: (feature: number) => string,
): TableBlock {
  const rows = aspects.flatMap(({ items, height }, aspect) =>
    items.length < 2
      ? []
      : [
          {
            aspect: items.map(nameOf).join(' + '),
            correlation: toReportNumber(1 - height),
            importance: toReportNumber(ranking.importances[aspect]?.mean ?? NaN),
            alone: toReportNumber(items.reduce((sum, item) => sum + (own[item]?.mean ?? NaN), 0)),
          },
        ],
  );
  const alone = 'Sum of the importances of its features, each shuffled alone.';
  return {
    type: 'table',
    title: 'Aspects of several features',
    columns: [
      { key: 'aspect', label: 'Aspect', kind: 'text' },
      {
        key: 'correlation',
        label: 'Least |ρ|',
        kind: 'number',
        description: 'Of every two of its features.',
      },
      { key: 'importance', label: 'Importance together', kind: 'number' },
      { key: 'alone', label: 'Sum of alone', kind: 'number', description: alone },
    ],
    rows,
  };
}

/** How the features were joined, step by step. */
function treeOf(root: Cluster, nameOf: (feature: number) => string): TreeBlock {
  const nodeOf = ({ items, height, parts }: Cluster): TreeBlock['root'] => {
    if (parts === undefined) return { label: nameOf(items[0] ?? 0) };
    return {
      label: `${String(items.length)} features`,
      detail: `least |ρ| ${(1 - height).toFixed(2)}`,
      children: parts.map(nodeOf),
    };
  };
  return {
    type: 'tree',
    title: 'How features hang together',
    alt: 'Features joined by complete linkage on their rank correlations.',
    root: nodeOf(root),
    folded: true,
  };
}

/** Times that all rows are run, were every feature an aspect. */
function passesOf({ repeats, orders }: Settings, featureCount: number, rowCount: number): number {
  const shapley = (orders * (featureCount + 1) * Math.min(rowCount, shapleyRowCount)) / rowCount;
  return 1 + 2 * repeats * featureCount + shapley;
}

function costOf(chosen: Settings, workload: Workload): RunCost {
  const rowCount = Math.min(workload.sampleCount, workload.limit ?? importanceRowCount);
  const passes = passesOf(chosen, featureCountOf(chosen, workload), rowCount);
  return { passCount: rowCount * passes, readCount: rowCount };
}
