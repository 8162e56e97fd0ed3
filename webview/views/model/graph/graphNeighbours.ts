import type { GraphTree, ItemId } from './graphTree.js';
import type { LeafEdge, LevelEdges } from './levelEdges.js';

/** What comes before an item and what after it. */
export interface Neighbours {
  readonly before: readonly ItemId[];
  readonly after: readonly ItemId[];
}

/** Finds neighbours in a graph, whatever is open. */
export class GraphNeighbours {
  private readonly incoming = new Map<ItemId, LeafEdge[]>();
  private readonly outgoing = new Map<ItemId, LeafEdge[]>();

  constructor(
    private readonly tree: GraphTree,
    private readonly edges: LevelEdges,
  ) {
    for (const edge of edges.leaves) {
      add(this.incoming, edge.to, edge);
      add(this.outgoing, edge.from, edge);
    }
  }

  /** Returns the edges that enter or leave an item, or all that is inside. */
  around(id: ItemId): { readonly incoming: readonly LeafEdge[]; readonly outgoing: readonly LeafEdge[] } {
    const inside = this.leavesIn(id);
    return {
      incoming: [...inside]
        .flatMap((leaf) => this.incoming.get(leaf) ?? [])
        .filter(({ from }) => !inside.has(from)),
      outgoing: [...inside]
        .flatMap((leaf) => this.outgoing.get(leaf) ?? [])
        .filter(({ to }) => !inside.has(to)),
    };
  }

  /** Returns what an item is connected to: nodes for a node; for a box the boxes beside it. */
  of(id: ItemId): Neighbours {
    const { incoming, outgoing } = this.around(id);
    const isNode = this.tree.item(id).children.length === 0;
    const place = (other: ItemId): ItemId => (isNode ? other : this.beside(other, id));
    return {
      before: [...new Set(incoming.map(({ from }) => place(from)))],
      after: [...new Set(outgoing.map(({ to }) => place(to)))],
    };
  }

  /** Returns the lines that carry what enters or leaves an item, as `box key`. */
  lines(id: ItemId): ReadonlySet<string> {
    const { incoming, outgoing } = this.around(id);
    const lines = new Set<string>();
    for (const edge of [...incoming, ...outgoing]) {
      for (const { box, edge: step } of this.edges.steps(edge)) lines.add(`${String(box)} ${step.key}`);
    }
    return lines;
  }

  private leavesIn(id: ItemId): ReadonlySet<ItemId> {
    const leaves = new Set<ItemId>();
    const visit = (at: ItemId): void => {
      const { children } = this.tree.item(at);
      if (children.length === 0) leaves.add(at);
      for (const child of children) visit(child);
    };
    visit(id);
    return leaves;
  }

  /** What holds `other` and stands beside `id` or beside something around it. */
  private beside(other: ItemId, id: ItemId): ItemId {
    const [path, own] = [this.tree.path(other), this.tree.path(id)];
    const depth = path.findIndex((step, index) => step !== own[index]);
    return path[depth] ?? other;
  }
}

function add(map: Map<ItemId, LeafEdge[]>, key: ItemId, edge: LeafEdge): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [edge]);
  else known.push(edge);
}
