import type { Block, TableCell } from '../../protocol/blocks.js';
import { toReportNumber } from '../../protocol/reportNumbers.js';
import type { Evidence } from '../../protocol/report.js';
import { formatAddress } from '../../onnx/addresses.js';
import { layersOf } from '../../onnx/layers/layerTable.js';
import {
  type AnalysisContext,
  defineAnalysis,
  type ReportDraft,
  type ResultArray,
  type SettingsOf,
} from '../analysis.js';
import type { Distribution } from '../shared/distribution.js';
import { layerChart, neuronTable, unjudgedBlocks } from '../shared/healthBlocks.js';
import { histogramBlocks } from '../shared/histogramBlocks.js';
import { healthFindings } from '../shared/healthFindings.js';
import {
  healthCost,
  type HealthOptions,
  type HealthResult,
  measureHealth,
  sweepMetrics,
  sweepSettings,
} from '../shared/healthRun.js';
import { histogramArrays, unitArrays } from '../shared/layerArrays.js';
import type { LayerFigures } from '../shared/layerFigures.js';
import type { Product } from '../shared/products.js';
import { productsOnData, skippableShare } from './sparsity/skippable.js';
import { measureTopK, type TopKCurve, topKScoreCount } from './sparsity/topK.js';
import { topKArrays, topKBlocks, topKMetrics } from './sparsity/topKReport.js';

const settings = {
  ...sweepSettings,
  relativeThreshold: {
    kind: 'number',
    title: 'Share of the maximum',
    description:
      'Also counts outputs with |a| above this × the largest |a| of their layer; it comes with the histograms.',
    default: 0.01,
    minimum: 0,
    maximum: 1,
    exclusive: true,
  },
  topK: {
    kind: 'choice',
    title: 'Top-k thresholding',
    description:
      'Scores the model when only the largest entries are kept: in all layers at once, in each alone as well, or not at all. Takes 8 passes over the samples below, and 7 for each layer.',
    default: 'none',
    choices: ['none', 'all', 'each'],
  },
  topKSamples: {
    kind: 'integer',
    title: 'Top-k samples',
    description: 'The scores rest on the first samples, at most this many.',
    default: 256,
    minimum: 1,
    maximum: 1_000_000,
    appliesWhen: { topK: ['all', 'each'] },
  },
} as const;

const metrics = {
  ...sweepMetrics,
  meanNonZeroFraction: {
    title: 'Mean non-zero share',
    description: 'Share of outputs other than 0, averaged over layers, each layer counting the same.',
  },
  skippableShare: {
    title: 'Skippable multiplications',
    description: 'Share of all multiply–accumulates that are with an output of exactly 0.',
  },
  untouchedScore: {
    title: 'Score of the model',
    description: 'Accuracy, or next-token accuracy without labels, on the samples of top-k thresholding.',
  },
  topKShare: {
    title: 'Top-k share',
    description: 'Smallest share of units tried that, kept in all layers, loses at most 0.01 of the score.',
  },
} as const;

/**
 * Activation sparsity: the share of outputs that do nothing, layer by layer over depth.
 *
 * Per layer and neuron: active fraction = #(a > 0) / #a, non-zero fraction = #(a ≠ 0) / #a, and, on a subsample, the share
 * with |a| > ε · max|a|; sparsity = 1 − active fraction. Masked positions count nowhere. It assumes that zeros are exact, as
 * ReLU makes them: GELU-like outputs are almost never 0, so read their share of |a| > ε · max. High sparsity means that most
 * products of the next layer are with 0 and could be skipped; low sparsity means a dense code. Caveat: the largest output of a
 * layer decides what ε · max means, and one outlier moves it. Top-k thresholding keeps the k largest |a| of each position, in
 * all layers at once or in one: the score against k says how much of the code is needed; k = width is the untouched model.
 *
 * Source: Li et al. (2023), "The Lazy Neuron Phenomenon: On Emergence of Activation Sparsity in Transformers",
 * https://arxiv.org/abs/2210.06313.
 */
