import type { Random } from '../../base/random.js';

/** How a next token is chosen from its scores. */
export interface SamplingSettings {
  /** Scores are divided by it; 0 takes the token with the highest score. */
  readonly temperature: number;
  /** Only so many of the highest scores are drawn from; undefined: all. */
  readonly topK: number | undefined;
  /** Only the fewest likeliest tokens are drawn from whose probabilities reach this share; 1: all. */
  readonly topP: number;
}

/** Returns log-probabilities, by log-sum-exp of the scores; −∞ scores stay so. */
export function logProbabilitiesOf(scores: Float64Array): Float64Array {
  let largest = -Infinity;
  for (const score of scores) if (score > largest) largest = score;
  const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
  const shift = largest + Math.log(total);
  return scores.map((score) => score - shift);
}

/** Returns the first token with the highest score. */
export function likeliest(scores: Float64Array): number {
  let best = 0;
  for (let id = 1; id < scores.length; id++) if ((scores[id] ?? NaN) > (scores[best] ?? NaN)) best = id;
  return best;
}

/** Returns tokens from the highest score to the lowest, equal ones by id; at most `count`. */
export function likeliestTokens(scores: Float64Array, count: number): number[] {
  const ids = Array.from(scores.keys()).sort((a, b) => (scores[b] ?? NaN) - (scores[a] ?? NaN) || a - b);
  return ids.slice(0, count);
}

/**
 * Returns the next token: the likeliest at temperature 0, else one drawn from softmax(scores / temperature) cut to the `topK`
 * likeliest, and of these to the fewest whose share reaches `topP` (at least one).
 *
 * Source: Holtzman, Buys, Du, Forbes & Choi (2020), "The Curious Case of Neural Text Degeneration",
 * https://arxiv.org/abs/1904.09751 (nucleus sampling).
 */
export function chooseToken(scores: Float64Array, settings: SamplingSettings, random: Random): number {
  const { temperature, topK, topP } = settings;
  if (temperature === 0) return likeliest(scores);
  const logs = logProbabilitiesOf(scores.map((score) => score / temperature));
  const kept = likeliestTokens(logs, topK ?? logs.length);
  const shares = kept.map((id) => Math.exp(logs[id] ?? -Infinity));
  const all = shares.reduce((sum, share) => sum + share, 0);
  let count = 0;
  let reached = 0;
  while (count < kept.length && (count === 0 || reached < topP * all)) reached += shares[count++] ?? 0;
  let left = random.next() * reached;
  for (let at = 0; at < count; at++) {
    left -= shares[at] ?? 0;
    if (left < 0) return kept[at] ?? 0;
  }
  return kept[count - 1] ?? 0;
}
