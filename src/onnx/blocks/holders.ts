import type { Layer } from '../layers/layer.js';

/** The tree of layers, as far as telling which scopes lie wholly inside a set needs it. */
export interface LayerCounts {
  readonly parentOf: ReadonlyMap<string, string | null>;
  /** Layers inside each scope, at any depth, scopes apart. */
  readonly inside: ReadonlyMap<string, number>;
}

/** Returns how many layers each scope holds; cost is layers times depth. */
export function layerCounts(layers: readonly Layer[]): LayerCounts {
  const parentOf = new Map(layers.map(({ name, parent }) => [name, parent]));
  const inside = new Map<string, number>();
  for (const { name, kind } of layers) {
    if (kind === 'scope') continue;
    for (const scope of around(name, parentOf)) inside.set(scope, (inside.get(scope) ?? 0) + 1);
  }
  return { parentOf, inside };
}

/** Returns the outermost scopes and layers that hold nothing but these layers, in file order. */
export function holdersOf(members: readonly Layer[], { parentOf, inside }: LayerCounts): string[] {
  const counts = new Map<string, number>();
  for (const { name } of members) {
    for (const scope of around(name, parentOf)) counts.set(scope, (counts.get(scope) ?? 0) + 1);
  }
  const holders = new Set<string>();
  for (const { name } of members) {
    let holder = name;
    for (const scope of around(name, parentOf)) {
      if (counts.get(scope) !== inside.get(scope)) break;
      holder = scope;
    }
    holders.add(holder);
  }
  return [...holders];
}

/** Names of the scopes around a layer, innermost first. */
function around(name: string, parentOf: ReadonlyMap<string, string | null>): string[] {
  const scopes: string[] = [];
  const seen = new Set([name]);
  for (let at = parentOf.get(name) ?? null; at !== null && !seen.has(at); at = parentOf.get(at) ?? null) {
    scopes.push(at);
    seen.add(at);
  }
  return scopes;
}
