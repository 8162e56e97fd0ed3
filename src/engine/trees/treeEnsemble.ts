/** How a node compares a feature with its threshold to choose the true branch. */
export type BranchMode = 'leq' | 'lt' | 'gte' | 'gt' | 'eq' | 'neq' | 'member';

/** A node that asks about one feature. */
export interface BranchNode {
  readonly kind: 'branch';
  readonly feature: number;
  readonly mode: BranchMode;
  readonly threshold: number;
  /** Values of a `member` test. */
  readonly members: ReadonlySet<number> | undefined;
  /** Where NaN goes. */
  readonly isMissingTrue: boolean;
  readonly whenTrue: TreeNode;
  readonly whenFalse: TreeNode;
  /** Training samples that came by, or whatever the exporter wrote; undefined where it wrote nothing. */
  readonly cover: number | undefined;
}

/** The end of a path: what it adds to each output. */
export interface LeafNode {
  readonly kind: 'leaf';
  /** Output and weight. */
  readonly weights: readonly (readonly [target: number, weight: number])[];
  readonly cover: number | undefined;
}

/** A node of a tree. */
export type TreeNode = BranchNode | LeafNode;

/** Trees whose leaves are added up: `TreeEnsembleRegressor`, `TreeEnsembleClassifier`, `TreeEnsemble`. */
export interface TreeEnsemble {
  readonly roots: readonly TreeNode[];
  readonly targetCount: number;
  /** Factor of every leaf: 1, or 1 / trees when they are averaged. */
  readonly scale: number;
  /** The one score of a two-class model stands for class 1, and class 0 falls as it rises. */
  readonly isOneScoreForTwo: boolean;
}

/** Returns whether a value takes the true branch. */
export function goesTrue(node: BranchNode, value: number): boolean {
  if (Number.isNaN(value)) return node.isMissingTrue;
  switch (node.mode) {
    case 'leq':
      return value <= node.threshold;
    case 'lt':
      return value < node.threshold;
    case 'gte':
      return value >= node.threshold;
    case 'gt':
      return value > node.threshold;
    case 'eq':
      return value === node.threshold;
    case 'neq':
      return value !== node.threshold;
    case 'member':
      return node.members?.has(value) ?? false;
  }
}

/** Returns what a leaf adds to one output. */
export function leafValue(ensemble: TreeEnsemble, leaf: LeafNode, target: number): number {
  const isMirrored = ensemble.isOneScoreForTwo && target === 0;
  const stored = ensemble.isOneScoreForTwo ? undefined : target;
  let sum = 0;
  for (const [at, weight] of leaf.weights) if (stored === undefined || at === stored) sum += weight;
  return (isMirrored ? -sum : sum) * ensemble.scale;
}

/** Returns the sum of the leaves that a row reaches, without base values. */
export function sumOfLeaves(ensemble: TreeEnsemble, row: ArrayLike<number>, target: number): number {
  let sum = 0;
  for (const root of ensemble.roots) {
    let node = root;
    while (node.kind === 'branch') {
      node = goesTrue(node, row[node.feature] ?? NaN) ? node.whenTrue : node.whenFalse;
    }
    sum += leafValue(ensemble, node, target);
  }
  return sum;
}
