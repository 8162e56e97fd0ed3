import { type GraphTree, type ItemId, rootId } from './graphTree.js';

/**
 * One end of an edge as the box around it sees it: a box inside, or the border of the box itself. `port` tells where on the
 * border: edges leave a box by what they come from inside and enter it by where they come from outside, so that each
 * value crosses a border once.
 */
export interface EdgeEnd {
  /** A child; absent for the border of the box around. */
  readonly item: ItemId | undefined;
  /** Names a place on the border of the child, or of the box around; absent for a node, which has none. */
  readonly port: string | undefined;
}

/** An edge between what is directly inside one box. */
export interface LevelEdge {
  /** Unique in its box. */
  readonly key: string;
  readonly from: EdgeEnd;
  readonly to: EdgeEnd;
}

/** Where one value goes from one node to another. */
export interface LeafEdge {
  readonly from: ItemId;
  readonly to: ItemId;
}

/** The edges of a graph as each box sees them. */
export class LevelEdges {
  /** From node to node. */
  readonly leaves: readonly LeafEdge[];
  private readonly byBox = new Map<ItemId, Map<string, LevelEdge>>();

  constructor(private readonly tree: GraphTree) {
    this.leaves = leafEdges(tree);
    for (const leaf of this.leaves) {
      for (const { box, edge } of this.steps(leaf)) {
        const edges = this.byBox.get(box);
        if (edges === undefined) this.byBox.set(box, new Map([[edge.key, edge]]));
        else edges.set(edge.key, edge);
      }
    }
  }

  /** Returns the edges directly inside a box. */
  inside(box: ItemId): readonly LevelEdge[] {
    return [...(this.byBox.get(box)?.values() ?? [])];
  }

  /**
   * Returns how an edge from node to node goes, box by box: out of the boxes around its source, across the box that holds
   * both, into the boxes around its target.
   */
  steps({ from, to }: LeafEdge): { readonly box: ItemId; readonly edge: LevelEdge }[] {
    const [outward, inward] = [this.tree.path(from), this.tree.path(to)];
    let shared = 0;
    while (outward[shared + 1] === inward[shared + 1] && shared + 1 < outward.length) shared++;
    const at = (path: readonly ItemId[], depth: number): ItemId => path[depth] ?? rootId;
    const leave = (depth: number): string | undefined =>
      depth + 1 < outward.length ? `o${String(at(outward, depth + 1))}` : undefined;
    const source = at(outward, shared + 1);
    const enter = `i${String(source)}`;
    const entered = (depth: number): string | undefined => (depth + 1 < inward.length ? enter : undefined);
    const steps = [];
    for (let depth = outward.length - 2; depth > shared; depth--) {
      steps.push({
        box: at(outward, depth),
        edge: levelEdge(
          { item: at(outward, depth + 1), port: leave(depth + 1) },
          { item: undefined, port: leave(depth) },
        ),
      });
    }
    steps.push({
      box: at(outward, shared),
      edge: levelEdge(
        { item: source, port: leave(shared + 1) },
        { item: at(inward, shared + 1), port: entered(shared + 1) },
      ),
    });
    for (let depth = shared + 1; depth < inward.length - 1; depth++) {
      steps.push({
        box: at(inward, depth),
        edge: levelEdge(
          { item: undefined, port: enter },
          { item: at(inward, depth + 1), port: entered(depth + 1) },
        ),
      });
    }
    return steps;
  }
}

function levelEdge(from: EdgeEnd, to: EdgeEnd): LevelEdge {
  return { key: `${endKey(from)}>${endKey(to)}`, from, to };
}

function endKey({ item, port }: EdgeEnd): string {
  return `${String(item ?? '')}:${port ?? ''}`;
}

/** Each pair of nodes once, whatever number of values goes between them. */
function leafEdges(tree: GraphTree): LeafEdge[] {
  const edges = new Map<string, LeafEdge>();
  const add = (from: ItemId | undefined, to: ItemId | undefined): void => {
    if (from !== undefined && to !== undefined && from !== to) {
      edges.set(`${String(from)} ${String(to)}`, { from, to });
    }
  };
  for (const { id, sources, results } of tree.graph.nodes) {
    const to = tree.ofNode(id)?.id;
    for (const source of [...sources, ...results]) {
      if (source !== null) add(tree.ofSource(source)?.id, to);
    }
  }
  const outputs = tree.items.filter(({ kind }) => kind === 'output');
  for (const [index, { source }] of tree.graph.outputs.entries()) {
    if (source !== null) add(tree.ofSource(source)?.id, outputs[index]?.id);
  }
  return [...edges.values()];
}
