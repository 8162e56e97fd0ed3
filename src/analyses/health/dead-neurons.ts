import type { Block } from '../../protocol/blocks.js';
import { defineAnalysis, type ReportDraft } from '../analysis.js';
import { layerChart, layerTable, neuronTable, unjudgedBlocks } from '../shared/healthBlocks.js';
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
import { neverOf } from '../shared/states.js';

/**
 * Dead neurons: units of activation outputs that are never active on any sample.
 *
 * A unit u of an output a is dead when a[n, u, p] > 0 for no sample n and position p (ReLU-like), or when
 * |a[n, u, p]| > ε · √mean(a²) for none (GELU-like). Masked positions count nowhere. It assumes that the data are what the
 * model will see: dead on one data set is not dead on another, and 0 of N only bounds the rate below 3/N at 95 %. High shares
 * early in training point to a learning rate too high or a bad initialisation; high shares in a large trained model may be
 * harmless. Caveat: pooled over positions, a unit that fires at one border pixel of one sample is not dead.
 *
 * Source: Voita, Ferrando & Nalmpantis (2023), "Neurons in Large Language Models: Dead, N-gram, Positional",
 * https://arxiv.org/abs/2309.04827. Differs: any activation and any model, by family; the paper counts ReLU units of OPT.
 */
export const deadNeurons = defineAnalysis({
  id: 'dead-neurons',
  question: 'health',
  title: 'Dead neurons',
  asks: 'Which neurons never fire, never switch off, or saturate on this data?',
  needs: { data: 'required', labels: 'optional', gradients: false },
  settings: sweepSettings,
  metrics: sweepMetrics,
  papers: [
    {
      id: 'voita2023',
      title: 'Neurons in Large Language Models: Dead, N-gram, Positional',
      url: 'https://arxiv.org/abs/2309.04827',
      line: 17,
    },
  ],
  rows: [
    {
      line: 17,
      limits:
        'Counts neurons that never fire, of any activation and model. Token and positional neurons have analyses of their own.',
    },
  ],
  cost: healthCost,
  async run(context, settings) {
    const result = await measureHealth(context, settings, (known) => {
      context.partial(() => draftOf(known));
    });
    return draftOf(result);
  },
});

function draftOf(result: HealthResult): ReportDraft {
  const { figures, evidence } = result;
  const { deadCount, deadShare, neuronCount, sampleCount, meanSparsity } = figures;
  return {
    title: 'Dead neurons',
    summary: summaryOf(result),
    metrics: { deadCount, deadShare, neuronCount, sampleCount, meanSparsity },
    evidence: Object.fromEntries(Object.keys(sweepMetrics).map((metric) => [metric, evidence])),
    findings: healthFindings(figures, result.samples),
    arrays: { ...unitArrays(figures, evidence), ...histogramArrays(result.distributions) },
    blocks: blocksOf(result),
    warnings: result.warnings,
  };
}

function summaryOf({ figures, samples }: HealthResult): string {
  const { deadCount, neuronCount, deadShare } = figures;
  const neurons = neuronCount.toLocaleString('en');
  if (neuronCount === 0) return `No neuron of this model has a state; statistics on ${samples}.`;
  if (deadCount === 0) {
    return `None of ${neurons} neurons is dead on ${samples}: each was active at least once.`;
  }
  const worst = figures.layers.reduce((a, b) => (b.stateCounts.dead > a.stateCounts.dead ? b : a));
  const verb = deadCount === 1 ? 'is' : 'are';
  const percent = (100 * deadShare).toFixed(1);
  const inWorst = worst.stateCounts.dead;
  const where = `${worst.name}, ${inWorst.toLocaleString('en')} of ${worst.unitCount.toLocaleString('en')}`;
  const share = inWorst === deadCount ? 'all' : inWorst > deadCount / 2 ? 'most of them' : 'the most';
  return `${deadCount.toLocaleString('en')} of ${neurons} neurons (${percent} %) ${verb} dead on ${samples}; ${deadCount === 1 ? '' : `${share} `}in ${where}.`;
}

function blocksOf({ figures, plan, sweep, distributions }: HealthResult): Block[] {
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'deadCount', label: 'Dead neurons', format: 'count' },
        { metric: 'deadShare', label: 'Dead share', format: 'percent' },
        { metric: 'neuronCount', label: 'Neurons', format: 'count' },
        { metric: 'sampleCount', label: 'Samples', format: 'count' },
        { metric: 'meanSparsity', label: 'Mean sparsity', format: 'percent' },
      ],
    },
    { type: 'findings', title: 'Findings' },
    layerChart(figures, {
      key: 'Dead',
      title: 'Dead share by layer',
      of: (layer) => layer.stateCounts.dead / Math.max(1, layer.judgedCount),
    }),
    layerTable(figures),
    neuronTable(figures, sweep),
    ...histogramBlocks(distributions, plan.names),
    ...unjudgedBlocks(plan.unjudged),
    {
      type: 'markdown',
      title: 'How to read this',
      folded: true,
      text: `"Never" means ${neverOf(figures.sampleCount)}. A neuron stands for all of its positions; masked positions count nowhere. Top examples are the samples with its largest outputs.`,
    },
    { type: 'citation', papers: ['voita2023'] },
  ];
}
