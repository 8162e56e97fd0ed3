import { UserError } from '../../base/errors.js';
import {
  type Attribute,
  bodiesOf,
  type Graph,
  type GraphNode,
  type Model,
  qualifiedOperator,
} from '../../onnx/model.js';
import { topologicalOrder } from '../../onnx/graphIndex.js';

/** What is wrong with a graph: a stable code, one sentence, and the nodes or values it is about. */
export interface GraphProblem {
  readonly code: 'graph-cycle' | 'graph-duplicate' | 'graph-undefined' | 'graph-output' | 'graph-domain';
  readonly message: string;
  readonly names: readonly string[];
}

/**
 * Returns a model read from a file with its nodes in topological order, after checking that its graph is sound.
 *
 * Files whose nodes are out of order but free of cycles are sorted; the format forbids them, and they exist.
 *
 * @throws UserError `graph-cycle`, `graph-duplicate`, `graph-undefined`, `graph-output`, `graph-domain`.
 */
export function soundModel(model: Model): Model {
  const sorted = { ...model, graph: sortGraph(model.graph) };
  const problem = findGraphProblem(sorted);
  if (problem === undefined) return sorted;
  throw new UserError(
    problem.code,
    `The graph of ${model.file.path} is broken: ${problem.message}. Export the model again.`,
    { detail: { names: problem.names } },
  );
}

/**
 * Checks that a model made by a rewrite is sound: names unique and defined before use, outputs made, domains imported.
 *
 * @throws Error naming the problem: a rewrite that breaks a graph is a bug.
 */
export function verify(model: Model): void {
  const problem = findGraphProblem(model);
  if (problem !== undefined) throw new Error(`A rewrite broke the graph: ${problem.message}.`);
}

/** Returns the first thing wrong with a model's graphs, or undefined when they are sound. */
export function findGraphProblem(model: Model): GraphProblem | undefined {
  return problemOfGraph(model.graph, new Set()) ?? problemOfDomains(model);
}

function sortGraph(graph: Graph): Graph {
  const order = topologicalOrder(graph);
  // A cycle is left as it is: the check that follows names it.
  const nodes = order.kind === 'cycle' ? graph.nodes : order.nodes;
  const sortedNodes = nodes.map(sortBodies);
  const isUnchanged = sortedNodes.every((node, index) => node === graph.nodes[index]);
  return isUnchanged ? graph : { ...graph, nodes: sortedNodes };
}

function sortBodies(node: GraphNode): GraphNode {
  let attributes: Map<string, Attribute> | undefined;
  for (const [name, attribute] of node.attributes) {
    if (attribute.kind !== 'graph') continue;
    const value = sortGraph(attribute.value);
    if (value === attribute.value) continue;
    attributes ??= new Map(node.attributes);
    attributes.set(name, { kind: 'graph', value });
  }
  return attributes === undefined ? node : { ...node, attributes };
}

function problemOfGraph(graph: Graph, outer: ReadonlySet<string>): GraphProblem | undefined {
  const order = topologicalOrder(graph);
  if (order.kind === 'cycle') return cycleProblem(order.nodes);
  const defined = new Set(outer);
  const own = new Set<string>();
  const duplicate = defineAll(namesBefore(graph), defined, own);
  if (duplicate !== undefined) return duplicateProblem(duplicate);
  for (const node of graph.nodes) {
    const problem = problemOfNode(node, defined, own);
    if (problem !== undefined) return problem;
  }
  for (const output of graph.outputs) {
    if (!defined.has(output.name)) {
      return {
        code: 'graph-output',
        message: `output "${output.name}" is made by no node`,
        names: [output.name],
      };
    }
  }
  return undefined;
}

/** Inputs and initializers; an initializer that only gives an input its default is the same name. */
function namesBefore(graph: Graph): string[] {
  const inputs = graph.inputs.map((input) => input.name);
  const known = new Set(inputs);
  const constants = [...graph.initializers.keys(), ...graph.sparseInitializers.map((s) => s.values.name)];
  return [...inputs, ...constants.filter((name) => !known.has(name))];
}

function problemOfNode(node: GraphNode, defined: Set<string>, own: Set<string>): GraphProblem | undefined {
  for (const input of node.inputs) {
    if (input === '' || defined.has(input)) continue;
    return {
      code: 'graph-undefined',
      message: `${labelOf(node)} reads "${input}", which nothing before it makes`,
      names: [input],
    };
  }
  for (const body of bodiesOf(node)) {
    const problem = problemOfGraph(body.graph, defined);
    if (problem !== undefined) {
      return { ...problem, message: `in ${body.attribute} of ${labelOf(node)}, ${problem.message}` };
    }
  }
  const duplicate = defineAll(node.outputs, defined, own);
  return duplicate === undefined ? undefined : duplicateProblem(duplicate);
}

/** Returns the first name that this graph defines twice. Bodies may shadow nothing, but runtimes accept it, so do we. */
function defineAll(names: readonly string[], defined: Set<string>, own: Set<string>): string | undefined {
  for (const name of names) {
    if (name === '') continue;
    if (own.has(name)) return name;
    own.add(name);
    defined.add(name);
  }
  return undefined;
}

function problemOfDomains(model: Model): GraphProblem | undefined {
  const missing = missingDomain(model.graph, model);
  if (missing === undefined) return undefined;
  return {
    code: 'graph-domain',
    message: `${labelOf(missing)} belongs to domain "${missing.domain}", which the model does not import`,
    names: [missing.domain],
  };
}

function missingDomain(graph: Graph, model: Model): GraphNode | undefined {
  const local = new Set(model.functions.map((definition) => definition.domain));
  const isKnown = (domain: string): boolean => model.opsets.has(domain) || local.has(domain);
  for (const node of graph.nodes) {
    if (!isKnown(node.domain)) return node;
    for (const body of bodiesOf(node)) {
      const missing = missingDomain(body.graph, model);
      if (missing !== undefined) return missing;
    }
  }
  return undefined;
}

/** Names enough of a cycle to find it, not thousands. */
const namedNodeCount = 8;

function cycleProblem(nodes: readonly GraphNode[]): GraphProblem {
  const labels = nodes.slice(0, namedNodeCount).map(labelOf);
  const more = nodes.length > namedNodeCount ? ` and ${nodes.length - namedNodeCount} more` : '';
  return {
    code: 'graph-cycle',
    message: `these nodes read each other's outputs in a cycle: ${labels.join(', ')}${more}`,
    names: labels,
  };
}

function duplicateProblem(name: string): GraphProblem {
  return { code: 'graph-duplicate', message: `"${name}" is defined twice`, names: [name] };
}

function labelOf(node: GraphNode): string {
  const operator = qualifiedOperator(node);
  return node.name === ''
    ? `the ${operator} that makes "${node.outputs[0] ?? ''}"`
    : `${operator} "${node.name}"`;
}
