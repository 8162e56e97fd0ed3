import { type NamingStyle, scopeComponents } from './layers/exporterNames.js';
import type { Layer } from './layers/layer.js';
import type { GraphNode } from './model.js';

/** Deeper scopes than this are not told apart: nobody nests so deep, and a hostile name could have any number. */
const maxScopeDepth = 32;

/**
 * Returns the scope of every node of a graph as layers are called (`features.3`); empty at the root.
 *
 * Exporters that do not write scopes into node names often leave them in the names of weights. There a layer stands in
 * the scope that its name tells, and what stands between two such layers in the file in what their scopes share.
 */
export function drawnScopes(
  nodes: readonly GraphNode[],
  style: NamingStyle,
  layerOf: ReadonlyMap<GraphNode, Layer>,
): ReadonlyMap<GraphNode, string> {
  const scopes = new Map<GraphNode, string>();
  let unknown: GraphNode[] = [];
  let before: string | undefined;
  for (const node of nodes) {
    const scope = writtenScope(node, style) ?? layerOf.get(node)?.parent ?? undefined;
    if (scope === undefined) {
      unknown.push(node);
      continue;
    }
    const bounded = scope.split('.', maxScopeDepth).join('.');
    scopes.set(node, bounded);
    const shared = before === undefined ? '' : sharedScope(before, bounded);
    for (const between of unknown) scopes.set(between, shared);
    unknown = [];
    before = bounded;
  }
  for (const last of unknown) scopes.set(last, '');
  return scopes;
}

/** Undefined where the exporter wrote nothing about scopes, which is not the same as standing at the root. */
function writtenScope(node: GraphNode, style: NamingStyle): string | undefined {
  const components = scopeComponents(node, style);
  if (components.length > 0) return components.join('.');
  return node.name.includes('/') || node.metadata.size > 0 ? '' : undefined;
}

function sharedScope(a: string, b: string): string {
  const [parts, others] = [a.split('.'), b.split('.')];
  const length = parts.findIndex((part, depth) => part !== others[depth]);
  return (length < 0 ? parts : parts.slice(0, length)).join('.');
}
