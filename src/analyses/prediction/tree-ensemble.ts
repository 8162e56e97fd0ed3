import { float32Tensor, type TensorValue } from '../../onnx/tensorValue.js';
import type { Block, MetricsBlock } from '../../protocol/blocks.js';
import { formatNumber } from '../../protocol/formatReport.js';
import type { Evidence, Finding } from '../../protocol/report.js';
import type { SettingsSchema } from '../../protocol/settings.js';
import { defineAnalysis, type ReportDraft, type ResultArray, type SettingsOf } from '../analysis.js';
import { rowEvidence } from './attribution/rows.js';
import { contributionBlocks, depthChart, drawnTrees, featureChart, headBlocks } from './trees/blocks.js';
import { studyTrees, treeRowCount, type TreeStudy } from './trees/study.js';
import { featureUse, type FeatureUse } from './trees/summaries.js';

const settings = {
  ensemble: {
    kind: 'text',
    title: 'Ensemble',
    description: 'Name of the tree ensemble node; default the first of the model.',
    default: null,
  },
  heads: {
    kind: 'text',
    title: 'Heads',
    description:
      'Outputs that belong together, as in "policy: 0, 1, 2; value: 3"; outputs that stand in none are heads of their own.',
    default: null,
  },
  absence: {
    kind: 'choice',
    title: 'Absent features',
    description:
      'What stands for a feature that is absent. path-dependent: both branches, by the training samples that went there; interventional: rows of the data in turn; auto: path-dependent where the file has covers.',
    default: 'auto',
    choices: ['auto', 'path-dependent', 'interventional'],
  },
  background: {
    kind: 'integer',
    title: 'Background rows',
    description: 'First rows of the data that absent features come from in the interventional form.',
    default: 32,
    minimum: 1,
    maximum: 10_000,
    appliesWhen: { absence: ['auto', 'interventional'] },
  },
  drawn: {
    kind: 'integer',
    title: 'Trees drawn',
    description: 'How many of the first trees the report draws.',
    default: 3,
    minimum: 0,
    maximum: 50,
  },
} as const satisfies SettingsSchema;

type Settings = SettingsOf<typeof settings>;

/** Sums of float32 leaves and their float64 recount part ways by less than this share of the largest output. */
const sumTolerance = 1e-5;

/**
 * Tree ensembles taken apart: trees, depths, splits and features, trees shared by several outputs, and every output of
 * every row as a sum of contributions of its features (TreeSHAP): output = start + Σ contributions.
 *
 * Assumes that leaves are added up. The path-dependent form takes hit rates for counts of training samples; the
 * interventional one assumes that rows with features of other rows mean something. High mean |contribution|: the feature
 * moves this head on these rows. Many splits alone do not say so: deep splits move few samples.
 *
 * Source: Fuhrer, Tessler & Dalal (2025), "Gradient Boosting Reinforcement Learning", https://arxiv.org/abs/2407.08250, whose
 * policy and value share trees; contributions by Lundberg et al. (2020), https://doi.org/10.1038/s42256-019-0138-9.
 * Differs: it reads finished ensembles and trains none.
 */
export const treeEnsemble = defineAnalysis({
  id: 'tree-ensemble',
  question: 'prediction',
  title: 'Tree ensemble',
  asks: 'What do the trees ask, and what does each feature add to each output?',
  needs: { data: 'optional', labels: 'none', gradients: false },
  settings,
  metrics: {
    treeCount: { title: 'Trees', description: 'Trees of the ensemble.' },
    splitCount: { title: 'Splits', description: 'Questions in all trees.' },
    leafCount: { title: 'Leaves', description: 'Leaves of all trees.' },
    maxDepth: { title: 'Largest depth', description: 'Questions on the longest way to a leaf.' },
    meanDepth: { title: 'Mean depth', description: 'Depth, the mean over trees.' },
    featureCount: { title: 'Features', description: 'Features that the trees can ask about.' },
    usedFeatureCount: { title: 'Features used', description: 'Features that at least one split asks about.' },
    outputCount: { title: 'Outputs', description: 'Outputs that the leaves add to.' },
    sharedTreeCount: { title: 'Shared trees', description: 'Trees that add to more than one head.' },
    maxCompletenessError: {
      title: 'Largest error of a sum',
      description: 'Largest |start + Σ contributions − output| over rows and outputs.',
    },
  },
  papers: [
    {
      id: 'fuhrer2025',
      title: 'Gradient Boosting Reinforcement Learning',
      url: 'https://arxiv.org/abs/2407.08250',
      line: 209,
    },
    {
      id: 'lundberg2020',
      title: 'From local explanations to global understanding with explainable AI for trees',
      url: 'https://doi.org/10.1038/s42256-019-0138-9',
    },
  ],
  rows: [
    {
      line: 209,
      settings: { heads: 'policy: 0, 1; value: 2' },
      limits:
        'Reads finished ensembles and trains none. Gains of the training are not stored in ONNX: variance explained by covers stands for them. A TreeEnsemble of opset 5 stores no covers of leaves, so its contributions are interventional.',
    },
  ],
  cost: (chosen, { sampleCount, limit }) => {
    const rowCount = Math.min(sampleCount, limit ?? treeRowCount);
    return { passCount: rowCount * (2 + chosen.background), readCount: rowCount };
  },
  async run(context, chosen) {
    context.progress({ fractionDone: 0, message: 'Reading the trees' });
    const study = await studyTrees(context, chosen);
    context.progress({ fractionDone: 1, message: 'Writing the report' });
    return draftOf(study, chosen);
  },
});

