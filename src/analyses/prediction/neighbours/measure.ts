import { argmax } from '../../../engine/numeric/vectors.js';
import { type Vote, type Voting, voteOf, type RowFeatures } from './votes.js';

/** The share of rows for which a probability is largest at their label. */
export function accuracyOf(probabilities: readonly Float64Array[], labels: ArrayLike<number>): number {
  const right = probabilities.filter((own, row) => argmax(own) === labels[row]).length;
  return right / probabilities.length;
}

/** Returns scores as probabilities: as they are where they sum to one, by softmax otherwise. */
export function probabilitiesOf(scores: Float64Array): Float64Array {
  const sum = scores.reduce((all, score) => all + score, 0);
  if (scores.every((score) => score >= 0) && Math.abs(sum - 1) < 1e-3) return scores;
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  const raw = scores.map((score) => Math.exp(score - largest));
  const total = raw.reduce((all, value) => all + value, 0);
  return raw.map((value) => value / total);
}

/** Returns the vote on every query. */
export function votesOn(queries: RowFeatures, support: RowFeatures, voting: Voting): Vote[] {
  return queries.map((query) => voteOf(query, support, voting));
}

/** A mixture λ · vote + (1 − λ) · model with its accuracy. */
export interface Mixture {
  readonly lambda: number;
  readonly accuracy: number;
}

/** How well mixtures of vote and model do. */
export interface Interpolation {
  readonly mixtures: readonly Mixture[];
  /** The smallest λ of the highest accuracy on all queries. */
  readonly best: number;
  /** Accuracy where λ is chosen on every other query and used on the rest, both ways. */
  readonly crossFitted: number;
}

const lambdas = Array.from({ length: 21 }, (_, i) => i / 20);

/** Returns the accuracy of λ · vote + (1 − λ) · model for λ from 0 to 1. */
export function interpolate(
  votes: readonly Float64Array[],
  model: readonly Float64Array[],
  labels: ArrayLike<number>,
): Interpolation {
  // Rows that are right, by λ: the even ones and the odd ones.
  const right = lambdas.map((lambda) => {
    const counts: [number, number] = [0, 0];
    for (const [row, own] of votes.entries()) {
      const mixed = own.map((p, c) => lambda * p + (1 - lambda) * (model[row]?.[c] ?? 0));
      if (argmax(mixed) === labels[row]) counts[row % 2 === 0 ? 0 : 1]++;
    }
    return counts;
  });
  const all = right.map(([even, odd]) => even + odd);
  const [bestOfEven, bestOfOdd] = [argmax(right.map(([even]) => even)), argmax(right.map(([, odd]) => odd))];
  return {
    mixtures: lambdas.map((lambda, i) => ({ lambda, accuracy: (all[i] ?? 0) / votes.length })),
    best: lambdas[argmax(all)] ?? 0,
    crossFitted: ((right[bestOfEven]?.[1] ?? 0) + (right[bestOfOdd]?.[0] ?? 0)) / votes.length,
  };
}

/** What a vote is when only one environment votes. */
export interface EnvironmentVote {
  readonly environment: number;
  readonly supportCount: number;
  readonly accuracy: number;
  /** Share of queries that get another class than from the whole support set. */
  readonly changedShare: number;
}

/** Returns the votes of each environment of the support set, smallest number first. */
export function votesByEnvironment(
  queries: RowFeatures,
  support: RowFeatures,
  given: {
    readonly voting: Voting;
    readonly environments: Float64Array;
    readonly queryLabels: ArrayLike<number>;
  },
): EnvironmentVote[] {
  const { voting, environments, queryLabels } = given;
  const whole = votesOn(queries, support, voting).map(({ probabilities }) => argmax(probabilities));
  return [...new Set(environments)]
    .sort((a, b) => a - b)
    .map((environment) => {
      const allowed = (row: number): boolean => environments[row] === environment;
      const votes = votesOn(queries, support, { ...voting, allowed }).map(
        ({ probabilities }) => probabilities,
      );
      return {
        environment,
        supportCount: environments.filter((own) => own === environment).length,
        accuracy: accuracyOf(votes, queryLabels),
        changedShare: votes.filter((own, row) => argmax(own) !== whole[row]).length / votes.length,
      };
    });
}
