import { capturesOf } from '../../onnx/graphIndex.js';
import { bodiesOf, type Graph, type GraphNode } from '../../onnx/model.js';

/** Returns the node reading another value, in its bodies too. */
export function renameReads(node: GraphNode, from: string, to: string): GraphNode {
  const inputs = node.inputs.map((name) => (name === from ? to : name));
  if (!bodiesOf(node).some((body) => capturesOf(body.graph).has(from))) return { ...node, inputs };
  const attributes = new Map(node.attributes);
  for (const [name, attribute] of attributes) {
    if (attribute.kind !== 'graph' || !capturesOf(attribute.value).has(from)) continue;
    attributes.set(name, { kind: 'graph', value: renameCapture(attribute.value, from, to) });
  }
  return { ...node, inputs, attributes };
}

function renameCapture(body: Graph, from: string, to: string): Graph {
  const outputs = body.outputs.map((output) => (output.name === from ? { ...output, name: to } : output));
  return { ...body, outputs, nodes: body.nodes.map((node) => renameReads(node, from, to)) };
}
