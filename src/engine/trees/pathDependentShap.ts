import type { TreeGame } from './interventionalShap.js';
import { goesTrue, leafValue, type TreeEnsemble, type TreeNode } from './treeEnsemble.js';

/** Covers of children may differ from that of their parent by this share: exporters store them in float32. */
const coverTolerance = 1e-3;

/** Returns why the covers of an ensemble cannot serve as weights, or undefined when they can. */
export function coverProblem({ roots }: TreeEnsemble): 'missing' | 'constant' | 'inconsistent' | undefined {
  const nodes = roots.flatMap((root) => allNodes(root));
  const covers = nodes.map(({ cover }) => cover);
  if (covers.includes(undefined)) return 'missing';
  if (covers.length > 1 && covers.every((cover) => cover === covers[0])) return 'constant';
  return nodes.every(addsUp) ? undefined : 'inconsistent';
}

function allNodes(node: TreeNode): TreeNode[] {
  return node.kind === 'leaf' ? [node] : [node, ...allNodes(node.whenTrue), ...allNodes(node.whenFalse)];
}

/** Whether the covers of a node's branches are none of them negative and give its own together. */
function addsUp(node: TreeNode): boolean {
  if (node.kind === 'leaf') return true;
  const [cover, left, right] = [node.cover ?? NaN, node.whenTrue.cover ?? NaN, node.whenFalse.cover ?? NaN];
  return cover > 0 && left >= 0 && right >= 0 && Math.abs(left + right - cover) <= coverTolerance * cover;
}

/** A player on a path: whether the row passes all of its conditions, and the share of training samples that do. */
interface PathPlayer {
  readonly player: number;
  readonly passes: boolean;
  readonly share: number;
}

/**
 * Adds the exact Shapley values of the game in which absent players follow both branches in proportion to their covers, and
 * returns what the trees give when all players are absent.
 *
 * A leaf at the end of a path with players j adds value · Π_{j ∈ S} passesⱼ · Π_{j ∉ S} shareⱼ to v(S), so player i gets
 * value · (passesᵢ − shareᵢ) · Σ_k k! (d − 1 − k)! / d! · e_k, e_k being the coefficient of tᵏ in Π_{j ≠ i} (passesⱼ t +
 * shareⱼ). Costs O(leaves · depth³).
 *
 * Source: Lundberg, Erion & Lee (2018), "Consistent Individualized Feature Attribution for Tree Ensembles",
 * https://arxiv.org/abs/1802.03888. Differs: the polynomial of every leaf is multiplied out, where the paper
 * grows and unwinds it along the path; no division is needed, and the result is the same.
 */
export function addPathDependentShares(
  shares: Float64Array,
  { ensemble, target, players }: TreeGame,
  row: ArrayLike<number>,
): number {
  let expected = 0;
  const walk = (node: TreeNode, path: readonly PathPlayer[]): void => {
    if (node.kind === 'leaf') {
      const value = leafValue(ensemble, node, target);
      expected += value * path.reduce((product, { share }) => product * share, 1);
      addLeaf(shares, path, value);
      return;
    }
    const isTrue = goesTrue(node, row[node.feature] ?? NaN);
    const player = players[node.feature] ?? -1;
    for (const [child, passes] of [
      [node.whenTrue, isTrue],
      [node.whenFalse, !isTrue],
    ] as const) {
      if (player < 0) {
        if (passes) walk(child, path);
        continue;
      }
      const share = (child.cover ?? NaN) / (node.cover ?? NaN);
      const known = path.find((step) => step.player === player);
      const step = {
        player,
        passes: passes && (known?.passes ?? true),
        share: share * (known?.share ?? 1),
      };
      walk(child, [...path.filter((other) => other.player !== player), step]);
    }
  };
  for (const root of ensemble.roots) walk(root, []);
  return expected;
}

function addLeaf(shares: Float64Array, path: readonly PathPlayer[], value: number): void {
  const depth = path.length;
  for (const { player, passes, share } of path) {
    let coefficients = [1];
    for (const other of path) {
      if (other.player === player) continue;
      const next = new Array<number>(coefficients.length + 1).fill(0);
      for (const [power, coefficient] of coefficients.entries()) {
        next[power] = (next[power] ?? 0) + coefficient * other.share;
        if (other.passes) next[power + 1] = (next[power + 1] ?? 0) + coefficient;
      }
      coefficients = next;
    }
    // k! (d − 1 − k)! / d! = 1 / (d · C(d − 1, k)).
    let binomial = 1;
    let sum = 0;
    for (const [power, coefficient] of coefficients.entries()) {
      sum += coefficient / (depth * binomial);
      binomial *= (depth - 1 - power) / (power + 1);
    }
    shares[player] = (shares[player] ?? 0) + value * (Number(passes) - share) * sum;
  }
}
