/** Features of rows, `[rows][units]`. */
export type RowFeatures = readonly Float64Array[];

/** How far two rows are apart. */
export type DistanceName = 'euclidean' | 'cosine';

/** A row of the support set with its weight in a vote. */
export interface Neighbour {
  readonly support: number;
  readonly distance: number;
  readonly weight: number;
}

/** A vote: the probability of each class, and who voted, heaviest first. */
export interface Vote {
  readonly probabilities: Float64Array;
  readonly neighbours: readonly Neighbour[];
}

/** How a vote is taken. */
export interface Voting {
  readonly labels: ArrayLike<number>;
  readonly classCount: number;
  readonly distance: DistanceName;
  /** Rows that vote: the nearest so many; all of the support set where it is undefined. */
  readonly k: number | undefined;
  /** Weights are exp(−distance / temperature); all alike where it is undefined. */
  readonly temperature: number | undefined;
  /** Support rows that may vote; default all. */
  readonly allowed?: ((support: number) => boolean) | undefined;
}

/**
 * Returns the vote of the support rows on one row: p(c) = Σ w_i 1[y_i = c] / Σ w_i over those that vote.
 *
 * The nearest k alike are k-NN; all of them with w = exp(−d/τ) are the Nadaraya–Watson estimate, a softmax of −d/τ. Rows
 * equally far are taken in the order of the support set.
 */
export function voteOf(query: Float64Array, support: RowFeatures, voting: Voting): Vote {
  const { labels, classCount, k, temperature, allowed = () => true } = voting;
  const distanceOf = voting.distance === 'cosine' ? cosine : euclidean;
  const near = support
    .map((row, index) => ({ support: index, distance: distanceOf(query, row) }))
    .filter((one) => allowed(one.support))
    .sort((a, b) => a.distance - b.distance || a.support - b.support)
    .slice(0, k);
  const least = near[0]?.distance ?? 0;
  // Taken from the least, so that far queries do not all get a weight of zero.
  const raw = near.map(({ distance }) =>
    temperature === undefined ? 1 : Math.exp(-(distance - least) / temperature),
  );
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const probabilities = new Float64Array(classCount);
  const neighbours = near.map((one, i) => ({ ...one, weight: (raw[i] ?? 0) / total }));
  for (const { support: index, weight } of neighbours) {
    const label = labels[index] ?? -1;
    probabilities[label] = (probabilities[label] ?? 0) + weight;
  }
  return { probabilities, neighbours };
}

function euclidean(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (const [i, value] of a.entries()) sum += (value - (b[i] ?? NaN)) ** 2;
  return Math.sqrt(sum);
}

/** 1 − cosine; 1 for a row of zeros. */
function cosine(a: Float64Array, b: Float64Array): number {
  let [dot, squareA, squareB] = [0, 0, 0];
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? NaN;
    dot += value * other;
    squareA += value ** 2;
    squareB += other ** 2;
  }
  return squareA === 0 || squareB === 0 ? 1 : 1 - dot / Math.sqrt(squareA * squareB);
}
