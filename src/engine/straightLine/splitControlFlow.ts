import { readsOf } from '../../onnx/graphIndex.js';
import {
  bodiesOf,
  type Graph,
  type GraphNode,
  intAttribute,
  intsAttribute,
  type Model,
  type Tensor,
} from '../../onnx/model.js';
import { makeNode } from '../graph/graphBuilder.js';
import type { BranchPoint, Piece, Plan, PlanStep } from './plan.js';

/** A model as pieces without control flow and the plan that puts them together. */
export interface SplitModel {
  readonly plan: Plan;
  readonly pieces: readonly Piece[];
  readonly points: readonly BranchPoint[];
  /** Names of nodes with bodies that stay whole inside a piece: a Scan along other axes or backwards, operators not of ai.onnx. */
  readonly kept: readonly string[];
}

/**
 * Takes a model apart at every If, Loop and Scan, those in bodies too: the nodes between them become pieces, each a model of its
 * own, and a plan says how a host runs them so that the outputs stay the same.
 *
 * Constants are copied into the pieces that read them. Control flow inside model functions stays in its piece.
 *
 * Source: Chen et al. (2023), "DyCL: Dynamic Neural Network Compilation Via Program Rewriting and Graph Optimization",
 * https://arxiv.org/abs/2307.04963. Differs: the graph is given, so no program is analysed; loops are taken apart too.
 */
export function splitControlFlow(model: Model): SplitModel {
  const splitter = new Splitter();
  const plan = splitter.graph(model.graph, undefined, '');
  return { plan, pieces: splitter.pieces, points: splitter.points, kept: splitter.kept };
}

/** Tells whether a model branches or loops in its graph or a body. */
export function hasControlFlow({ graph }: Model): boolean {
  return graph.nodes.some((node) => bodiesOf(node).length > 0);
}

/** Constants that a graph sees: its own, and those of the graphs around it unless it has a value of that name. */
interface Surroundings {
  readonly around: Surroundings | undefined;
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** Constant nodes by output. */
  readonly constants: ReadonlyMap<string, GraphNode>;
  readonly defined: ReadonlySet<string>;
}

class Splitter {
  readonly pieces: Piece[] = [];
  readonly points: BranchPoint[] = [];
  readonly kept: string[] = [];

  graph(graph: Graph, around: Surroundings | undefined, path: string): Plan {
    return new GraphSplit(this, graph, { around, path }).plan();
  }
}

class GraphSplit {
  private readonly splitter: Splitter;
  private readonly graph: Graph;
  private readonly path: string;
  private readonly scope: Surroundings;
  private readonly steps: PlanStep[] = [];
  private pending: GraphNode[] = [];

  constructor(
    splitter: Splitter,
    graph: Graph,
    { around, path }: { readonly around: Surroundings | undefined; readonly path: string },
  ) {
    this.splitter = splitter;
    this.graph = graph;
    this.path = path;
    const constants = graph.nodes.filter((node) => node.opType === 'Constant' && node.domain === '');
    this.scope = {
      around,
      initializers: graph.initializers,
      constants: new Map(constants.map((node) => [node.outputs[0] ?? '', node])),
      defined: new Set([
        ...graph.inputs.map(({ name }) => name),
        ...graph.nodes.flatMap(({ outputs }) => outputs),
      ]),
    };
  }

  plan(): Plan {
    for (const [index, node] of this.graph.nodes.entries()) {
      // Constants come along with whoever reads them.
      if (this.scope.constants.has(node.outputs[0] ?? '')) continue;
      if (bodiesOf(node).length === 0 || !this.isSplit(node)) this.pending.push(node);
      else this.control(node, this.graph.nodes.slice(index + 1));
    }
    const results = this.graph.outputs.map(({ name }) => this.handed(name));
    this.flush([], results);
    return { steps: this.steps, results };
  }

  /** A Scan along other axes, or backwards, is left to the runtime. */
  private isSplit(node: GraphNode): boolean {
    const isPlain =
      node.domain === '' &&
      (node.opType === 'If' || node.opType === 'Loop' || (node.opType === 'Scan' && isForward(node)));
    if (!isPlain) this.splitter.kept.push(this.nameOf(node));
    return isPlain;
  }