function draftOf(study: TreeStudy, chosen: Settings): ReportDraft {
  const uses = featureUse(study);
  const metrics = metricsOf(study);
  return {
    title: 'Tree ensemble',
    summary: summaryOf(study, uses),
    ...(study.rows === undefined ? {} : { usedCount: study.rows.count }),
    metrics,
    evidence: evidenceOf(study),
    findings: findingsOf(study, uses),
    arrays: arraysOf(study),
    blocks: [
      { type: 'metrics', items: metricItems(metrics) },
      { type: 'findings' },
      featureChart(study, uses),
      ...headBlocks(study),
      ...contributionBlocks(study),
      ...drawnTrees(study, chosen.drawn),
      depthChart(study),
      { type: 'citation', papers: ['fuhrer2025', 'lundberg2020'] },
    ] satisfies Block[],
    warnings: warningsOf(study),
  };
}

function summaryOf(
  { trees, forest, heads, contributions, rows }: TreeStudy,
  uses: readonly FeatureUse[],
): string {
  const used = uses.filter(({ splitCount }) => splitCount > 0).length;
  const what = `${trees.length.toLocaleString('en-US')} trees of depth ${String(Math.max(0, ...trees.map(({ depth }) => depth)))} at most use ${String(used)} of ${String(uses.length)} features`;
  if (contributions === undefined || rows === undefined) return `${forest.name}: ${what}.`;
  const leaders = heads.map(({ name }, index) => {
    const best = uses.reduce((a, b) =>
      (b.contributionByHead[index] ?? 0) > (a.contributionByHead[index] ?? 0) ? b : a,
    );
    return `${best.name} moves ${heads.length === 1 ? 'the output' : name} most`;
  });
  return `${forest.name}: ${what}; on ${rows.count.toLocaleString('en-US')} rows ${leaders.slice(0, 3).join(', ')}.`;
}

function metricsOf({
  trees,
  use,
  featureNames,
  outputNames,
  contributions,
}: TreeStudy): Record<string, number> {
  const total = (pick: (tree: TreeStudy['trees'][number]) => number): number =>
    trees.reduce((sum, tree) => sum + pick(tree), 0);
  const used = new Set(trees.flatMap(({ splitsByFeature }) => [...splitsByFeature.keys()]));
  const heads = use.map(({ head }) => head);
  const shared = trees.filter(
    ({ targets }) => heads.filter(({ outputs }) => outputs.some((output) => targets.has(output))).length > 1,
  );
  return {
    treeCount: trees.length,
    splitCount: total(({ splitCount }) => splitCount),
    leafCount: total(({ leafCount }) => leafCount),
    maxDepth: Math.max(0, ...trees.map(({ depth }) => depth)),
    meanDepth: total(({ depth }) => depth) / trees.length,
    featureCount: featureNames.length,
    usedFeatureCount: used.size,
    outputCount: outputNames.length,
    sharedTreeCount: shared.length,
    ...(contributions === undefined ? {} : { maxCompletenessError: Math.max(...contributions.errors) }),
  };
}

function metricItems(metrics: Readonly<Record<string, number>>): MetricsBlock['items'] {
  const counts = [
    'treeCount',
    'splitCount',
    'maxDepth',
    'usedFeatureCount',
    'outputCount',
    'sharedTreeCount',
  ];
  const labels = treeEnsemble.metrics as Readonly<Record<string, { readonly title: string }>>;
  const items: MetricsBlock['items'] = counts.map((metric) => ({
    metric,
    label: labels[metric]?.title ?? metric,
    format: 'count',
  }));
  if (metrics['maxCompletenessError'] === undefined) return items;
  return [...items, { metric: 'maxCompletenessError', label: 'Largest error of a sum' }];
}

