import type { Block } from '../../../protocol/blocks.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import type { Evidence } from '../../../protocol/report.js';
import type { LossPreface } from './lossPreface.js';
import type { MaskedLoss } from './maskedLoss.js';
import { lossPerTokenOf, perplexityOf, type TokenLoss } from './tokenLoss.js';

/** Returns pseudo-perplexity and loss per hidden token as every report on a masked language model starts with them. */
export function maskedPreface(
  { loss, rightCount, sampleCount, eligibleCount }: MaskedLoss,
  vocabularySize: number,
): LossPreface {
  const { tokenCount, nonFiniteCount } = loss;
  if (tokenCount === 0) return { metrics: {}, evidence: {}, blocks: [], warnings: [] };
  const tokens = `${formatNumber(tokenCount, 'count')} of ${formatNumber(eligibleCount, 'count')} tokens, hidden one at a time`;
  const evidence: Evidence = {
    kind: tokenCount < eligibleCount ? 'sampled' : 'measured',
    n: sampleCount,
    how: tokens,
  };
  const warnings =
    nonFiniteCount === 0
      ? []
      : [
          `The loss is NaN or infinite on ${formatNumber(nonFiniteCount, 'count')} of ${tokens}: the pseudo-perplexity of all is no number.`,
        ];
  return {
    metrics: { pseudoPerplexity: perplexityOf(loss), maskedLossPerToken: lossPerTokenOf(loss) },
    evidence: { pseudoPerplexity: evidence, maskedLossPerToken: evidence },
    blocks: [
      {
        type: 'metrics',
        title: 'The model on this data',
        items: [
          { metric: 'pseudoPerplexity', label: 'Pseudo-perplexity' },
          { metric: 'maskedLossPerToken', label: 'Loss per hidden token', unit: 'nats' },
        ],
      },
      { type: 'markdown', text: inWords(loss, { tokens, vocabularySize, rightCount }) },
      ...warnings.map((message): Block => ({
        type: 'warning',
        message,
        advice: 'Check that the tokenizer belongs to this model, and look for NaN in its weights.',
      })),
    ],
    warnings,
  };
}

function inWords(
  loss: TokenLoss,
  {
    tokens,
    vocabularySize,
    rightCount,
  }: {
    readonly tokens: string;
    readonly vocabularySize: number;
    readonly rightCount: number;
  },
): string {
  return `A masked language model: each token is told from those before and behind it. Pseudo-perplexity ${formatNumber(perplexityOf(loss))} on ${tokens} (a uniform guess has ${formatNumber(vocabularySize, 'count')}); ${formatNumber(rightCount / loss.tokenCount, 'percent')} of them are told right. It does not compare with the perplexity of a model that writes from left to right.`;
}
