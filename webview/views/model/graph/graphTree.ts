import { groupBlocks } from './drawnBlocks.js';
import type { DrawnModule, DrawnNode, ModelGraph } from '../../../../src/protocol/structure.js';

/** Number of an item in its tree. */
export type ItemId = number;

/** Something that is drawn as one box: a node, a module, a recognised block, a run of neighbours, or a value that enters or leaves. */
export interface GraphItem {
  readonly id: ItemId;
  readonly kind: 'node' | 'module' | 'block' | 'part' | 'input' | 'output';
  /** What it is called inside what is around it. */
  readonly label: string;
  /** What it is called in the model. */
  readonly name: string;
  /** What is around it; the root, which is not drawn, is around itself. */
  readonly parent: ItemId;
  /** Inside it, in file order. */
  readonly children: readonly ItemId[];
  readonly node: DrawnNode | undefined;
  /** What it was recognised as: `Residual block`. */
  readonly blocks: readonly string[];
  /** Nodes inside, itself included. */
  readonly nodeCount: number;
}

/** The item that all others are in. */
export const rootId: ItemId = 0;

/**
 * More children than this are put into runs of neighbours: the layout of one box stays within the time of a click. Models
 * of a few hundred nodes without modules are still seen whole.
 */
export const maxChildCount = 240;

/** A run is shorter: it is opened to look at single nodes. */
const maxRunLength = 100;

/** Something under way: children are added, then the tree is thinned and numbered. */
export interface Draft {
  kind: GraphItem['kind'];
  label: string;
  name: string;
  node?: DrawnNode;
  blocks?: string[];
  children: Draft[];
}

/**
 * A model's graph as boxes inside boxes: modules hold modules and nodes. What would only be in the way is left out:
 * Constant nodes, which their readers tell of, and modules around a single thing.
 */
export class GraphTree {
  readonly items: GraphItem[] = [];
  private readonly byNode = new Map<number, ItemId>();
  private readonly byInput = new Map<number, ItemId>();
  private readonly paths: (readonly ItemId[])[] = [];

  constructor(readonly graph: ModelGraph) {
    const root: Draft = { kind: 'module', label: '', name: '', children: [] };
    for (const { name, type } of graph.inputs) root.children.push(value('input', name, type));
    this.addNodes(root);
    groupBlocks(root, graph.blocks);
    for (const { name, type } of graph.outputs) root.children.push(value('output', name, type));
    root.children = root.children.map(thinned);
    this.number(grouped(root), rootId);
  }

  get root(): GraphItem {
    return this.item(rootId);
  }

  item(id: ItemId): GraphItem {
    const item = this.items[id];
    if (item === undefined) throw new Error(`The graph has no item ${String(id)}.`);
    return item;
  }

  /** Returns the box of a node; undefined for Constants, which have none. */
  ofNode(id: number): GraphItem | undefined {
    const item = this.byNode.get(id);
    return item === undefined ? undefined : this.item(item);
  }

  /** Returns the box that a value comes from, by its source as the graph tells it. */
  ofSource(source: number): GraphItem | undefined {
    if (source >= 0) return this.ofNode(source);
    const item = this.byInput.get(-1 - source);
    return item === undefined ? undefined : this.item(item);
  }

  /** Returns what an item is in, outermost first, the root and the item itself included. */
  path(id: ItemId): readonly ItemId[] {
    return this.paths[id] ?? [];
  }

  /** Returns every node inside an item, itself included. */
  *nodesIn(id: ItemId): Generator<DrawnNode> {
    const { node, children } = this.item(id);
    if (node !== undefined) yield node;
    for (const child of children) yield* this.nodesIn(child);
  }

  private addNodes(root: Draft): void {
    const drafts = new Map<number, Draft>();
    const place = (module: number | null): Draft => {
      if (module === null) return root;
      const known = drafts.get(module);
      if (known !== undefined) return known;
      const { name, parent } = this.module(module);
      const around = place(parent);
      const draft: Draft = { kind: 'module', label: shortened(name, around.name), name, children: [] };
      drafts.set(module, draft);
      around.children.push(draft);
      return draft;
    };
    for (const node of this.graph.nodes) {
      if (node.operator === 'Constant') continue;
      const around = place(node.module);
      const called = node.layer === null || node.layer === around.name ? nodeName(node) : node.layer;
      const label = shortened(called, around.name);
      around.children.push({ kind: 'node', label, name: nodeName(node), node, children: [] });
    }
  }

  private module(id: number): DrawnModule {
    const module = this.graph.modules[id];
    if (module === undefined) throw new Error(`The graph has no module ${String(id)}.`);
    return module;
  }

  private number(draft: Draft, parent: ItemId): ItemId {
    const id = this.items.length;
    const children: ItemId[] = [];
    const { kind, label, name, node, blocks = [] } = draft;
    const nodeCount = node === undefined ? 0 : 1;
    const item = { id, kind, label, name, parent, children, node, blocks, nodeCount };
    this.items.push(item);
    this.paths.push([...(this.paths[parent] ?? []), id]);
    if (node !== undefined) this.byNode.set(node.id, id);
    if (kind === 'input') this.byInput.set(this.byInput.size, id);
    for (const child of draft.children) {
      const childId = this.number(child, id);
      children.push(childId);
      item.nodeCount += this.item(childId).nodeCount;
    }
    return id;
  }
}

/** Returns what a node is called: its name, or its first output's where it has none. */
export function nodeName(node: DrawnNode): string {
  return node.name === '' ? (node.outputs.find((output) => output !== '') ?? node.operator) : node.name;
}

function value(kind: 'input' | 'output', name: string, type: string): Draft {
  return { kind, label: type, name, children: [] };
}

/** Returns a name without what it repeats of the module around it: `features.3` in `features` is `3`. */
function shortened(name: string, around: string): string {
  if (around !== '' && name.startsWith(`${around}.`)) return name.slice(around.length + 1);
  if (!name.includes('/')) return name;
  // `/features/features.3/Conv`: the modules say the rest.
  return name.split('/').findLast((part) => part !== '') ?? name;
}

/** A module around a single thing is that thing, called as the module is. */
function thinned(draft: Draft): Draft {
  const children = draft.children.map(thinned);
  const [only, other] = children;
  if (draft.kind !== 'module' || only === undefined || other !== undefined) return { ...draft, children };
  const label = only.kind === 'node' ? draft.label : `${draft.label}.${only.label}`;
  const blocks = [...(only.blocks ?? []), ...(draft.blocks ?? [])];
  return { ...only, label, ...(blocks.length === 0 ? {} : { blocks }) };
}

/** Puts runs of neighbours into boxes of their own where there are too many: as many runs as a run is long. */
function grouped(draft: Draft): Draft {
  let children = draft.children.map(grouped);
  while (children.length > maxChildCount) {
    const size = Math.min(maxRunLength, Math.ceil(Math.sqrt(children.length)));
    const parts: Draft[] = [];
    for (let start = 0; start < children.length; start += size) {
      parts.push(partOf(children.slice(start, start + size)));
    }
    children = parts;
  }
  return { ...draft, children };
}

function partOf(children: Draft[]): Draft {
  const [first, last] = [children[0], children.at(-1)];
  const between = (key: 'label' | 'name'): string => {
    const ends = [first?.[key] ?? '', last?.[key] ?? ''].map((end) => end.split(' … '));
    return `${ends[0]?.[0] ?? ''} … ${ends[1]?.at(-1) ?? ''}`;
  };
  return { kind: 'part', label: between('label'), name: between('name'), children };
}
