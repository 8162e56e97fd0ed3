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
import { listCheckpoints } from '../shared/checkpoints.js';
import type { Distribution } from '../shared/distribution.js';
import { layerChart, neuronTable, unjudgedBlocks } from '../shared/healthBlocks.js';
import { histogramBlocks } from '../shared/histogramBlocks.js';
import { healthFindings } from '../shared/healthFindings.js';
import { healthCost, type HealthOptions, type HealthResult, measureHealth } from '../shared/healthRun.js';
import { histogramArrays, unitArrays } from '../shared/layerArrays.js';
import type { LayerFigures } from '../shared/layerFigures.js';
import { measurePplSparsity, pplPassCount, type PplSparsity, requireLanguageModel } from './sparsity/ppl.js';
import { pplArrays, pplBlocks, pplMetrics, pplSentence } from './sparsity/pplReport.js';
import { sparsityChoices as settings, sparsityMetrics as metrics } from './sparsity/settings.js';
import { courseArrays, courseBlocks, courseMetrics } from './sparsity/trainingReport.js';
import { measureRatios, type RatioCourse } from './sparsity/training.js';
import {
  passesZerosOn,
  type ProductWork,
  productsOnData,
  skippableShare,
  zeroSampleCount,
} from './sparsity/skippable.js';
import { measureTopK, type TopKCurve, topKScoreCount } from './sparsity/topK.js';
import { topKArrays, topKBlocks, topKMetrics } from './sparsity/topKReport.js';

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
 * The method `ppl` needs no exact zeros. A neuron of a feed-forward block writes a · w_down, of length |a| · ‖w_down‖; on each
 * token those at or under a threshold are truncated. That makes an error ‖Σ truncated‖ / ‖FFN(x)‖ (CETT), the mean over tokens,
 * FFN(x) without its bias. The one error, the same for all blocks, at which perplexity rises by p % is bisected; the share of
 * (token, neuron) pairs that stay is the activation ratio. It assumes that blocks tolerate the same relative error. Over
 * checkpoints R₀ − c/t^α and R₀ + exp(b − c·t^α) are fitted to the ratios.
 *
 * Source: Li et al. (2023), "The Lazy Neuron Phenomenon: On Emergence of Activation Sparsity in Transformers",
 * https://arxiv.org/abs/2210.06313; Luo et al. (2024), "Sparsing Law: Towards Large Language Models with Greater Activation
 * Sparsity", https://arxiv.org/abs/2411.02335.
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
    {
      id: 'luo2024sparsing',
      title: 'Sparsing Law: Towards Large Language Models with Greater Activation Sparsity',
      url: 'https://arxiv.org/abs/2411.02335',
      line: 231,
    },
  ],
  rows: [
    {
      line: 45,
      settings: { topK: 'all' },
      limits:
        'Top-k thresholding cuts a trained model, seven shares of the units at a time; the paper also trains with it. Multiplications are counted in convolutions and matrix products of the main graph that read an activation, as it is or as pooling and the like leave it.',
    },
    {
      line: 231,
      settings: { method: 'ppl' },
      limits:
        'Feed-forward blocks are those recognised in the main graph, with stored weights; thresholds are set on the untouched model, then all blocks are truncated at once. Over checkpoints both laws of the paper are fitted to the ratio against the steps in the files’ names, which stand for training tokens; the paper chooses one by the activation.',
    },
  ],
  cost: (chosen, workload) => {
    const { passCount, readCount } = healthCost(chosen, workload);
    const layerCount = layersOf(workload.model).layers.filter(({ kind }) => kind === 'activation').length;
    const scored = Math.min(workload.sampleCount, chosen.topKSamples);
    const truncated =
      chosen.method === 'ppl'
        ? (1 + (workload.listedCount ?? 0)) *
          pplPassCount *
          Math.min(workload.sampleCount, chosen.perplexitySamples)
        : 0;
    const pooled = passesZerosOn(workload.model) ? Math.min(workload.sampleCount, zeroSampleCount) : 0;
    const more = topKScoreCount(chosen.topK, layerCount) * scored + truncated + pooled;
    return { passCount: passCount + more, readCount: readCount + more };
  },
  async run(context, chosen) {
    const { relativeThreshold, topK: scope, topKSamples: limit } = chosen;
    // Said before the long work.
    if (chosen.method === 'ppl') requireLanguageModel(context);
    const parts = partsOf(context, chosen);
    const missing = 'not measured yet';
    const pending = { relativeThreshold, products: missing, topK: missing, ppl: missing };
    const result = await measureHealth(parts.sweep, sweepOptions(chosen), (known) => {
      context.partial(() => draftOf(known, pending));
    });
    const products = await productsOnData(
      context,
      new Set(result.figures.layers.map(({ swept }) => swept.target.leaving)),
    );
    context.partial(() => draftOf(result, { ...pending, products }));
    const topK = await measureTopK(parts.topK, result.plan.targets, { scope, limit });
    const beside = { relativeThreshold, products, topK };
    if (chosen.method === 'zero') return draftOf(result, { ...beside, ppl: 'the method is zero' });
    context.partial(() => draftOf(result, { ...beside, ppl: pending.ppl }));
    const options = { percent: chosen.perplexityRise, limit: chosen.perplexitySamples };
    const ppl = await measurePplSparsity(parts.ppl, options);
    if (chosen.checkpoints === null) return draftOf(result, { ...beside, ppl });
    context.partial(() => draftOf(result, { ...beside, ppl }));
    const checkpoints = await listCheckpoints(context, chosen.checkpoints);
    return draftOf(result, {
      ...beside,
      ppl,
      course: await measureRatios(parts.course, checkpoints, options),
    });
  },
});

