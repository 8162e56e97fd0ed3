import type { GraphNode, Model } from '../model.js';
import type { Candidate } from './candidates.js';
import { namingStyleOf, scopeComponents, scopePathsOf } from './exporterNames.js';
import type { GraphView } from './graphView.js';
import type { LayerName } from './layerNames.js';

/** A scope that holds layers. */
export interface ScopeLayer {
  readonly name: string;
  /** As the exporter wrote it: `/features/features.3`; the name where it wrote none. */
  readonly path: string;
  readonly parent: string | null;
  readonly nodes: readonly GraphNode[];
  /** The layers inside, scopes apart. */
  readonly layers: readonly Candidate[];
  readonly index: number;
  readonly output: string;
  readonly furtherOutputs: readonly string[];
  readonly isInBody: boolean;
}

/** The scopes of a model, and the innermost one around each layer. */
export interface Scopes {
  readonly scopes: readonly ScopeLayer[];
  readonly parentOf: ReadonlyMap<Candidate, string | null>;
}

interface Inside {
  readonly scope: string;
  readonly nodes: Set<GraphNode>;
  readonly layers: Candidate[];
}

/**
 * Returns the exporter's scopes that hold a layer, without those whose output is their only layer's output: these are
 * that layer.
 *
 * A scope's output is the last value in file order that is made inside and read outside or given out by the graph.
 */
export function findScopes(
  model: Model,
  names: ReadonlyMap<Candidate, LayerName>,
  views: readonly GraphView[],
): Scopes {
  const insides = collectInsides(model, names, views);
  const viewOf = new Map(views.flatMap((view) => view.graph.nodes.map((node) => [node, view] as const)));
  const positionOf = (node: GraphNode): number => views[0]?.positions.get(node) ?? 0;
  const taken = new Set([...names.values()].map(({ name }) => name));
  const shown = new Map<string, string>();
  const paths = scopePathsOf(viewOf.keys(), namingStyleOf(model));
  const found: (Omit<ScopeLayer, 'parent'> & { readonly scope: string })[] = [];
  for (const inside of insides.values()) {
    const nodes = [...inside.nodes].sort((a, b) => positionOf(a) - positionOf(b));
    const outputs = outputsOf(inside.nodes, nodes, viewOf);
    const output = outputs.at(-1);
    const [only] = inside.layers;
    const isItsLayer = inside.layers.length === 1 && only?.output === output;
    if (output === undefined || isItsLayer) continue;
    let name = inside.scope;
    for (let i = 1; taken.has(name); i++) name = `${inside.scope}_${i}`;
    shown.set(inside.scope, name);
    found.push({
      scope: inside.scope,
      name,
      path: paths.get(inside.scope) ?? name,
      nodes,
      layers: inside.layers,
      index: nodes[0] === undefined ? 0 : positionOf(nodes[0]),
      output,
      furtherOutputs: outputs.slice(0, -1),
      isInBody: inside.layers.every((layer) => layer.view.isInBody),
    });
  }
  const innermost = (scopes: readonly string[]): string | null =>
    scopes.flatMap((scope) => shown.get(scope) ?? []).at(-1) ?? null;
  const scopes = found.map(({ scope, ...rest }) => ({ ...rest, parent: innermost(outerScopes(scope)) }));
  const parentOf = new Map([...names].map(([candidate, name]) => [candidate, innermost(name.scopes)]));
  return { scopes, parentOf };
}

function collectInsides(
  model: Model,
  names: ReadonlyMap<Candidate, LayerName>,
  views: readonly GraphView[],
): Map<string, Inside> {
  const insides = new Map<string, Inside>();
  for (const [candidate, { scopes }] of names) {
    for (const scope of scopes) {
      const inside = insides.get(scope) ?? { scope, nodes: new Set<GraphNode>(), layers: [] };
      insides.set(scope, inside);
      inside.layers.push(candidate);
      for (const node of candidate.nodes) inside.nodes.add(node);
    }
  }
  const style = namingStyleOf(model);
  for (const view of views) {
    for (const node of view.graph.nodes) {
      const scope = scopeComponents(node, style).join('.');
      if (scope === '') continue;
      for (const around of [...outerScopes(scope), scope]) insides.get(around)?.nodes.add(node);
    }
  }
  return insides;
}

function outerScopes(scope: string): string[] {
  const parts = scope.split('.');
  return parts.slice(1).map((_, length) => parts.slice(0, length + 1).join('.'));
}

/** Returns the values made inside and read outside or given out, in file order; constants are none. */
function outputsOf(
  inside: ReadonlySet<GraphNode>,
  inOrder: readonly GraphNode[],
  viewOf: ReadonlyMap<GraphNode, GraphView>,
): string[] {
  const outputs: string[] = [];
  for (const node of inOrder) {
    const view = viewOf.get(node);
    for (const name of node.outputs) {
      if (name === '' || view === undefined || view.constants.has(name)) continue;
      const isRead = view.index.consumersOf(name).some((reader) => !inside.has(reader));
      if (isRead || view.outputs.has(name)) outputs.push(name);
    }
  }
  return outputs;
}
