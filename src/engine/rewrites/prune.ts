import type { Graph, GraphNode, Model } from '../../onnx/model.js';
import { readsOf } from '../../onnx/graphIndex.js';

/**
 * Returns the model with only the named outputs and what they need.
 *
 * The runtime runs the whole graph even when an early value is asked for, so partial runs need a smaller graph. Nodes
 * keep their order; inputs that nothing reads any more stay out, unless `keepInputs` is set.
 *
 * @throws Error when an output is not one of the graph's.
 */
export function prune(
  model: Model,
  outputNames: readonly string[],
  options: { readonly keepInputs?: boolean } = {},
): Model {
  const { graph } = model;
  const byName = new Map(graph.outputs.map((output) => [output.name, output]));
  const outputs = outputNames.map((name) => {
    const output = byName.get(name);
    if (output === undefined) throw new Error(`There is no graph output ${name} to keep.`);
    return output;
  });
  const needed = neededNames(graph, outputNames);
  const keep = (name: string): boolean => needed.has(name);
  const pruned: Graph = {
    ...graph,
    outputs,
    nodes: graph.nodes.filter((node) => node.outputs.some(keep)),
    initializers: new Map([...graph.initializers].filter(([name]) => keep(name))),
    sparseInitializers: graph.sparseInitializers.filter((sparse) => keep(sparse.values.name)),
    valueInfo: new Map([...graph.valueInfo].filter(([name]) => keep(name))),
    inputs: options.keepInputs === true ? graph.inputs : graph.inputs.filter((input) => keep(input.name)),
  };
  return { ...model, graph: pruned };
}

/** Returns every name that the given values depend on, themselves included; cost is linear in the graph. */
export function neededNames(graph: Graph, values: readonly string[]): ReadonlySet<string> {
  const producers = new Map<string, GraphNode>();
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== '') producers.set(output, node);
  }
  const needed = new Set(values);
  const open = [...values];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const producer = producers.get(name);
    if (producer === undefined) continue;
    for (const read of readsOf(producer)) {
      if (needed.has(read)) continue;
      needed.add(read);
      open.push(read);
    }
  }
  return needed;
}
