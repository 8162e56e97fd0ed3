import type { BenchmarkResult } from './benchmark.js';
import { measureFacts } from './measureNames.js';
import type { Standing, Winner } from './results.js';

/** Returns the name of an entrant. */
export function titleOf({ entrants }: Pick<BenchmarkResult, 'entrants'>, index: number): string {
  return entrants[index]?.candidate.method.title ?? '?';
}

/** Returns a mean with its standard error, both to the error's second digit: `0.834 ± 0.021`. */
export function withError({ mean, standardError }: Standing): string {
  if (Number.isNaN(standardError)) return String(Number(mean.toPrecision(3)));
  if (standardError === 0) return `${String(Number(mean.toPrecision(3)))} ± 0`;
  const digitCount = Math.min(20, Math.max(0, 1 - Math.floor(Math.log10(standardError))));
  return `${mean.toFixed(digitCount)} ± ${standardError.toFixed(digitCount)}`;
}

/** Returns a list in words: `a, b and c`. */
export function inWords(parts: readonly string[]): string {
  if (parts.length < 2) return parts.join('');
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}

/** Returns who is best by what, in one clause per method: `LIME is best by insertion (0.9 ± 0.01)`. */
export function winnersInWords(result: BenchmarkResult, winners: readonly Winner[]): string {
  const byMethod = new Map<number, string[]>();
  for (const { measure, index, peers } of winners) {
    const standing = result.standings.get(measure)?.[index];
    if (standing === undefined) continue;
    const [first] = peers;
    const more = peers.length === 1 ? '' : ` and ${String(peers.length - 1)} more`;
    const par = first === undefined ? '' : `, on a par with ${titleOf(result, first)}${more}`;
    const clause = `${measureFacts[measure].title.toLowerCase()} (${withError(standing)}${par})`;
    byMethod.set(index, [...(byMethod.get(index) ?? []), clause]);
  }
  return [...byMethod]
    .map(([index, clauses]) => `${titleOf(result, index)} is best by ${inWords(clauses)}`)
    .join('; ');
}
