import {
  leafValue,
  type BranchNode,
  type LeafNode,
  type TreeEnsemble,
  type TreeNode,
} from './treeEnsemble.js';

/** What a tree is made of. */
export interface TreeFacts {
  /** Questions on the longest way to a leaf. */
  readonly depth: number;
  readonly splitCount: number;
  readonly leafCount: number;
  /** Questions by feature. */
  readonly splitsByFeature: ReadonlyMap<number, number>;
  /** Outputs that at least one leaf adds something other than zero to. */
  readonly targets: ReadonlySet<number>;
}

/** Returns what a tree is made of; a node that two branches lead to counts twice, as it is met twice. */
export function describeTree(ensemble: TreeEnsemble, root: TreeNode): TreeFacts {
  const splitsByFeature = new Map<number, number>();
  const targets = new Set<number>();
  let [depth, splitCount, leafCount] = [0, 0, 0];
  walkTree(root, (node, level) => {
    if (node.kind === 'branch') {
      splitCount++;
      splitsByFeature.set(node.feature, (splitsByFeature.get(node.feature) ?? 0) + 1);
      return;
    }
    leafCount++;
    depth = Math.max(depth, level);
    for (let target = 0; target < ensemble.targetCount; target++) {
      if (leafValue(ensemble, node, target) !== 0) targets.add(target);
    }
  });
  return { depth, splitCount, leafCount, splitsByFeature, targets };
}

/** Visits every node with its level, parents first. */
export function walkTree(root: TreeNode, visit: (node: TreeNode, level: number) => void): void {
  const open: [node: TreeNode, level: number][] = [[root, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, level] = next;
    visit(node, level);
    if (node.kind === 'branch') open.push([node.whenFalse, level + 1], [node.whenTrue, level + 1]);
  }
}

/**
 * Returns how much of each output's variance over the training samples the splits of each feature explain, `[targets][features]`:
 * Σ over splits of share of samples · p_true · p_false · (mean below true − mean below false)².
 *
 * Takes covers for counts of training samples, so it is only for ensembles whose covers add up. The gain that training saw is
 * not stored in ONNX; this one is of the trees' own output, tree by tree.
 */
export function varianceGains(ensemble: TreeEnsemble, featureCount: number): Float64Array[] {
  const gains = Array.from({ length: ensemble.targetCount }, () => new Float64Array(featureCount));
  for (const root of ensemble.roots) {
    const total = root.cover ?? NaN;
    means(root, { ensemble, total, gains });
  }
  return gains;
}

interface GainWork {
  readonly ensemble: TreeEnsemble;
  readonly total: number;
  readonly gains: readonly Float64Array[];
}

/** Returns the mean output below a node, and adds its splits' gains. */
function means(node: TreeNode, work: GainWork): readonly number[] {
  if (node.kind === 'leaf') return leafMeans(work.ensemble, node);
  const [whenTrue, whenFalse] = [means(node.whenTrue, work), means(node.whenFalse, work)];
  const share = shareOfTrue(node);
  const weight = ((node.cover ?? NaN) / work.total) * share * (1 - share);
  return whenTrue.map((mean, target) => {
    const other = whenFalse[target] ?? 0;
    const ofTarget = work.gains[target];
    if (ofTarget !== undefined) {
      ofTarget[node.feature] = (ofTarget[node.feature] ?? 0) + weight * (mean - other) ** 2;
    }
    return share * mean + (1 - share) * other;
  });
}

function leafMeans(ensemble: TreeEnsemble, leaf: LeafNode): readonly number[] {
  return Array.from({ length: ensemble.targetCount }, (_, target) => leafValue(ensemble, leaf, target));
}

function shareOfTrue(node: BranchNode): number {
  return (node.whenTrue.cover ?? NaN) / (node.cover ?? NaN);
}
