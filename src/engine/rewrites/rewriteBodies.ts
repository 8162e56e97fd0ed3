import { type Attribute, bodiesOf, type Graph, type Model, type ValueInfo } from '../../onnx/model.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { collectNames } from '../graph/names.js';
import { Renamer } from '../graph/renamer.js';
import { holds } from './tapBodies.js';

/**
 * Returns the model with every innermost body that makes a value, or is given it, rewritten as a model of its own.
 *
 * What the rewrite defines gets names that no graph around has; inputs that it adds become inputs of the main graph.
 * Returns undefined when no body has the value.
 */
export function rewriteBodies(
  model: Model,
  value: string,
  rewrite: (body: Model) => Model,
): Model | undefined {
  const isInside = model.graph.nodes.some((node) => bodiesOf(node).some(({ graph }) => holds(graph, value)));
  if (!isInside) return undefined;
  const names = new GraphBuilder(model);
  const added = new Map<string, ValueInfo>();
  const rewriteBody = (body: Graph): Graph => {
    const isHere =
      body.inputs.some((input) => input.name === value) ||
      body.nodes.some((node) => node.outputs.includes(value));
    if (!isHere) return { ...body, nodes: body.nodes.map(through) };
    const result = rewrite({ ...model, graph: body }).graph;
    const own = collectNames(body);
    const inputs = result.inputs.slice(0, body.inputs.length);
    for (const input of result.inputs.slice(body.inputs.length)) added.set(input.name, input);
    const renamer = new Renamer({
      freshName: (hint) => names.freshName(hint),
      keeps: (name) => own.has(name) || added.has(name),
    });
    return renamer.graph({ ...result, inputs });
  };
  const through = (node: Graph['nodes'][number]): Graph['nodes'][number] => {
    if (!bodiesOf(node).some(({ graph }) => holds(graph, value))) return node;
    const attributes = new Map<string, Attribute>();
    for (const [name, attribute] of node.attributes) {
      const isBody = attribute.kind === 'graph' && holds(attribute.value, value);
      attributes.set(name, isBody ? { kind: 'graph', value: rewriteBody(attribute.value) } : attribute);
    }
    return { ...node, attributes };
  };
  const { graph } = model;
  const nodes = graph.nodes.map(through);
  const known = new Set(graph.inputs.map((input) => input.name));
  const inputs = [...graph.inputs, ...[...added.values()].filter(({ name }) => !known.has(name))];
  return { ...model, graph: { ...graph, nodes, inputs } };
}