function evidenceOf({ contributions, rows }: TreeStudy): Record<string, Evidence> {
  const counted: Evidence = { kind: 'measured', how: 'counted in the file' };
  const structure = [
    ...['treeCount', 'splitCount', 'leafCount', 'maxDepth', 'meanDepth'],
    ...['featureCount', 'usedFeatureCount', 'outputCount', 'sharedTreeCount'],
  ];
  const ofSums: Evidence =
    contributions === undefined || rows === undefined
      ? { kind: 'not-captured', how: 'no data were given' }
      : rowEvidence(rows);
  return { ...Object.fromEntries(structure.map((key) => [key, counted])), maxCompletenessError: ofSums };
}

function arraysOf(study: TreeStudy): Record<string, ResultArray> {
  const { trees, featureNames, outputNames, contributions, outputs, rows, gains } = study;
  const counted: Evidence = { kind: 'measured', how: 'counted in the file' };
  const floats = (values: ArrayLike<number>, dims: readonly number[]): TensorValue =>
    float32Tensor(Float32Array.from(values), dims);
  const splits = featureNames.map((_, feature) =>
    trees.reduce((sum, { splitsByFeature }) => sum + (splitsByFeature.get(feature) ?? 0), 0),
  );
  const structure: Record<string, ResultArray> = {
    splitCount: { value: floats(splits, [splits.length]), evidence: counted },
    treeDepth: {
      value: floats(
        trees.map(({ depth }) => depth),
        [trees.length],
      ),
      evidence: counted,
    },
  };
  if (gains !== undefined) {
    structure['varianceExplained'] = {
      value: floats(
        gains.flatMap((ofOutput) => [...ofOutput]),
        [gains.length, featureNames.length],
      ),
      evidence: { kind: 'estimated', how: 'by the covers stored in the file' },
    };
  }
  if (contributions === undefined || outputs === undefined || rows === undefined) return structure;
  const evidence = rowEvidence(rows);
  const dims = [rows.count, outputNames.length];
  return {
    ...structure,
    contribution: { value: floats(contributions.shares, [...dims, featureNames.length]), evidence },
    output: { value: floats(outputs, dims), evidence },
    outputWithoutFeatures: { value: floats(contributions.starts, [outputNames.length]), evidence },
    completenessError: { value: floats(contributions.errors, [rows.count]), evidence },
  };
}

function findingsOf(
  { contributions, outputs, featureNames, trees }: TreeStudy,
  uses: readonly FeatureUse[],
): Finding[] {
  const findings: Finding[] = [];
  const unused = uses.filter(({ splitCount }) => splitCount === 0);
  if (unused.length > 0) {
    const names = unused.slice(0, 5).map(({ name }) => name);
    findings.push({
      severity: 'info',
      message: `${String(unused.length)} of ${String(featureNames.length)} features are asked about by no tree: ${names.join(', ')}${unused.length > 5 ? ', …' : ''}.`,
      advice: 'Leave them out of the data that the model is fed, unless other parts of it read them.',
    });
  }
  const stumps = trees.filter(({ splitCount }) => splitCount === 0).length;
  if (stumps > 0) {
    findings.push({
      severity: 'info',
      message: `${String(stumps)} of ${String(trees.length)} trees ask nothing: a single leaf adds the same to every row.`,
      advice: 'Training had stopped finding splits: fewer rounds give the same model.',
    });
  }
  if (contributions !== undefined && outputs !== undefined) {
    const largest = outputs.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const worst = Math.max(...contributions.errors);
    if (!(worst <= sumTolerance * largest)) {
      findings.push({
        severity: 'warning',
        message: `Contributions miss an output by ${formatNumber(worst)}, more than float32 explains.`,
        advice: 'Look for NaN in the data, or for rows whose values stand at a threshold.',
      });
    }
  }
  return findings;
}

function warningsOf({ rows, others, contributions, forest }: TreeStudy): string[] {
  const covers = {
    missing: 'The file stores no covers',
    constant: 'All covers of the file are one number, which exporters write when they know none',
    inconsistent: 'The covers of the file do not add up',
  };
  const { coverProblem } = forest;
  return [
    ...(others.length === 0
      ? []
      : [
          `Only ${forest.name} is read; the model also has ${others.join(', ')}: set ensemble to one of them.`,
        ]),
    ...(rows?.warnings ?? []),
    ...(contributions?.absence === 'interventional'
      ? [
          `${coverProblem === undefined ? 'As set' : covers[coverProblem]}: absent features come from the first ${String(contributions.backgroundCount)} rows of the data.`,
        ]
      : []),
  ];
}
