import type { ModelGraph } from '../../../../src/protocol/structure.js';
import type { LayOut } from './boxLayout.js';
import {
  type BoxMeasure,
  GraphLayout,
  isBox,
  maxVisibleCount,
  type Scene,
  visibleCount,
} from './graphLayout.js';
import { GraphNeighbours, type Neighbours } from './graphNeighbours.js';
import { GraphSearch } from './graphSearch.js';
import type { GraphStep } from './graphStep.js';
import { type GraphItem, GraphTree, type ItemId, rootId } from './graphTree.js';

/** Which boxes are to be open, or why that is too much. */
export type Opening =
  | { readonly kind: 'open'; readonly expanded: ReadonlySet<ItemId> }
  /** More boxes would be drawn than are laid out at a time. */
  | { readonly kind: 'too-many'; readonly item: ItemId; readonly count: number };

/** At first a single box around everything is opened, and boxes in it, until there is something to see. */
const fewestFirstBoxes = 4;

/** A graph that is looked at: what is in it, what is open, and what can be found. */
export class GraphSession {
  readonly tree: GraphTree;
  readonly neighbours: GraphNeighbours;
  private readonly layout: GraphLayout;
  private readonly search: GraphSearch;

  constructor(graph: ModelGraph, measure: BoxMeasure, layOut: LayOut) {
    this.tree = new GraphTree(graph);
    this.layout = new GraphLayout(this.tree, measure, layOut);
    this.neighbours = new GraphNeighbours(this.tree, this.layout.edges);
    this.search = new GraphSearch(graph);
  }

  /** Returns the drawing with these boxes open. */
  scene(expanded: ReadonlySet<ItemId>): Promise<Scene> {
    return this.layout.scene(expanded);
  }

  /** Returns what is open at first: nothing, unless that would show next to nothing. */
  first(): ReadonlySet<ItemId> {
    const expanded = new Set<ItemId>();
    for (let around = this.tree.root; ;) {
      const boxes = around.children.map((child) => this.tree.item(child)).filter(isBox);
      const [largest] = [...boxes].sort((a, b) => b.nodeCount - a.nodeCount);
      if (largest === undefined || boxes.length >= fewestFirstBoxes) return expanded;
      const next = new Set([...expanded, largest.id]);
      if (visibleCount(this.tree, next) > maxVisibleCount / 10) return expanded;
      expanded.add(largest.id);
      around = largest;
    }
  }

  /** Returns what is open after a box was opened. */
  opened(expanded: ReadonlySet<ItemId>, item: ItemId): Opening {
    return this.allowed(new Set([...expanded, item]), item);
  }

  /** Returns what is open after a box was closed; what was open inside is closed with it. */
  closed(expanded: ReadonlySet<ItemId>, item: ItemId): ReadonlySet<ItemId> {
    return new Set([...expanded].filter((open) => !this.tree.path(open).includes(item)));
  }

  /** Returns what is open when a box and only what is around it are. */
  alone(item: ItemId): ReadonlySet<ItemId> {
    return new Set(this.tree.path(item).filter((id) => id !== rootId && isBox(this.tree.item(id))));
  }

  /** Returns what must be open for an item to be seen; everything else is closed when it would be too much. */
  revealing(expanded: ReadonlySet<ItemId>, item: ItemId): ReadonlySet<ItemId> {
    const around = this.tree.path(item).slice(1, -1);
    const opening = this.allowed(new Set([...expanded, ...around]), item);
    return opening.kind === 'open' ? opening.expanded : new Set(around);
  }

  /** Returns what is open when everything is. */
  everything(): Opening {
    return this.allowed(new Set(this.tree.items.filter(isBox).map(({ id }) => id)), rootId);
  }

  /** Returns the box that stands for an item as long as what is around it is closed. */
  visible(item: ItemId, expanded: ReadonlySet<ItemId>): ItemId {
    const path = this.tree.path(item).slice(1);
    return path.find((id) => !expanded.has(id)) ?? item;
  }

  /** Returns what a search finds: recognised blocks, then nodes, each in file order. */
  find(text: string): ItemId[] {
    const nodes = this.search.find(text).flatMap((node) => this.tree.ofNode(node)?.id ?? []);
    return [...new Set([...this.findBlocks(text), ...nodes])];
  }

  /** Blocks are found by what they are called, all words of the search in it. */
  private findBlocks(text: string): ItemId[] {
    const words = text
      .toLowerCase()
      .replaceAll('block:', '')
      .split(/\s+/)
      .filter((word) => word !== '');
    if (words.length === 0) return [];
    return this.tree.items
      .filter(({ blocks, name }) => {
        const called = [...blocks, name].join(' ').toLowerCase();
        return blocks.length > 0 && words.every((word) => called.includes(word));
      })
      .map(({ id }) => id);
  }

  /** Returns the box of a layer: its module, or its first node. */
  ofLayer(layer: string): ItemId | undefined {
    const { items } = this.tree;
    const module = items.find(({ kind, name }) => kind === 'module' && name === layer);
    return (module ?? items.find(({ node }) => node?.layer === layer))?.id;
  }

  /** Returns where a key leads from a box that is drawn; undefined where it leads nowhere. */
  step(from: ItemId, step: GraphStep, expanded: ReadonlySet<ItemId>): ItemId | undefined {
    const { parent, children } = this.tree.item(from);
    const siblings = this.tree.item(parent).children;
    const at = siblings.indexOf(from);
    switch (step) {
      case 'before':
      case 'after':
        return this.connected(from, step, expanded);
      case 'previous':
        return siblings[at - 1];
      case 'next':
        return siblings[at + 1];
      case 'first':
        return siblings[0];
      case 'last':
        return siblings.at(-1);
      case 'around':
        return parent === rootId ? undefined : parent;
      case 'inside':
        return children[0];
    }
  }

  /** Returns what an item is connected to, in words of the model. */
  neighboursOf(item: ItemId): {
    readonly before: readonly GraphItem[];
    readonly after: readonly GraphItem[];
  } {
    const { before, after }: Neighbours = this.neighbours.of(item);
    return {
      before: before.map((id) => this.tree.item(id)),
      after: after.map((id) => this.tree.item(id)),
    };
  }

  private connected(
    from: ItemId,
    step: 'before' | 'after',
    expanded: ReadonlySet<ItemId>,
  ): ItemId | undefined {
    const drawn = this.neighbours.of(from)[step].map((id) => this.visible(id, expanded));
    // Along the file: the nearest one, so that going there and back ends where it began.
    const [nearest] = [...new Set(drawn)]
      .filter((id) => id !== from)
      .sort((a, b) => Math.abs(a - from) - Math.abs(b - from));
    return nearest;
  }

  private allowed(expanded: ReadonlySet<ItemId>, item: ItemId): Opening {
    const count = visibleCount(this.tree, expanded);
    return count > maxVisibleCount ? { kind: 'too-many', item, count } : { kind: 'open', expanded };
  }
}
