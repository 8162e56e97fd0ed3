import { layoutBox, type LayOut } from './boxLayout.js';
import { type BoxLayout, type Point, type Size } from './boxParts.js';
import { type GraphItem, type GraphTree, type ItemId, rootId } from './graphTree.js';
import { LevelEdges } from './levelEdges.js';

/** More boxes than this are never laid out at a time. */
export const maxVisibleCount = 1500;

/** Layouts of this many states of boxes are kept, so that closing and opening again is at once. */
const keptLayoutCount = 400;

/** A box of the drawing. */
export interface SceneBox extends Point, Size {
  readonly item: GraphItem;
  /** Open: a frame around what is inside. */
  readonly isExpanded: boolean;
  /** 1 at the root. */
  readonly level: number;
}

/** A line of the drawing. */
export interface SceneLine {
  /** The box that it is inside of, and the keys of the edges there that it stands for. */
  readonly box: ItemId;
  readonly keys: readonly string[];
  readonly points: readonly Point[];
  readonly hasArrow: boolean;
}

/** Everything that is drawn, in places of the whole drawing. */
export interface Scene extends Size {
  /** What is around comes before what is inside. */
  readonly boxes: readonly SceneBox[];
  readonly lines: readonly SceneLine[];
}

/** Measures what boxes need for their texts. */
export interface BoxMeasure {
  readonly size: (item: GraphItem) => Size;
  readonly titleWidth: (item: GraphItem) => number;
}

/** Lays out a graph of which some boxes are open, a box at a time: what did not change is not laid out again. */
export class GraphLayout {
  readonly edges: LevelEdges;
  private readonly kept = new Map<string, BoxLayout>();

  constructor(
    private readonly tree: GraphTree,
    private readonly measure: BoxMeasure,
    private readonly layOut: LayOut,
  ) {
    this.edges = new LevelEdges(tree);
  }

  /** Returns the drawing with these boxes open; those inside a closed one are as good as closed. */
  async scene(expanded: ReadonlySet<ItemId>): Promise<Scene> {
    const layouts = new Map<ItemId, BoxLayout>();
    await this.layoutOf(rootId, expanded, layouts);
    return sceneOf(this.tree, layouts, this.measure);
  }

  private async layoutOf(
    id: ItemId,
    expanded: ReadonlySet<ItemId>,
    layouts: Map<ItemId, BoxLayout>,
  ): Promise<string> {
    const box = this.tree.item(id);
    const open = box.children.filter((child) => expanded.has(child) && isBox(this.tree.item(child)));
    const inside: string[] = [];
    for (const child of open) inside.push(await this.layoutOf(child, expanded, layouts));
    const state = `${String(id)}(${inside.join(' ')})`;
    const known = this.kept.get(state);
    const layout =
      known ??
      (await layoutBox(
        {
          box,
          edges: this.edges.inside(id),
          sizeOf: (child) => this.measure.size(this.tree.item(child)),
          layoutOf: (child) => layouts.get(child),
          titleWidth: id === rootId ? 0 : this.measure.titleWidth(box),
        },
        this.layOut,
      ));
    this.keep(state, layout);
    layouts.set(id, layout);
    return state;
  }

  private keep(state: string, layout: BoxLayout): void {
    this.kept.delete(state);
    this.kept.set(state, layout);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size > keptLayoutCount) this.kept.delete(oldest);
    }
  }
}

/** Tells whether an item can be opened. */
export function isBox({ children }: GraphItem): boolean {
  return children.length > 0;
}

/** Returns how many boxes would be drawn with these open. */
export function visibleCount(tree: GraphTree, expanded: ReadonlySet<ItemId>, from: ItemId = rootId): number {
  return tree
    .item(from)
    .children.reduce(
      (count, child) => count + 1 + (expanded.has(child) ? visibleCount(tree, expanded, child) : 0),
      0,
    );
}

function sceneOf(tree: GraphTree, layouts: ReadonlyMap<ItemId, BoxLayout>, measure: BoxMeasure): Scene {
  const boxes: SceneBox[] = [];
  const lines: SceneLine[] = [];
  const add = (id: ItemId, { x, y }: Point, level: number): void => {
    const layout = layouts.get(id);
    if (layout === undefined) return;
    for (const { keys, points, hasArrow } of layout.lines) {
      const placed = points.map((point) => ({ x: point.x + x, y: point.y + y }));
      lines.push({ box: id, keys, points: placed, hasArrow });
    }
    for (const child of tree.item(id).children) {
      const item = tree.item(child);
      const place = layout.places.get(child) ?? { x: 0, y: 0 };
      const inner = layouts.get(child);
      const size = inner ?? measure.size(item);
      const at = { x: place.x + x, y: place.y + y };
      boxes.push({
        item,
        ...at,
        width: size.width,
        height: size.height,
        isExpanded: inner !== undefined,
        level,
      });
      add(child, at, level + 1);
    }
  };
  add(rootId, { x: 0, y: 0 }, 1);
  const { width = 0, height = 0 } = layouts.get(rootId) ?? {};
  return { width, height, boxes, lines };
}
