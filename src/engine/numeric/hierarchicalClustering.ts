/** A cluster: one item, or two clusters that were joined at a height. */
export interface Cluster {
  /** Items, in ascending order. */
  readonly items: readonly number[];
  /** Largest dissimilarity of two of its items; 0 for one item. */
  readonly height: number;
  readonly parts: readonly [Cluster, Cluster] | undefined;
}

/**
 * Joins items into one cluster step by step, always the two clusters whose most dissimilar items are nearest (complete
 * linkage), so that a cluster's height bounds the dissimilarity of any two of its items. Ties go to the smaller numbers.
 *
 * Costs n³ at most, for a symmetric matrix `[n, n]`.
 */
export function clusterCompletely(dissimilarities: Float64Array, n: number): Cluster {
  let clusters = Array.from({ length: n }, (_, item): Cluster => ({
    items: [item],
    height: 0,
    parts: undefined,
  }));
  if (n === 0) throw new Error('There is nothing to cluster.');
  const between = Float64Array.from(dissimilarities);
  // Row of the matrix that holds a cluster's distances: that of its first item.
  while (clusters.length > 1) {
    let best: readonly [Cluster, Cluster] | undefined;
    let least = Infinity;
    for (const [i, a] of clusters.entries()) {
      for (const b of clusters.slice(i + 1)) {
        const distance = between[a.items[0]! * n + b.items[0]!]!;
        if (best !== undefined && distance >= least) continue;
        best = [a, b];
        least = distance;
      }
    }
    const [a, b] = best!;
    for (const { items } of clusters) {
      const [k, i, j] = [items[0]!, a.items[0]!, b.items[0]!];
      const farthest = Math.max(between[k * n + i]!, between[k * n + j]!);
      between[k * n + i] = farthest;
      between[i * n + k] = farthest;
    }
    const items = [...a.items, ...b.items].sort((x, y) => x - y);
    const joined: Cluster = { items, height: least, parts: [a, b] };
    clusters = clusters.flatMap((cluster) => (cluster === a ? [joined] : cluster === b ? [] : [cluster]));
  }
  return clusters[0]!;
}

/** Returns the largest clusters whose height does not exceed a bound, ordered by their first item. */
export function cutAtHeight(root: Cluster, height: number): readonly Cluster[] {
  if (root.height <= height || root.parts === undefined) return [root];
  return root.parts.flatMap((part) => cutAtHeight(part, height)).sort((a, b) => a.items[0]! - b.items[0]!);
}
