import type { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Attribute } from '../../src/onnx/model.js';
import type { GrownNode } from './boosting.js';

interface PlacedNode {
  readonly tree: number;
  readonly id: number;
  readonly node: GrownNode;
  yes: number;
  no: number;
}

/** Appends grown trees as one TreeEnsembleRegressor, covers included, and returns its output. */
export function layTrees(
  builder: GraphBuilder,
  trees: readonly GrownNode[],
  at: {
    readonly name: string;
    readonly input: string;
    readonly output: string;
    readonly baseValues: readonly number[];
  },
): string {
  const placed = trees.flatMap((root, tree) => placeTree(root, tree));
  const leaves = placed.flatMap(({ tree, id, node }) =>
    node.kind === 'leaf' ? node.weights.map((weight, target) => ({ tree, id, target, weight })) : [],
  );
  const ofSplit = (pick: (node: Extract<GrownNode, { kind: 'split' }>) => number): number[] =>
    placed.map(({ node }) => (node.kind === 'split' ? pick(node) : 0));
  return builder.node('TreeEnsembleRegressor', [at.input], {
    domain: 'ai.onnx.ml',
    name: at.name,
    outputs: [at.output],
    attributes: {
      n_targets: at.baseValues.length,
      base_values: floats(at.baseValues),
      nodes_treeids: ints(placed.map(({ tree }) => tree)),
      nodes_nodeids: ints(placed.map(({ id }) => id)),
      nodes_featureids: ints(ofSplit(({ feature }) => feature)),
      nodes_values: floats(ofSplit(({ threshold }) => threshold)),
      nodes_hitrates: floats(placed.map(({ node }) => node.cover)),
      nodes_modes: {
        kind: 'strings',
        value: placed.map(({ node }) => (node.kind === 'split' ? 'BRANCH_LEQ' : 'LEAF')),
      },
      nodes_truenodeids: ints(placed.map(({ yes }) => yes)),
      nodes_falsenodeids: ints(placed.map(({ no }) => no)),
      nodes_missing_value_tracks_true: ints(placed.map(() => 0)),
      target_treeids: ints(leaves.map(({ tree }) => tree)),
      target_nodeids: ints(leaves.map(({ id }) => id)),
      target_ids: ints(leaves.map(({ target }) => target)),
      target_weights: floats(leaves.map(({ weight }) => weight)),
    },
  });
}

function placeTree(root: GrownNode, tree: number): PlacedNode[] {
  const placed: PlacedNode[] = [];
  const place = (node: GrownNode): number => {
    const entry: PlacedNode = { tree, id: placed.length, node, yes: 0, no: 0 };
    placed.push(entry);
    if (node.kind === 'split') {
      entry.yes = place(node.yes);
      entry.no = place(node.no);
    }
    return entry.id;
  };
  place(root);
  return placed;
}

function floats(value: readonly number[]): Attribute {
  return { kind: 'floats', value };
}

function ints(value: readonly number[]): Attribute {
  return { kind: 'ints', value: value.map(BigInt) };
}