type Chosen = SettingsOf<typeof settings>;

/** What the sweep is asked, and remembered by: without what it does not depend on. */
function sweepOptions({
  topK: _topK,
  topKSamples: _samples,
  method: _method,
  perplexityRise: _rise,
  perplexitySamples: _perplexitySamples,
  checkpoints: _checkpoints,
  ...options
}: Chosen): HealthOptions {
  return options;
}

/** Each part of the work with its share of the bar: the sweep has half where anything else is asked for. */
function partsOf(
  context: AnalysisContext,
  { topK, method, checkpoints }: Chosen,
): Readonly<Record<'sweep' | 'topK' | 'ppl' | 'course', AnalysisContext>> {
  const within = (from: number, to: number): AnalysisContext => ({
    ...context,
    progress: ({ fractionDone, message }) => {
      context.progress({ fractionDone: from + (to - from) * fractionDone, message });
    },
  });
  const [isCut, isTruncated] = [topK !== 'none', method === 'ppl'];
  const middle = isCut && isTruncated ? 0.75 : isCut ? 1 : 0.5;
  const last = checkpoints === null ? 1 : (middle + 1) / 2;
  return {
    sweep: within(0, isCut || isTruncated ? 0.5 : 1),
    topK: within(0.5, middle),
    ppl: within(middle, last),
    course: within(last, 1),
  };
}

interface Beside {
  readonly relativeThreshold: number;
  /** A reason, where they are not known yet. */
  readonly products: ProductWork | string;
  readonly topK: TopKCurve | string;
  readonly ppl: PplSparsity | string;
  /** Over checkpoints; undefined where none were asked for. */
  readonly course?: RatioCourse;
}

function draftOf(result: HealthResult, beside: Beside): ReportDraft {
  const { products, topK, ppl, course } = beside;
  const [cut, truncated, trained] = [topKMetrics(topK), pplMetrics(ppl), courseMetrics(course)];
  const skipped = skippableMetric(products, result);
  const { figures, evidence, samples } = result;
  const { deadCount, deadShare, neuronCount, sampleCount, meanSparsity } = figures;
  const judged = figures.layers.filter((layer) => layer.swept.target.rule.kind !== 'unjudged');
  const meanNonZeroFraction = judged.reduce((sum, layer) => sum + layer.nonZeroFraction, 0) / judged.length;
  return {
    title: 'Activation sparsity',
    summary: `${summaryOf(judged, meanSparsity, samples)}${pplSentence(ppl)}`,
    metrics: {
      ...{ meanSparsity, meanNonZeroFraction, deadCount, deadShare, neuronCount, sampleCount },
      ...skipped.metrics,
      ...cut.metrics,
      ...truncated.metrics,
      ...trained.metrics,
    },
    evidence: {
      ...Object.fromEntries(Object.keys(metrics).map((metric) => [metric, evidence])),
      ...skipped.evidence,
      ...cut.evidence,
      ...truncated.evidence,
      ...trained.evidence,
    },
    findings: healthFindings(figures, samples),
    arrays: {
      ...unitArrays(figures, evidence),
      ...histogramArrays(result.distributions),
      ...aboveArrays(result.distributions, evidence),
      ...topKArrays(topK),
      ...pplArrays(ppl),
      ...courseArrays(course),
    },
    blocks: blocksOf(result, beside),
    warnings: typeof ppl === 'string' ? result.warnings : [...result.warnings, ...ppl.warnings],
  };
}

function skippableMetric(
  products: ProductWork | string,
  { figures, ...result }: HealthResult,
): Pick<ReportDraft, 'metrics' | 'evidence'> {
  const share = typeof products === 'string' ? undefined : skippableShare(products, figures);
  if (typeof products === 'string' || share === undefined) {
    const how =
      typeof products === 'string'
        ? products
        : 'the main graph has no convolution or matrix product whose size is known';
    return { metrics: {}, evidence: { skippableShare: { kind: 'not-captured', how } } };
  }
  const { sampleCount = figures.sampleCount } = products;
  const evidence: Evidence =
    sampleCount < figures.sampleCount
      ? { kind: 'sampled', n: sampleCount, how: 'zeros behind pooling; others on all samples that were read' }
      : result.evidence;
  return { metrics: { skippableShare: share }, evidence: { skippableShare: evidence } };
}

function summaryOf(judged: readonly LayerFigures[], meanSparsity: number, samples: string): string {
  if (judged.length === 0) return `No layer of this model has states; statistics on ${samples}.`;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const sparsest = judged.reduce((a, b) => (b.activeFraction < a.activeFraction ? b : a));
  return judged.length === 1
    ? `${percent(meanSparsity)} of the outputs of ${sparsest.name} are not above 0 on ${samples}.`
    : `On average over ${judged.length} layers, ${percent(meanSparsity)} of the outputs are not above 0 on ${samples}; the sparsest is ${sparsest.name} with ${percent(1 - sparsest.activeFraction)}.`;
}

function blocksOf(result: HealthResult, { relativeThreshold, topK, ppl, course }: Beside): Block[] {
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
        { metric: 'deadCount', label: 'Dead neurons', format: 'count' },
        { metric: 'deadShare', label: 'Dead share', format: 'percent' },
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
    ...pplBlocks(ppl),
    ...courseBlocks(course),
    ...topKBlocks(topK),
    sparsityTable(figures.layers, distributions, relativeThreshold),
    neuronTable(figures, sweep),
    ...histogramBlocks(distributions, plan.names),
    ...unjudgedBlocks(plan.unjudged),
    { type: 'citation', papers: ['li2023lazy', 'luo2024sparsing'] },
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
