import { type GraphIndex, indexGraph } from '../graphIndex.js';
import {
  bodiesOf,
  type FunctionDefinition,
  type Graph,
  type GraphNode,
  type Model,
  type ValueInfo,
} from '../model.js';
import { type Constant, constantsOf } from './constants.js';

/** One graph of a model (the main one, a body, or a call of a function) with what finding layers in it needs. */
export interface GraphView {
  readonly graph: Graph;
  readonly index: GraphIndex;
  readonly constants: ReadonlyMap<string, Constant>;
  readonly outputs: ReadonlySet<string>;
  readonly isInBody: boolean;
  /** The node that this graph is a body of or that calls it; undefined for the main graph. */
  readonly holder: Holder | undefined;
  /** Position of each node in the whole file. */
  readonly positions: ReadonlyMap<GraphNode, number>;
  /** What a value here is called in a view around: captured by a body as it is, passed to a function by position. */
  outerValue(name: string): { readonly view: GraphView; readonly name: string } | undefined;
}

/** What a graph inside another belongs to. */
export interface Holder {
  readonly view: GraphView;
  readonly node: GraphNode;
  /** Attribute that holds the body (`then_branch`); undefined for the call of a function. */
  readonly attribute: string | undefined;
}

/** More nodes than this, and deeper calls, are not looked into: functions that call functions could make any number. */
const maxCalledNodeCount = 50_000;
const maxCallDepth = 64;

/**
 * Returns every graph of a model, bodies behind the graph that holds them.
 *
 * A function is seen once for each call, with the constants that the call passes: its weights may be its inputs.
 */
export function graphViewsOf(model: Model): GraphView[] {
  const positions = new Map<GraphNode, number>();
  const counter = { next: 0 };
  numberNodes(model.graph, positions, counter);
  for (const definition of model.functions) numberNodes(definition, positions, counter);
  const functions = new Map(model.functions.map((definition) => [functionKey(definition), definition]));
  const viewer: Viewer = { views: [], positions, functions, seen: new Set(), calledNodeCount: 0 };
  addViews(viewer, model.graph, { isInBody: false, holder: undefined, outerValue: () => undefined });
  return viewer.views;
}

function functionKey({
  domain,
  name,
  overload,
}: Pick<FunctionDefinition, 'domain' | 'name' | 'overload'>): string {
  return `${domain}:${name}:${overload}`;
}

interface Viewer {
  readonly views: GraphView[];
  readonly positions: Map<GraphNode, number>;
  readonly functions: ReadonlyMap<string, FunctionDefinition>;
  /** Functions already seen: later calls get nodes of their own, so that a node tells its view. */
  readonly seen: Set<FunctionDefinition>;
  calledNodeCount: number;
}

interface Around {
  readonly isInBody: boolean;
  readonly holder: Holder | undefined;
  readonly outer?: ReadonlyMap<string, Constant>;
  readonly outerValue: GraphView['outerValue'];
  /** The functions that this graph is called from. */
  readonly callers?: readonly FunctionDefinition[];
}

function addViews(viewer: Viewer, graph: Graph, around: Around): void {
  const { views, positions } = viewer;
  const constants = constantsOf(graph, around.outer);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const { isInBody, holder, outerValue, callers = [] } = around;
  const index = indexGraph(graph);
  const view = { graph, index, constants, outputs, isInBody, holder, positions, outerValue };
  views.push(view);
  for (const node of graph.nodes) {
    for (const body of bodiesOf(node)) {
      const captured = (name: string): { view: GraphView; name: string } => ({ view, name });
      addViews(viewer, body.graph, {
        ...{ isInBody: true, holder: { view, node, attribute: body.attribute } },
        ...{ outer: constants, outerValue: captured, callers },
      });
    }
    const { domain, opType: name, overload } = node;
    const definition = viewer.functions.get(functionKey({ domain, name, overload }));
    // A function that calls itself is no ONNX, but may be in a file.
    if (definition === undefined || callers.includes(definition) || callers.length >= maxCallDepth) continue;
    viewer.calledNodeCount += definition.nodes.length;
    if (viewer.calledNodeCount > maxCalledNodeCount) return;
    addCall(viewer, view, { node, definition, callers: [...callers, definition] });
  }
}

interface Call {
  readonly node: GraphNode;
  readonly definition: FunctionDefinition;
  readonly callers: readonly FunctionDefinition[];
}

function addCall(viewer: Viewer, view: GraphView, { node, definition, callers }: Call): void {
  const passed = new Map(definition.inputs.map((name, position) => [name, node.inputs[position] ?? '']));
  const outer = new Map<string, Constant>();
  for (const [name, argument] of passed) {
    const constant = view.constants.get(argument);
    if (constant !== undefined) outer.set(name, constant);
  }
  const outerValue = (name: string): { view: GraphView; name: string } | undefined => {
    const argument = passed.get(name);
    return argument === undefined ? undefined : { view, name: argument };
  };
  const holder = { view, node, attribute: undefined };
  addViews(viewer, graphOfCall(viewer, definition), { isInBody: true, holder, outer, outerValue, callers });
}

function graphOfCall({ seen, positions }: Viewer, definition: FunctionDefinition): Graph {
  const nodes = seen.has(definition)
    ? definition.nodes.map((node) => {
        const copy = { ...node };
        positions.set(copy, positions.get(node) ?? 0);
        return copy;
      })
    : definition.nodes;
  seen.add(definition);
  const valueNamed = (name: string): ValueInfo => ({ name, type: { kind: 'unknown' }, metadata: new Map() });
  return {
    name: definition.name,
    nodes,
    inputs: definition.inputs.map(valueNamed),
    outputs: definition.outputs.map(valueNamed),
    initializers: new Map(),
    sparseInitializers: [],
    valueInfo: definition.valueInfo,
    metadata: definition.metadata,
  };
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
