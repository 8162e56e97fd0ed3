import type { MetricDeclaration } from '../analysis.js';

/** Metrics that every run with labels, or on a language model, measures before the analysis. */
export const commonMetrics: Readonly<Record<string, MetricDeclaration>> = {
  accuracy: {
    title: 'Accuracy',
    description: 'Share of samples whose highest output is the labelled class; only with labels.',
  },
  perplexity: {
    title: 'Perplexity',
    description:
      'exp of the loss per token: as uncertain as an even choice among so many; only of language models.',
  },
  lossPerToken: {
    title: 'Loss per token',
    description: 'Mean of −log p of the next token, in nats; only of language models.',
  },
  pseudoPerplexity: {
    title: 'Pseudo-perplexity',
    description: 'exp of the loss per hidden token; only of masked language models with their tokenizer.',
  },
  maskedLossPerToken: {
    title: 'Loss per hidden token',
    description:
      'Mean of −log p of tokens that are hidden one at a time, in nats; only of masked language models.',
  },
};
