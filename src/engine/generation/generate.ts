import { throwIfAborted, yieldToEventLoop } from '../../base/abort.js';
import type { Random } from '../../base/random.js';
import { chooseToken, likeliestTokens, logProbabilitiesOf, type SamplingSettings } from './chooseToken.js';
import type { Decoder } from './decoder.js';

/** A token that was written, and how sure the model was of it. */
export interface WrittenToken {
  readonly id: number;
  /** log p of it under the model itself (temperature 1, nothing cut off), in nats. */
  readonly logProbability: number;
  /** How many tokens were likelier. */
  readonly likelierCount: number;
  /** −Σ p log p over the vocabulary, in nats. */
  readonly entropy: number;
  /** The likeliest tokens, it may be among them, from the likeliest on. */
  readonly alternatives: readonly Alternative[];
}

/** What might have stood in a token's place. */
export interface Alternative {
  readonly id: number;
  readonly logProbability: number;
}

/** What is continued and how. */
export interface GenerationRequest {
  readonly decoder: Decoder;
  readonly prompt: readonly number[];
  readonly sampling: SamplingSettings;
  /** Tokens at most. */
  readonly count: number;
  /** Tokens that end the text; they are written too. */
  readonly endIds: ReadonlySet<number>;
  /** Tokens that the model sees at most: older ones are left out, and what is left is run again for each token. */
  readonly contextLength: number | undefined;
  readonly alternativeCount: number;
  readonly random: Random;
  readonly signal: AbortSignal;
}

/**
 * Continues a prompt token by token.
 *
 * @throws Cancelled between two tokens.
 */
export async function* generate(request: GenerationRequest): AsyncGenerator<WrittenToken> {
  const { decoder, sampling, contextLength, endIds, random, signal } = request;
  const tokens = [...request.prompt];
  for (let written = 0; written < request.count; written++) {
    const context = contextLength === undefined ? tokens : tokens.slice(-contextLength);
    const scores = await decoder.scoresAfter([...context]);
    const id = chooseToken(scores, sampling, random);
    yield writtenToken(scores, id, request.alternativeCount);
    tokens.push(id);
    if (endIds.has(id)) return;
    await yieldToEventLoop();
    throwIfAborted(signal);
  }
}

/** Returns what the scores of one position say of the token that stands behind it. */
export function writtenToken(scores: Float64Array, id: number, alternativeCount: number): WrittenToken {
  const logs = logProbabilitiesOf(scores);
  const own = logs[id] ?? NaN;
  let likelierCount = 0;
  let entropy = 0;
  for (const log of logs) {
    if (log > own) likelierCount++;
    if (log > -Infinity) entropy -= Math.exp(log) * log;
  }
  const alternatives = likeliestTokens(logs, alternativeCount).map((other) => ({
    id: other,
    logProbability: logs[other] ?? NaN,
  }));
  return { id, logProbability: own, likelierCount, entropy, alternatives };
}
