import { argmax } from '../numeric/vectors.js';

/** A node of a classification tree that was fitted to rows. */
export type FittedNode = FittedSplit | FittedLeaf;

/** Rows with `feature` up to `threshold` go below, the others above. */
export interface FittedSplit {
  readonly kind: 'split';
  readonly feature: number;
  readonly threshold: number;
  readonly below: FittedNode;
  readonly above: FittedNode;
}

/** Where rows end. */
export interface FittedLeaf {
  readonly kind: 'leaf';
  readonly class: number;
  /** Rows that were fitted, by class. */
  readonly counts: Float64Array;
}

/** Rows to fit. */
export interface FitRows {
  /** Features of every row, `[rows][features]`. */
  readonly features: readonly Float64Array[];
  /** Class of every row, 0 … classCount − 1. */
  readonly classes: ArrayLike<number>;
  readonly classCount: number;
  /** Indices of the rows that are fitted. */
  readonly rows: readonly number[];
}

/** How large a tree may grow. */
export interface TreeLimits {
  /** Splits from the root to a leaf, at most. */
  readonly depth: number;
  /** Rows in a leaf, at least. */
  readonly leafRows: number;
  /** Whether splits whose leaves all say one class stay, because their counts are what matters; default no. */
  readonly keepsAlike?: boolean;
}

/** Decreases of impurity up to this are rounding. */
const leastGain = 1e-9;

/**
 * Returns a classification tree: each split takes the feature and the threshold, midway between two neighbouring values, that
 * leave the least Gini impurity Σ_c p_c (1 − p_c), weighted by rows. Of equal ones the first feature and the lowest threshold
 * win. Splits whose leaves all say one class are left out, unless they are to stay.
 *
 * Features are sorted once; a node costs rows × features. Rows whose feature is NaN go above.
 *
 * Source: Breiman, Friedman, Olshen & Stone (1984), "Classification and Regression Trees".
 */
export function fitTree(data: FitRows, limits: TreeLimits): FittedNode {
  const featureCount = data.features[0]?.length ?? 0;
  const orders = Array.from({ length: featureCount }, (_, feature) => orderOf(data, feature));
  const tree = grow(data, { ...limits, orders });
  return limits.keepsAlike === true ? tree : simplified(tree);
}

/**
 * Returns the tree with the same features at the same places, its thresholds and classes fitted to other rows; a split that
 * no rows, or only rows of one value, reach keeps its threshold and, where no rows do, its classes.
 */
export function refitTree(tree: FittedNode, data: FitRows): FittedNode {
  const { rows } = data;
  if (rows.length === 0) return tree;
  if (tree.kind === 'leaf') return leafOf(data);
  const best = bestOf(data, [{ feature: tree.feature, order: orderOf(data, tree.feature) }], 1);
  const split = { ...tree, threshold: best?.threshold ?? tree.threshold };
  return {
    ...split,
    below: refitTree(tree.below, {
      ...data,
      rows: rows.filter((row) => goesBelow(split, data.features[row])),
    }),
    above: refitTree(tree.above, {
      ...data,
      rows: rows.filter((row) => !goesBelow(split, data.features[row])),
    }),
  };
}

/** Returns the leaf that a row ends in. */
export function leafFor(tree: FittedNode, features: ArrayLike<number>): FittedLeaf {
  let node = tree;
  while (node.kind === 'split') node = goesBelow(node, features) ? node.below : node.above;
  return node;
}

/** A condition on the way to a leaf: the feature is above a number, up to one, or between two. */
export interface PathCondition {
  readonly feature: number;
  /** −∞ where there is none. */
  readonly above: number;
  /** ∞ where there is none. */
  readonly upTo: number;
}

/** A leaf with the conditions that lead to it, one a feature, from the root on. */
export interface LeafPath {
  readonly leaf: FittedLeaf;
  readonly conditions: readonly PathCondition[];
}

/** Returns every leaf with its conditions, those below a threshold first. */
export function leafPaths(tree: FittedNode): readonly LeafPath[] {
  return pathsFrom(tree, new Map());
}

function pathsFrom(node: FittedNode, conditions: ReadonlyMap<number, PathCondition>): LeafPath[] {
  if (node.kind === 'leaf') return [{ leaf: node, conditions: [...conditions.values()] }];
  const { feature, threshold } = node;
  const known = conditions.get(feature) ?? { feature, above: -Infinity, upTo: Infinity };
  const below = { ...known, upTo: Math.min(known.upTo, threshold) };
  const above = { ...known, above: Math.max(known.above, threshold) };
  return [
    ...pathsFrom(node.below, new Map(conditions).set(feature, below)),
    ...pathsFrom(node.above, new Map(conditions).set(feature, above)),
  ];
}

