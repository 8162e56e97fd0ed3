import type { Attribute, FunctionDefinition, GraphNode } from '../model.js';

/**
 * Returns a node of a function's body with references to the caller's attributes replaced by their values, inside the
 * node's own bodies too.
 */
export function bindAttributes(node: GraphNode, call: GraphNode, definition: FunctionDefinition): GraphNode {
  const isBound = [...node.attributes.values()].every(({ kind }) => kind !== 'ref' && kind !== 'graph');
  if (isBound) return node;
  const attributes = new Map<string, Attribute>();
  for (const [name, attribute] of node.attributes) {
    const value = bound(attribute, call, definition);
    if (value !== undefined) attributes.set(name, value);
  }
  return { ...node, attributes };
}

/** The attribute bound; undefined for a reference to what neither the caller nor the function gives. */
function bound(attribute: Attribute, call: GraphNode, definition: FunctionDefinition): Attribute | undefined {
  switch (attribute.kind) {
    case 'ref':
      return call.attributes.get(attribute.name) ?? definition.attributeDefaults.get(attribute.name);
    case 'graph': {
      const nodes = attribute.value.nodes.map((inner) => bindAttributes(inner, call, definition));
      return { kind: 'graph', value: { ...attribute.value, nodes } };
    }
    default:
      return attribute;
  }
}
