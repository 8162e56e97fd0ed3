import { goesTrue, type LeafNode, leafValue, type TreeEnsemble, type TreeNode } from './treeEnsemble.js';

/** Whose Shapley values are worked out: one output of the trees, with features put together into players. */
export interface TreeGame {
  readonly ensemble: TreeEnsemble;
  readonly target: number;
  /** Player of every feature; negative where the feature is never absent. */
  readonly players: Int32Array;
}

/** A row, and the row that stands for what is absent. */
export interface RowPair {
  readonly row: ArrayLike<number>;
  readonly background: ArrayLike<number>;
  /** Factor of all shares. */
  readonly weight: number;
}

const Source = { Open: 0, Row: 1, Background: 2 } as const;

/**
 * Adds the exact Shapley values of the game v(S) = f(players in S from the row, all others from the background row) to
 * `shares`, times its weight.
 *
 * Every tree is walked once. Where row and background part ways at a player, both ways are followed, and the player
 * belongs to the row or to the background from there on. A leaf reached with u players of the row and w of the background
 * counts for the coalitions that hold the former and not the latter, so each of the row's players gets
 * value · (u − 1)! w! / (u + w)! and each of the background's −value · u! (w − 1)! / (u + w)!.
 *
 * Source: Lundberg et al. (2020), "From local explanations to global understanding with explainable AI for trees",
 * https://doi.org/10.1038/s42256-019-0138-9, where trees are walked in the same way.
 */
export function addInterventionalShares(shares: Float64Array, game: TreeGame, pair: RowPair): void {
  const walk: Walk = { shares, game, pair, sources: new Uint8Array(shares.length), chosen: [] };
  for (const root of game.ensemble.roots) follow(walk, root, 0, 0);
}

interface Walk {
  readonly shares: Float64Array;
  readonly game: TreeGame;
  readonly pair: RowPair;
  /** Where the value of each player comes from on this path. */
  readonly sources: Uint8Array;
  /** Players that belong to the row or the background on this path. */
  readonly chosen: number[];
}

function follow(walk: Walk, node: TreeNode, rowCount: number, backgroundCount: number): void {
  if (node.kind === 'leaf') {
    addLeaf(walk, node, rowCount, backgroundCount);
    return;
  }
  const { sources, chosen, pair } = walk;
  const { feature } = node;
  const player = walk.game.players[feature] ?? -1;
  const source = player < 0 ? Source.Row : sources[player];
  const byRow = goesTrue(node, pair.row[feature] ?? NaN) ? node.whenTrue : node.whenFalse;
  const byBackground = goesTrue(node, pair.background[feature] ?? NaN) ? node.whenTrue : node.whenFalse;
  if (source === Source.Row || byRow === byBackground) {
    follow(walk, byRow, rowCount, backgroundCount);
    return;
  }
  if (source === Source.Background) {
    follow(walk, byBackground, rowCount, backgroundCount);
    return;
  }
  chosen.push(player);
  sources[player] = Source.Row;
  follow(walk, byRow, rowCount + 1, backgroundCount);
  sources[player] = Source.Background;
  follow(walk, byBackground, rowCount, backgroundCount + 1);
  sources[player] = Source.Open;
  chosen.pop();
}

function addLeaf(
  { shares, game, pair, sources, chosen }: Walk,
  leaf: LeafNode,
  rowCount: number,
  backgroundCount: number,
): void {
  const value = leafValue(game.ensemble, leaf, game.target) * pair.weight;
  const [gain, loss] = leafFactors(rowCount, backgroundCount);
  for (const player of chosen) {
    const factor = sources[player] === Source.Row ? gain : -loss;
    shares[player] = (shares[player] ?? 0) + value * factor;
  }
}

/** (u − 1)! w! / (u + w)! and u! (w − 1)! / (u + w)!, as 1 / (u · C(u + w, u)) and 1 / (w · C(u + w, w)). */
function leafFactors(u: number, w: number): readonly [number, number] {
  let binomial = 1;
  for (let i = 1; i <= u; i++) binomial = (binomial * (w + i)) / i;
  return [u === 0 ? 0 : 1 / (u * binomial), w === 0 ? 0 : 1 / (w * binomial)];
}
