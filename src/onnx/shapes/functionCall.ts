import type { Attribute, FunctionDefinition, GraphNode } from '../model.js';

/** Returns a node of a function's body with references to the caller's attributes replaced by their values. */
export function bindAttributes(node: GraphNode, call: GraphNode, definition: FunctionDefinition): GraphNode {
  const hasReference = [...node.attributes.values()].some((attribute) => attribute.kind === 'ref');
  if (!hasReference) return node;
  const attributes = new Map<string, Attribute>();
  for (const [name, attribute] of node.attributes) {
    if (attribute.kind !== 'ref') {
      attributes.set(name, attribute);
      continue;
    }
    const value = call.attributes.get(attribute.name) ?? definition.attributeDefaults.get(attribute.name);
    if (value !== undefined) attributes.set(name, value);
  }
  return { ...node, attributes };
}
