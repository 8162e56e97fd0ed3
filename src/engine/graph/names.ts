import { bodiesOf, type Graph } from '../../onnx/model.js';

/** Returns every value name in a graph and its bodies, so that new names collide with none. */
export function collectNames(graph: Graph): Set<string> {
  const names = new Set<string>();
  addNames(graph, names);
  return names;
}

function addNames(graph: Graph, names: Set<string>): void {
  for (const input of graph.inputs) names.add(input.name);
  for (const output of graph.outputs) names.add(output.name);
  for (const name of graph.initializers.keys()) names.add(name);
  for (const sparse of graph.sparseInitializers) names.add(sparse.values.name);
  for (const node of graph.nodes) {
    for (const name of node.inputs) names.add(name);
    for (const name of node.outputs) names.add(name);
    for (const body of bodiesOf(node)) addNames(body.graph, names);
  }
}
