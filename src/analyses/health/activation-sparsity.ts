import type { Block, TableCell } from '../../protocol/blocks.js';
import { toReportNumber } from '../../protocol/reportNumbers.js';
import type { Evidence } from '../../protocol/report.js';
import { formatAddress } from '../../onnx/addresses.js';
import { defineAnalysis, type ReportDraft, type ResultArray } from '../analysis.js';
import type { Distribution } from '../shared/distribution.js';
import { layerChart, neuronTable, unjudgedBlocks } from '../shared/healthBlocks.js';
import { histogramBlocks } from '../shared/histogramBlocks.js';
import { healthFindings } from '../shared/healthFindings.js';
import {
  healthCost,
  type HealthResult,
  measureHealth,
  sweepMetrics,
  sweepSettings,
} from '../shared/healthRun.js';
import { histogramArrays, unitArrays } from '../shared/layerArrays.js';
import type { LayerFigures } from '../shared/layerFigures.js';

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
} as const;

const metrics = {
  ...sweepMetrics,
  meanNonZeroFraction: {
    title: 'Mean non-zero share',
    description: 'Share of outputs other than 0, averaged over layers, each layer counting the same.',
  },
} as const;

/**
 * Activation sparsity: the share of outputs that do nothing, layer by layer over depth.
 *
 * Per layer and neuron: active fraction = #(a > 0) / #a, non-zero fraction = #(a ≠ 0) / #a, and, on a subsample, the share
 * with |a| > ε · max|a|; sparsity = 1 − active fraction. Masked positions count nowhere. It assumes that zeros are exact, as
 * ReLU makes them: GELU-like outputs are almost never 0, so read their share of |a| > ε · max. High sparsity means that most
 * products of the next layer are with 0 and could be skipped; low sparsity means a dense code. Caveat: the largest output of a
 * layer decides what ε · max means, and one outlier moves it.
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
      limits:
        'Shares of zeros and of small entries over depth. The curve of top-k thresholding is not drawn yet.',
    },
  ],
  cost: healthCost,
  async run(context, chosen) {
    const result = await measureHealth(context, chosen, (known) => {
      context.partial(() => draftOf(known, chosen.relativeThreshold));
    });
    return draftOf(result, chosen.relativeThreshold);
  },
});

function draftOf(result: HealthResult, relativeThreshold: number): ReportDraft {
  const { figures, evidence, samples } = result;
  const { deadCount, deadShare, neuronCount, sampleCount, meanSparsity } = figures;
  const judged = figures.layers.filter((layer) => layer.swept.target.rule.kind !== 'unjudged');
  const meanNonZeroFraction = judged.reduce((sum, layer) => sum + layer.nonZeroFraction, 0) / judged.length;
  return {
    title: 'Activation sparsity',
    summary: summaryOf(judged, meanSparsity, samples),
    metrics: { meanSparsity, meanNonZeroFraction, deadCount, deadShare, neuronCount, sampleCount },
    evidence: Object.fromEntries(Object.keys(metrics).map((metric) => [metric, evidence])),
    findings: healthFindings(figures, samples),
    arrays: {
      ...unitArrays(figures, evidence),
      ...histogramArrays(result.distributions),
      ...aboveArrays(result.distributions, evidence),
    },
    blocks: blocksOf(result, relativeThreshold),
    warnings: result.warnings,
  };
}

function summaryOf(judged: readonly LayerFigures[], meanSparsity: number, samples: string): string {
  if (judged.length === 0) return `No layer of this model has states; statistics on ${samples}.`;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const sparsest = judged.reduce((a, b) => (b.activeFraction < a.activeFraction ? b : a));
  return `On average over ${judged.length} layers, ${percent(meanSparsity)} of the outputs are not above 0 on ${samples}; the sparsest is ${sparsest.name} with ${percent(1 - sparsest.activeFraction)}.`;
}

function blocksOf(result: HealthResult, relativeThreshold: number): Block[] {
  const { figures, plan, sweep, distributions } = result;
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'meanSparsity', label: 'Mean sparsity', format: 'percent' },
        { metric: 'meanNonZeroFraction', label: 'Mean non-zero share', format: 'percent' },
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
