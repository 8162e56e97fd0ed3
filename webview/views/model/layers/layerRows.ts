import type { Inspection } from '../../../../src/protocol/inspection.js';
import { notableBlocks } from '../../../../src/protocol/blockWords.js';
import { compareKeys, type SortKey } from '../../../components/sortKey.js';

/** A layer, as the model's structure describes it. */
export type ModelLayer = Inspection['layers'][number];

/** One line of the list. */
export interface LayerRow {
  readonly layer: ModelLayer;
  /** 0 at the root; always 0 where the list is sorted or flat. */
  readonly depth: number;
  /** Whether layers are inside; they are lines of their own where the list is a tree. */
  readonly hasChildren: boolean;
  readonly isExpanded: boolean;
  /** Place among its siblings, from 1, and how many there are. */
  readonly position: number;
  readonly siblingCount: number;
}

/** Columns that the list can be sorted by. */
export type LayerColumn = 'name' | 'kind' | 'units' | 'params' | 'shape' | 'share' | 'state';

/** How the list is to be shown. */
export interface LayerQuery {
  /** Words that a layer must have, in any order; empty: all. */
  readonly search: string;
  /** Absent: file order, as a tree. */
  readonly sort: { readonly column: LayerColumn; readonly direction: 'ascending' | 'descending' } | undefined;
  /** Layers whose insides are not shown. */
  readonly collapsed: ReadonlySet<string>;
}

/** The layers of a model as a tree: found once, listed often. */
export class LayerTree {
  readonly layers: readonly ModelLayer[];
  private readonly inside = new Map<string | null, ModelLayer[]>();
  private readonly texts: readonly string[];
  private readonly byName: ReadonlyMap<string, ModelLayer>;

  /** `stateText` is what a layer's badge says, for searching and sorting. */
  constructor(
    layers: readonly ModelLayer[],
    private readonly stateText: (layer: string) => string,
  ) {
    this.layers = layers;
    this.byName = new Map(layers.map((layer) => [layer.name, layer]));
    for (const layer of layers) {
      const parent = this.parentOf(layer);
      const siblings = this.inside.get(parent);
      if (siblings === undefined) this.inside.set(parent, [layer]);
      else siblings.push(layer);
    }
    this.texts = layers.map((layer) => searchText(layer, stateText(layer.name)));
  }

  /** Names of everything that holds layers. */
  get scopes(): string[] {
    return [...this.inside.keys()].filter((name) => name !== null);
  }

  /** Names of what a layer is inside of, innermost first. */
  around(name: string): string[] {
    const names: string[] = [];
    let at = this.byName.get(name);
    for (let depth = 0; at !== undefined && depth < this.layers.length; depth++) {
      const parent = this.parentOf(at);
      if (parent === null) break;
      names.push(parent);
      at = this.byName.get(parent);
    }
    return names;
  }

  /** Returns the lines of the list. */
  rows(query: LayerQuery): LayerRow[] {
    const found = this.matching(query.search);
    if (query.sort !== undefined) return this.sortedRows(found, query.sort);
    const shown = query.search.trim() === '' ? undefined : this.withAround(found);
    const rows: LayerRow[] = [];
    this.addRows(null, 0, { rows, shown, collapsed: query.collapsed });
    return rows;
  }

  /** How many layers a search finds; what is shown around them does not count. */
  foundCount(search: string): number {
    return this.matching(search).length;
  }

  private addRows(
    parent: string | null,
    depth: number,
    list: {
      readonly rows: LayerRow[];
      readonly shown: ReadonlySet<ModelLayer> | undefined;
      readonly collapsed: ReadonlySet<string>;
    },
  ): void {
    const all = this.inside.get(parent) ?? [];
    const siblings = list.shown === undefined ? all : all.filter((layer) => list.shown?.has(layer) === true);
    for (const [index, layer] of siblings.entries()) {
      const hasChildren = this.inside.has(layer.name);
      const isExpanded = hasChildren && !list.collapsed.has(layer.name);
      list.rows.push({
        ...{ layer, depth, hasChildren, isExpanded },
        ...{ position: index + 1, siblingCount: siblings.length },
      });
      if (isExpanded) this.addRows(layer.name, depth + 1, list);
    }
  }

  private matching(search: string): ModelLayer[] {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return [...this.layers];
    return this.layers.filter((_, index) =>
      words.every((word) => this.texts[index]?.includes(word) === true),
    );
  }

  /** What is found, with the scopes around it, so that a tree stays one. */
  private withAround(found: readonly ModelLayer[]): ReadonlySet<ModelLayer> {
    const shown = new Set<ModelLayer>(found);
    for (const { name } of found) {
      for (const scope of this.around(name)) {
        const layer = this.byName.get(scope);
        if (layer !== undefined) shown.add(layer);
      }
    }
    return shown;
  }

  private sortedRows(found: readonly ModelLayer[], sort: NonNullable<LayerQuery['sort']>): LayerRow[] {
    const sign = sort.direction === 'ascending' ? 1 : -1;
    const keyed = found.map((layer) => ({ layer, key: this.sortKey(layer, sort.column) }));
    keyed.sort((a, b) => compareKeys(a.key, b.key, sign));
    return keyed.map(({ layer }, index) => ({
      ...{ layer, depth: 0, hasChildren: false, isExpanded: false },
      ...{ position: index + 1, siblingCount: keyed.length },
    }));
  }

  private sortKey(layer: ModelLayer, column: LayerColumn): SortKey {
    switch (column) {
      case 'name':
        return layer.name;
      case 'kind':
        return kindWords(layer);
      case 'units':
        return layer.unitCount ?? undefined;
      case 'params':
      case 'share':
        return layer.parameterCount;
      case 'shape':
        return shapeText(layer.shape) || undefined;
      case 'state':
        return this.stateText(layer.name) || undefined;
    }
  }

  /** A layer around itself or around nothing that exists stands at the root. */
  private parentOf({ name, parent }: ModelLayer): string | null {
    return parent !== null && parent !== name && this.byName.has(parent) ? parent : null;
  }
}

/** Returns what a layer is, in words: `conv · residual`, `activation · Relu`, `scope · attention`. */
export function kindWords({ kind, operator, blocks }: ModelLayer): string {
  const details = [operator, ...notableBlocks(blocks)].filter((detail) => {
    return detail !== '' && detail.toLowerCase() !== kind;
  });
  return [kind, ...details].join(' · ');
}

/** Returns a shape as people write it: `N × 16 × 28 × 28`; empty where nothing is known. */
export function shapeText(shape: ModelLayer['shape']): string {
  return shape === null ? '' : shape.map((size) => size ?? '?').join(' × ');
}

function searchText(layer: ModelLayer, state: string): string {
  const shape = layer.shape === null ? '' : layer.shape.map((size) => size ?? '?').join('×');
  return [layer.name, layer.path, kindWords(layer), shape, layer.output, state].join('\n').toLowerCase();
}