export const activationSparsity = defineAnalysis({
  id: 'activation-sparsity',
  question: 'health',
  title: 'Activation sparsity',
  asks: 'How much of each layer is silent, and how does it change over depth?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings,
  metrics,
  papers: [
    {
      id: 'li2023lazy',
      title: 'The Lazy Neuron Phenomenon: On Emergence of Activation Sparsity in Transformers',
      url: 'https://arxiv.org/abs/2210.06313',
      line: 45,
    },
  ],
  rows: [
    {
      line: 45,
      settings: { topK: 'all' },
      limits:
        'Top-k thresholding cuts a trained model, seven shares of the units at a time; the paper also trains with it. Multiplications are counted in convolutions and matrix products of the main graph that read an activation as it is.',
    },
  ],
  cost: (chosen, workload) => {
    const { passCount, readCount } = healthCost(chosen, workload);
    const layerCount = layersOf(workload.model).layers.filter(({ kind }) => kind === 'activation').length;
    const scored = Math.min(workload.sampleCount, chosen.topKSamples);
    const more = topKScoreCount(chosen.topK, layerCount) * scored;
    return { passCount: passCount + more, readCount: readCount + more };
  },
  async run(context, chosen) {
    const { relativeThreshold, topK: scope, topKSamples: limit } = chosen;
    const isCut = scope !== 'none';
    const part = isCut ? { ...context, progress: halfOf(context) } : context;
    const pending = { relativeThreshold, products: [], topK: 'not measured yet' };
    const result = await measureHealth(part, sweepOptions(chosen), (known) => {
      context.partial(() => draftOf(known, pending));
    });
    const products = await productsOnData(context);
    context.partial(() => draftOf(result, { ...pending, products }));
    const topK = await measureTopK(context, result.plan.targets, { scope, limit });
    return draftOf(result, { relativeThreshold, products, topK });
  },
});

type Chosen = SettingsOf<typeof settings>;

/** What the sweep is asked, and remembered by: without what it does not depend on. */
function sweepOptions({ topK: _topK, topKSamples: _samples, ...options }: Chosen): HealthOptions {
  return options;
}

/** The first half of the bar. */
function halfOf(context: AnalysisContext): AnalysisContext['progress'] {
  return ({ fractionDone, message }) => {
    context.progress({ fractionDone: fractionDone / 2, message });
  };
}

interface Beside {
  readonly relativeThreshold: number;
  readonly products: readonly Product[];
  readonly topK: TopKCurve | string;
}

function draftOf(result: HealthResult, beside: Beside): ReportDraft {
  const { relativeThreshold, products, topK } = beside;
  const cut = topKMetrics(topK);
  const { figures, evidence, samples } = result;
  const { deadCount, deadShare, neuronCount, sampleCount, meanSparsity } = figures;
  const judged = figures.layers.filter((layer) => layer.swept.target.rule.kind !== 'unjudged');
  const meanNonZeroFraction = judged.reduce((sum, layer) => sum + layer.nonZeroFraction, 0) / judged.length;
  return {
    title: 'Activation sparsity',
    summary: summaryOf(judged, meanSparsity, samples),
    metrics: {
      ...{ meanSparsity, meanNonZeroFraction, deadCount, deadShare, neuronCount, sampleCount },
      skippableShare: skippableShare(products, result),
      ...cut.metrics,
    },
    evidence: {
      ...Object.fromEntries(Object.keys(metrics).map((metric) => [metric, evidence])),
      ...cut.evidence,
    },
    findings: healthFindings(figures, samples),
    arrays: {
      ...unitArrays(figures, evidence),
      ...histogramArrays(result.distributions),
      ...aboveArrays(result.distributions, evidence),
      ...topKArrays(topK),
    },
    blocks: blocksOf(result, relativeThreshold, topK),
    warnings: result.warnings,
  };
}