function goesBelow({ feature, threshold }: FittedSplit, features: ArrayLike<number> | undefined): boolean {
  return (features?.[feature] ?? NaN) <= threshold;
}

function orderOf({ features, rows }: FitRows, feature: number): readonly number[] {
  const valueOf = (row: number): number => features[row]?.[feature] ?? NaN;
  return rows.filter((row) => !Number.isNaN(valueOf(row))).sort((a, b) => valueOf(a) - valueOf(b) || a - b);
}

interface Growth extends TreeLimits {
  /** Rows by each feature, smallest first. */
  readonly orders: readonly (readonly number[])[];
}

function grow(data: FitRows, growth: Growth): FittedNode {
  const leaf = leafOf(data);
  const isPure = leaf.counts.filter((count) => count > 0).length <= 1;
  if (isPure || growth.depth === 0) return leaf;
  const inNode = new Set(data.rows);
  const candidates = growth.orders.map((order, feature) => ({
    feature,
    order: order.filter((row) => inNode.has(row)),
  }));
  const best = bestOf(data, candidates, growth.leafRows);
  if (best === undefined) return leaf;
  const split = { kind: 'split', ...best, below: leaf, above: leaf } as const;
  const deeper = { ...growth, depth: growth.depth - 1 };
  return {
    ...split,
    below: grow({ ...data, rows: data.rows.filter((row) => goesBelow(split, data.features[row])) }, deeper),
    above: grow({ ...data, rows: data.rows.filter((row) => !goesBelow(split, data.features[row])) }, deeper),
  };
}

function leafOf({ rows, classes, classCount }: FitRows): FittedLeaf {
  const counts = countsOf(rows, classes, classCount);
  return { kind: 'leaf', class: argmax(counts), counts };
}

function countsOf(rows: readonly number[], classes: ArrayLike<number>, classCount: number): Float64Array {
  const counts = new Float64Array(classCount);
  for (const row of rows) {
    const label = classes[row] ?? -1;
    counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}

interface Candidate {
  readonly feature: number;
  readonly order: readonly number[];
}

/** The split that lowers impurity most; undefined where none does. */
function bestOf(
  data: FitRows,
  candidates: readonly Candidate[],
  leafRows: number,
): { readonly feature: number; readonly threshold: number } | undefined {
  const { features, classes, rows, classCount } = data;
  const all = countsOf(rows, classes, classCount);
  let best: { feature: number; threshold: number } | undefined;
  let least = impurity(all, rows.length) - leastGain;
  for (const { feature, order } of candidates) {
    const below = new Float64Array(classCount);
    const above = all.slice();
    for (const [index, row] of order.slice(0, -1).entries()) {
      const label = classes[row] ?? 0;
      below[label] = (below[label] ?? 0) + 1;
      above[label] = (above[label] ?? 0) - 1;
      const [value, next] = [
        features[row]?.[feature] ?? NaN,
        features[order[index + 1] ?? row]?.[feature] ?? NaN,
      ];
      const belowCount = index + 1;
      if (!(next > value) || belowCount < leafRows || rows.length - belowCount < leafRows) continue;
      const left = impurity(below, belowCount) + impurity(above, rows.length - belowCount);
      if (left >= least - leastGain) continue;
      least = left;
      best = { feature, threshold: value + (next - value) / 2 };
    }
  }
  return best;
}

/** n · Σ_c p_c (1 − p_c) = n − Σ_c n_c² / n. */
function impurity(counts: Float64Array, total: number): number {
  return total === 0 ? 0 : total - counts.reduce((sum, count) => sum + count * count, 0) / total;
}

/** Joins leaves that say the same. */
function simplified(node: FittedNode): FittedNode {
  if (node.kind === 'leaf') return node;
  const [below, above] = [simplified(node.below), simplified(node.above)];
  if (below.kind !== 'leaf' || above.kind !== 'leaf' || below.class !== above.class) {
    return { ...node, below, above };
  }
  return {
    kind: 'leaf',
    class: below.class,
    counts: below.counts.map((count, label) => count + (above.counts[label] ?? 0)),
  };
}