  private control(node: GraphNode, later: readonly GraphNode[]): void {
    // What the host itself looks at is a value, also where it is constant.
    const operands = node.inputs.map((name) => (name === '' ? '' : this.handed(name)));
    this.flush([node, ...later], operands);
    const name = this.nameOf(node);
    const bodies = new Map(bodiesOf(node).map(({ attribute, graph }) => [attribute, graph]));
    const planOf = (attribute: string): Plan => this.bodyPlan(bodies.get(attribute), name, attribute);
    if (node.opType === 'If') {
      const point = { id: this.splitter.points.length, name };
      this.splitter.points.push(point);
      this.steps.push({
        ...{ kind: 'branch', point, condition: operands[0] ?? '', outputs: node.outputs },
        whenTrue: planOf('then_branch'),
        whenFalse: planOf('else_branch'),
      });
      return;
    }
    const bodyInputs = bodies.get('body')?.inputs.map((input) => input.name) ?? [];
    const common = { bodyInputs, body: planOf('body'), outputs: node.outputs };
    if (node.opType === 'Loop') {
      const [tripCount = '', condition = '', ...initial] = operands;
      this.steps.push({ kind: 'loop', tripCount, condition, initial, ...common });
      return;
    }
    const states = node.inputs.length - intAttribute(node, 'num_scan_inputs', 1);
    this.steps.push({
      ...{ kind: 'scan', initial: operands.slice(0, states), rows: operands.slice(states) },
      ...common,
    });
  }

  private bodyPlan(body: Graph | undefined, name: string, attribute: string): Plan {
    if (body === undefined) return { steps: [], results: [] };
    const path = attribute === 'body' ? name : `${name}/${attribute.replace('_branch', '')}`;
    return this.splitter.graph(body, this.scope, path);
  }

  /** Makes what is pending a piece, with those of its values as outputs that later nodes, bodies or the host read. */
  private flush(later: readonly GraphNode[], handed: readonly string[]): void {
    if (this.pending.length === 0) return;
    const made = new Set(this.pending.flatMap(({ outputs }) => outputs));
    const read = new Set([...handed, ...this.graph.outputs.map(({ name }) => name)]);
    for (const node of later) for (const name of readsOf(node)) read.add(name);
    const { nodes, initializers, inputs } = this.closed(this.pending);
    const outputs = [...made].filter((name) => name !== '' && read.has(name));
    if (outputs.length > 0) {
      const piece: Piece = { id: this.splitter.pieces.length, nodes, initializers, inputs, outputs };
      this.splitter.pieces.push(piece);
      this.steps.push({ kind: 'piece', piece });
    }
    this.pending = [];
  }

  /** Nodes with the constants they read in front, and what they still read from elsewhere. */
  private closed(nodes: readonly GraphNode[]): Pick<Piece, 'nodes' | 'initializers' | 'inputs'> {
    const made = new Set(nodes.flatMap(({ outputs }) => outputs));
    const initializers = new Map<string, Tensor>();
    const constants = new Map<string, GraphNode>();
    const inputs = new Set<string>();
    for (const name of nodes.flatMap((node) => [...readsOf(node)])) {
      if (made.has(name)) continue;
      const constant = constantIn(this.scope, name);
      if (constant === undefined) inputs.add(name);
      else if ('opType' in constant) constants.set(name, constant);
      else initializers.set(name, constant);
    }
    return { nodes: [...constants.values(), ...nodes], initializers, inputs: [...inputs] };
  }

  /** A constant becomes the output of a piece where the host or another graph takes it as a value. */
  private handed(name: string): string {
    if (constantIn(this.scope, name) === undefined) return name;
    const copy = `ni/handed/${this.path}/${name}`;
    if (!this.pending.some(({ outputs }) => outputs.includes(copy))) {
      this.pending.push(makeNode('Identity', [name], { outputs: [copy] }));
    }
    return copy;
  }

  private nameOf(node: GraphNode): string {
    const index = this.graph.nodes.indexOf(node);
    const own = node.name === '' ? `${node.opType.toLowerCase()}_${String(index)}` : node.name;
    return this.path === '' ? own : `${this.path}/${own}`;
  }
}

function constantIn(scope: Surroundings | undefined, name: string): Tensor | GraphNode | undefined {
  for (let at = scope; at !== undefined; at = at.around) {
    const constant = at.constants.get(name) ?? at.initializers.get(name);
    if (constant !== undefined) return constant;
    if (at.defined.has(name)) return undefined;
  }
  return undefined;
}

function isForward(node: GraphNode): boolean {
  const names = [
    ...['scan_input_axes', 'scan_input_directions'],
    ...['scan_output_axes', 'scan_output_directions'],
  ];
  return names.every((name) => (intsAttribute(node, name) ?? []).every((value) => value === 0));
}