function summaryOf(judged: readonly LayerFigures[], meanSparsity: number, samples: string): string {
  if (judged.length === 0) return `No layer of this model has states; statistics on ${samples}.`;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const sparsest = judged.reduce((a, b) => (b.activeFraction < a.activeFraction ? b : a));
  return `On average over ${judged.length} layers, ${percent(meanSparsity)} of the outputs are not above 0 on ${samples}; the sparsest is ${sparsest.name} with ${percent(1 - sparsest.activeFraction)}.`;
}

function blocksOf(result: HealthResult, relativeThreshold: number, topK: TopKCurve | string): Block[] {
  const { figures, plan, sweep, distributions } = result;
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'meanSparsity', label: 'Mean sparsity', format: 'percent' },
        { metric: 'meanNonZeroFraction', label: 'Mean non-zero share', format: 'percent' },
        { metric: 'skippableShare', label: 'Skippable multiplications', format: 'percent' },
        ...(typeof topK === 'string'
          ? []
          : [
              { metric: 'untouchedScore', label: `Untouched ${topK.scoreName}`, format: 'percent' as const },
              { metric: 'topKShare', label: 'Top-k share', format: 'percent' as const },
            ]),
        { metric: 'neuronCount', label: 'Neurons', format: 'count' },
        { metric: 'deadCount', label: 'Dead neurons', format: 'count' },
        { metric: 'sampleCount', label: 'Samples', format: 'count' },
      ],
    },
    { type: 'findings', title: 'Findings' },
    layerChart(figures, {
      key: 'Sparsity',
      title: 'Sparsity by layer',
      of: (layer) => 1 - layer.activeFraction,
    }),
    ...topKBlocks(topK),
    sparsityTable(figures.layers, distributions, relativeThreshold),
    neuronTable(figures, sweep),
    ...histogramBlocks(distributions, plan.names),
    ...unjudgedBlocks(plan.unjudged),
    { type: 'citation', papers: ['li2023lazy'] },
  ];
}

function sparsityTable(
  layers: readonly LayerFigures[],
  distributions: readonly Distribution[],
  relativeThreshold: number,
): Block {
  const above = new Map(distributions.map((distribution) => [distribution.target, aboveShare(distribution)]));
  return {
    type: 'table',
    title: 'Layers',
    columns: [
      { key: 'layer', label: 'Layer', kind: 'address' },
      { key: 'units', label: 'Neurons', kind: 'count' },
      {
        key: 'sparsity',
        label: 'Sparsity',
        kind: 'bar',
        description: 'Share of outputs that are not above 0.',
      },
      { key: 'nonZero', label: 'Non-zero', kind: 'percent', description: 'Share of outputs other than 0.' },
      {
        key: 'above',
        label: `|a| > ${relativeThreshold} · max`,
        kind: 'percent',
        description:
          "Share of outputs above this share of the layer's largest |a|, on the histograms' samples.",
      },
    ],
    rows: layers.map((layer): Record<string, TableCell> => {
      const share = above.get(layer.swept.target);
      return {
        layer: formatAddress({ layer: layer.name }),
        units: layer.unitCount,
        sparsity: toReportNumber(1 - layer.activeFraction),
        nonZero: toReportNumber(layer.nonZeroFraction),
        above: share === undefined ? null : toReportNumber(share),
      };
    }),
  };
}

/** Of all finite outputs of a layer, those above the threshold. */
function aboveShare({ aboveCount, histogram }: Distribution): number | undefined {
  const total = histogram.counts.reduce((sum, count) => sum + count, 0);
  return aboveCount === undefined ? undefined : aboveCount / total;
}

function aboveArrays(
  distributions: readonly Distribution[],
  evidence: Evidence,
): Record<string, ResultArray> {
  const arrays: Record<string, ResultArray> = {};
  for (const distribution of distributions) {
    const share = aboveShare(distribution);
    if (share === undefined) continue;
    arrays[`${distribution.target.layer}.aboveFraction`] = {
      value: { dtype: 'float64', dims: [], data: Float64Array.of(share) },
      evidence: {
        ...evidence,
        kind: 'sampled',
        n: distribution.sampleCount,
        how: 'the first samples, second pass',
      },
    };
  }
  return arrays;
}
