import type { SettingsSchema } from '../../protocol/settings.js';
import { defineAnalysis } from '../analysis.js';
import { openGeneration } from './generation/openGeneration.js';
import { draftOf } from './generation/report.js';

const settings = {
  prompt: {
    kind: 'text',
    title: 'Prompt',
    description: 'Text to continue. What the tokenizer puts before a sequence is put before it.',
    default: 'Once upon a time',
  },
  promptIds: {
    kind: 'text',
    title: 'Prompt as ids',
    description: 'Token ids to continue instead, as they are: for models without a tokenizer.',
    default: null,
    format: 'integers',
  },
  tokens: {
    kind: 'integer',
    title: 'Tokens',
    description: 'Tokens to write, at most: a token that ends a text ends this one.',
    default: 40,
    minimum: 1,
    maximum: 10_000,
  },
  temperature: {
    kind: 'number',
    title: 'Temperature',
    description:
      '0 always takes the likeliest token; 1 draws as the model says; more makes rare ones likelier.',
    default: 0,
    minimum: 0,
    maximum: 100,
  },
  topK: {
    kind: 'integer',
    title: 'Top k',
    description: 'Draws from so many of the likeliest tokens only; null: from all.',
    default: null,
    minimum: 1,
    maximum: 1_000_000,
  },
  topP: {
    kind: 'number',
    title: 'Top p',
    description: 'Draws from the fewest likeliest tokens that together have this probability.',
    default: 1,
    minimum: 0,
    maximum: 1,
  },
  alternatives: {
    kind: 'integer',
    title: 'Alternatives',
    description: 'Likeliest tokens shown for each place.',
    default: 5,
    minimum: 1,
    maximum: 20,
  },
  tokenizer: {
    kind: 'text',
    title: 'Tokenizer',
    description:
      'Path of a tokenizer.json; by default that of the .inspect.json, else the one beside the model.',
    default: null,
    format: 'path',
  },
  context: {
    kind: 'integer',
    title: 'Context',
    description:
      'Tokens that the model sees at most, older ones are left out; null: as many as its table of positions has.',
    default: null,
    minimum: 1,
    maximum: 10_000_000,
  },
} as const satisfies SettingsSchema;

/**
 * What a language model writes after a prompt, token by token, and how sure it was of each: −log p under the model itself, the
 * tokens that were likelier, and the entropy −Σ p log p of what might have come.
 *
 * Assumes a causal model whose output scores the next token at every position. A low probability where the text is right: the
 * model was surprised; a high entropy: many continuations were as good. Caveat: how sure a model is says nothing of whether what
 * it writes is true; and a text that was drawn with a temperature or a cut is likelier or less likely than the model's own.
 *
 * Source: Holtzman, Buys, Du, Forbes & Choi (2020), "The Curious Case of Neural Text Degeneration",
 * https://arxiv.org/abs/1904.09751 (nucleus sampling).
 */
export const generate = defineAnalysis({
  id: 'generate',
  question: 'prediction',
  title: 'Generate text',
  asks: 'What does this language model write next, and how sure is it of each token?',
  needs: { data: 'none', labels: 'none', gradients: false },
  settings,
  metrics: {
    writtenCount: { title: 'Tokens written', description: 'Tokens that were added to the prompt.' },
    promptCount: { title: 'Tokens of the prompt', description: 'What the tokenizer puts before it counted.' },
    writtenPerplexity: {
      title: 'Perplexity of what was written',
      description: 'exp of the mean −log p of the tokens written, under the model itself.',
    },
    promptPerplexity: {
      title: 'Perplexity of the prompt',
      description: 'exp of the mean −log p of the prompt’s tokens but the first.',
    },
    meanEntropy: {
      title: 'Mean entropy',
      description: 'Of what might have been written at each place, in nats.',
    },
  },
  papers: [
    {
      id: 'holtzman2020',
      title: 'The Curious Case of Neural Text Degeneration',
      url: 'https://arxiv.org/abs/1904.09751',
    },
  ],
  rows: [],
  cost: ({ tokens }) => ({ passCount: tokens, readCount: 0 }),
  async run(context, asked) {
    const generation = await openGeneration(context, asked);
    try {
      for await (const written of generation.write()) {
        context.progress({
          fractionDone: written.length / asked.tokens,
          message: `Writing (${String(written.length)} of at most ${String(asked.tokens)} tokens)`,
        });
        context.partial(() => draftOf(generation, [...written]));
      }
      return draftOf(generation, generation.written);
    } finally {
      await generation.close();
    }
  },
});
