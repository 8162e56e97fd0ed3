import { type GraphIndex, indexGraph } from '../graphIndex.js';
import { bodiesOf, type Graph, type GraphNode, type Model } from '../model.js';
import { type Constant, constantsOf } from './constants.js';

/** One graph of a model (the main one, a body or a function) with what finding layers in it needs. */
export interface GraphView {
  readonly graph: Graph;
  readonly index: GraphIndex;
  readonly constants: ReadonlyMap<string, Constant>;
  readonly outputs: ReadonlySet<string>;
  readonly isInBody: boolean;
  /** Position of each node in the whole file. */
  readonly positions: ReadonlyMap<GraphNode, number>;
}

/** Returns every graph of a model in file order: bodies after the main graph, functions last. */
export function graphViewsOf(model: Model): GraphView[] {
  const views: GraphView[] = [];
  const counter = { next: 0 };
  const positions = new Map<GraphNode, number>();
  addViews(model.graph, { views, positions, outer: undefined, isInBody: false });
  for (const definition of model.functions) {
    const graph: Graph = {
      ...model.graph,
      nodes: definition.nodes,
      inputs: definition.inputs.map((name) => ({ name, type: { kind: 'unknown' }, metadata: new Map() })),
      outputs: definition.outputs.map((name) => ({ name, type: { kind: 'unknown' }, metadata: new Map() })),
      initializers: new Map(),
      sparseInitializers: [],
    };
    addViews(graph, { views, positions, outer: undefined, isInBody: true });
  }
  numberNodes(model.graph, positions, counter);
  for (const definition of model.functions) numberNodes(definition, positions, counter);
  return views;
}

interface ViewRequest {
  readonly views: GraphView[];
  readonly positions: Map<GraphNode, number>;
  readonly outer: ReadonlyMap<string, Constant> | undefined;
  readonly isInBody: boolean;
}

function addViews(graph: Graph, request: ViewRequest): void {
  const constants = constantsOf(graph, request.outer);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const { views, positions, isInBody } = request;
  views.push({ graph, index: indexGraph(graph), constants, outputs, isInBody, positions });
  for (const node of graph.nodes) {
    for (const body of bodiesOf(node)) {
      addViews(body.graph, { views, positions, outer: constants, isInBody: true });
    }
  }
}

function numberNodes(
  graph: { readonly nodes: readonly GraphNode[] },
  positions: Map<GraphNode, number>,
  counter: { next: number },
): void {
  for (const node of graph.nodes) {
    positions.set(node, counter.next++);
    for (const body of bodiesOf(node)) numberNodes(body.graph, positions, counter);
  }
}

/** Returns the node that reads a value if it is the only one and the value is no output of the graph. */
export function soleConsumer(view: GraphView, value: string): GraphNode | undefined {
  const consumers = view.index.consumersOf(value);
  return consumers.length === 1 && !view.outputs.has(value) ? consumers[0] : undefined;
}
