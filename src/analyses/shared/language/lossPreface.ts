import { formatNumber } from '../../../protocol/formatReport.js';
import type { Block } from '../../../protocol/blocks.js';
import type { Evidence } from '../../../protocol/report.js';
import { lossPerTokenOf, perplexityOf, type TokenLoss } from './tokenLoss.js';

/** How well a language model does, as every report on it starts with. */
export interface LossPreface {
  readonly metrics: Readonly<Record<string, number>>;
  readonly evidence: Readonly<Record<string, Evidence>>;
  readonly blocks: readonly Block[];
  readonly warnings: readonly string[];
}

/** One-sided normal quantile of 5 %. */
const normalQuantile = 1.645;

/**
 * Returns perplexity and loss per token as metrics and blocks, with a warning where the model is no better than a uniform guess.
 *
 * "At chance" is a one-sided z-test of the mean of −log p against log V at 5 %, its error from the spread over tokens.
 */
export function lossPreface(
  loss: TokenLoss,
  { vocabularySize, sampleCount }: { readonly vocabularySize: number; readonly sampleCount: number },
): LossPreface {
  const { tokenCount } = loss;
  if (tokenCount === 0) return { metrics: {}, evidence: {}, blocks: [], warnings: [] };
  const tokens = `${formatNumber(tokenCount, 'count')} ${tokenCount === 1 ? 'token' : 'tokens'}`;
  const evidence: Evidence = { kind: 'measured', n: sampleCount, how: tokens };
  const perplexity = perplexityOf(loss);
  const warnings = warningsOf(loss, { vocabularySize, tokens });
  return {
    metrics: { perplexity, lossPerToken: lossPerTokenOf(loss) },
    evidence: { perplexity: evidence, lossPerToken: evidence },
    blocks: [
      {
        type: 'metrics',
        title: 'The model on this data',
        items: [
          { metric: 'perplexity', label: 'Perplexity' },
          { metric: 'lossPerToken', label: 'Loss per token', unit: 'nats' },
        ],
      },
      {
        type: 'markdown',
        text: `Perplexity ${formatNumber(perplexity)} on ${tokens}; a uniform guess has ${formatNumber(vocabularySize, 'count')}.`,
      },
      ...warnings.map((message): Block => ({
        type: 'warning',
        message,
        advice:
          'Check that the tokenizer belongs to this model, that the ids lie as [N, T], and which token begins a sequence, before believing anything below.',
      })),
    ],
    warnings,
  };
}

function warningsOf(
  loss: TokenLoss,
  { vocabularySize, tokens }: { readonly vocabularySize: number; readonly tokens: string },
): string[] {
  const { tokenCount, nonFiniteCount, sumOfSquares } = loss;
  if (nonFiniteCount > 0) {
    return [
      `The loss is NaN or infinite on ${formatNumber(nonFiniteCount, 'count')} of ${tokens}: the perplexity of all is no number.`,
    ];
  }
  const mean = lossPerTokenOf(loss);
  const variance = Math.max(0, sumOfSquares / tokenCount - mean ** 2);
  const error = Math.sqrt(variance / tokenCount);
  if (mean < Math.log(vocabularySize) - normalQuantile * error) return [];
  return [
    `The perplexity is at chance: ${formatNumber(Math.exp(mean))} on ${tokens}, and guessing every token alike gives ${formatNumber(vocabularySize, 'count')}.`,
  ];
}
