import { checkpointsSetting } from '../../shared/checkpoints.js';
import { sweepMetrics, sweepSettings } from '../../shared/healthRun.js';
import { pplPassCount } from './ppl.js';

/** Settings of `activation-sparsity`. */
export const sparsityChoices = {
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
  method: {
    kind: 'choice',
    title: 'Method',
    description:
      'What counts as silent: outputs of 0 alone, or in the feed-forward blocks of a language model also what can be truncated until perplexity rises by the percentage below.',
    default: 'zero',
    choices: ['zero', 'ppl'],
  },
  perplexityRise: {
    kind: 'number',
    title: 'Perplexity rise',
    description: 'In percent of the perplexity of the untouched model.',
    default: 1,
    minimum: 0.01,
    maximum: 1000,
    appliesWhen: { method: ['ppl'] },
  },
  perplexitySamples: {
    kind: 'integer',
    title: 'Perplexity samples',
    description: `The perplexities rest on the first samples, at most this many; the search takes about ${String(pplPassCount)} passes over them.`,
    default: 64,
    minimum: 1,
    maximum: 1_000_000,
    appliesWhen: { method: ['ppl'] },
  },
  checkpoints: { ...checkpointsSetting, appliesWhen: { method: ['ppl'] } },
} as const;

/** Metrics of `activation-sparsity`. */
export const sparsityMetrics = {
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
  activationRatio: {
    title: 'Activation ratio',
    description:
      'Share of the neurons of feed-forward blocks kept per token when perplexity has risen as much as allowed.',
  },
  cett: {
    title: 'CETT',
    description:
      'Cumulative error of tail truncation at which it has: ‖Σ truncated‖ / ‖FFN(x)‖, the mean over tokens, the same in all blocks.',
  },
  perplexityRise: {
    title: 'Perplexity rise',
    description: 'Perplexity with the neurons truncated over that of the untouched model, minus 1.',
  },
  untouchedPerplexity: {
    title: 'Untouched perplexity',
    description: 'Of the model as it is, on the samples of the method ppl.',
  },
  limitRatio: {
    title: 'Limit of the ratio',
    description:
      'R₀ of the law that fits the activation ratios of the checkpoints better: where training leads.',
  },
  fitRSquared: { title: 'R² of the fit', description: 'Of that law, over the checkpoints.' },
} as const;
