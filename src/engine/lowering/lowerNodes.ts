import type { Graph, GraphNode, Model, ValueInfo, ValueType } from '../../onnx/model.js';
import { opsetOf } from '../../onnx/model.js';
import { readsOf } from '../../onnx/graphIndex.js';
import { mapDimensions } from '../../onnx/shapes/declared.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import { GraphBuilder, makeNode } from '../graph/graphBuilder.js';
import { functionLowering } from './functionCall.js';
import type { Lowering } from './lowering.js';
import { findLowering } from './loweringTable.js';

/** Which nodes are taken apart, and what is known about the values around them. */
export interface LoweringRequest {
  /** Nodes to lower if they are composite, in topological order. */
  readonly nodes: readonly GraphNode[];
  /** Whether a node has a rule of its own that goes before its lowering. */
  isCovered(node: GraphNode): boolean;
  /** Whether a node's rule adds outputs to it, so that it has to stand in the graph itself. */
  isPrepared(node: GraphNode): boolean;
  typeOf(name: string): ValueType;
  /** Puts the core nodes in the place of every composite, whatever its entry says. */
  readonly replacesAll?: boolean;
  constantsOf(model: Model): (name: string) => TensorValue | undefined;
}

/** A model with composites taken apart. */
export interface LoweredModel {
  /** The model with core nodes beside the composites, or in their place. */
  readonly model: Model;
  /** The requested nodes with each composite replaced by core nodes, some of which stand in no graph. */
  readonly nodes: readonly GraphNode[];
  /** Types of the values that the core nodes make. */
  readonly types: ReadonlyMap<string, ValueType>;
  /** Composites that round to whole numbers, by their outputs. */
  readonly straightThrough: ReadonlySet<string>;
}

/** Lowerings that emit composites which emit composites … deeper than this are taken for endless. */
const maxDepth = 32;

/**
 * Returns the model with the composite nodes among `nodes` said in core operators.
 *
 * Values of the model keep their names and, unless a lowering replaces its node, their makers: the forward result is the
 * same bit for bit. A composite's last core nodes then stand in no graph; they only say how its outputs depend on the
 * rest, and reading those outputs reads what the composite computed.
 */
export function lowerNodes(model: Model, request: LoweringRequest): LoweredModel {
  const opset = opsetOf(model);
  const lower = (node: GraphNode): Lowering | undefined =>
    request.isCovered(node) ? undefined : (functionLowering(model, node) ?? findLowering(node, opset));
  const pass = new LoweringPass(model, request);
  let composites = request.nodes.filter((node) => lower(node) !== undefined);
  for (let depth = 0; composites.length > 0; depth++) {
    if (depth === maxDepth) throw new Error(`Lowering ${composites[0]?.opType ?? ''} does not end.`);
    const made = pass.lowerLevel(composites.flatMap((node) => entryOf(node, lower(node))));
    composites = made.filter((node) => lower(node) !== undefined);
  }
  return pass.finish();
}

function entryOf(node: GraphNode, lowering: Lowering | undefined): readonly Composite[] {
  return lowering === undefined ? [] : [{ node, lowering }];
}

interface Composite {
  readonly node: GraphNode;
  readonly lowering: Lowering;
}

/** What a composite became. */
interface Parts {
  readonly nodes: readonly GraphNode[];
  readonly isReplaced: boolean;
}

class LoweringPass {
  private readonly partsOf = new Map<GraphNode, Parts>();
  private readonly nested = new Set<GraphNode>();
  private readonly virtual = new Set<GraphNode>();
  private readonly types = new Map<string, ValueType>();
  private readonly straightThrough = new Set<string>();
  private readonly builder: GraphBuilder;
  private readonly producers = new Map<string, GraphNode>();

  constructor(
    private readonly model: Model,
    private readonly request: LoweringRequest,
  ) {
    this.builder = new GraphBuilder(model);
    this.index(model.graph.nodes);
  }

  /** Takes composites apart and returns the nodes that were made. */
  lowerLevel(composites: readonly Composite[]): readonly GraphNode[] {
    const constantOf = this.request.constantsOf(this.builder.build());
    const made: GraphNode[] = [];
    for (const composite of composites) made.push(...this.takeApart(composite, constantOf));
    this.inferInside(made);
    this.index(made);
    return made;
  }

  /** Returns the model, with what was made standing where it belongs. */
  finish(): LoweredModel {
    const built = this.builder.build();
    const own = built.graph.nodes.slice(0, this.model.graph.nodes.length);
    const nodes = this.partsOf.size === 0 ? own : own.flatMap((node) => this.standing(node));
    return {
      model: this.partsOf.size === 0 ? this.model : { ...built, graph: { ...built.graph, nodes } },
      nodes: this.request.nodes.flatMap((node) => this.expanded(node)),
      types: this.types,
      straightThrough: this.straightThrough,
    };
  }

  private index(nodes: readonly GraphNode[]): void {
    for (const node of nodes) {
      for (const output of node.outputs) if (!this.producers.has(output)) this.producers.set(output, node);
    }
  }

  private typeOf(name: string): ValueType {
    return sharperType(this.request.typeOf(name), this.types.get(name));
  }

  private takeApart(
    { node, lowering }: Composite,
    constantOf: (name: string) => TensorValue | undefined,
  ): readonly GraphNode[] {
    const { builder } = this;
    const start = builder.nodeCount;
    const { initializers, inputs } = this.model.graph;
    const fed = new Set(inputs.map((input) => input.name));
    const results = lowering.lower({
      node,
      builder,
      model: this.model,
      typeOf: (name) => this.typeOf(name),
      isConstant: (name) => initializers.has(name) && !fed.has(name),
      constantOf,
      producerOf: (name) => this.producers.get(name),
    });
    const { nodes, last } = this.nameResults(builder.nodesFrom(start), node, results);
    const isVirtual = this.virtual.has(node);
    // What a lowering made need not be an operator that the model's opsets have.
    const isReplaced =
      !isVirtual &&
      (this.request.replacesAll === true || lowering.replaces === true || this.nested.has(node));
    this.partsOf.set(node, { nodes, isReplaced });
    for (const made of nodes) {
      this.nested.add(made);
      if (!isReplaced && last.has(made)) this.virtual.add(made);
    }
    if (lowering.isStraightThrough === true) {
      for (const output of node.outputs) this.straightThrough.add(output);
    }
    return nodes;
  }

  /** Gives the values that stand for the composite's outputs the names of these outputs. */
  private nameResults(
    made: readonly GraphNode[],
    node: GraphNode,
    results: readonly (string | undefined)[],
  ): { readonly nodes: readonly GraphNode[]; readonly last: ReadonlySet<GraphNode> } {
    const makers = new Map(made.flatMap((maker) => maker.outputs.map((output) => [output, maker] as const)));
    const renamed = new Map<string, string>();
    const copies: GraphNode[] = [];
    results.forEach((result, i) => {
      const output = node.outputs[i] ?? '';
      if (result === undefined || output === '') return;
      const maker = makers.get(result);
      const isFree = maker?.outputs.length === 1 && !renamed.has(result) && !this.request.isPrepared(maker);
      if (isFree) renamed.set(result, output);
      else copies.push(identity(result, output));
    });
    const rename = (name: string): string => renamed.get(name) ?? name;
    const nodes = [...made, ...copies].map((maker) => ({
      ...maker,
      inputs: maker.inputs.map(rename),
      outputs: maker.outputs.map(rename),
    }));
    const finals = new Set(node.outputs.filter((name) => name !== ''));
    const last = nodes.filter((maker) => maker.outputs.some((output) => finals.has(output)));
    return { nodes, last: new Set(last) };
  }

  /** Types what was made; made-up names of sizes are kept apart from those of other tables. */
  private inferInside(made: readonly GraphNode[]): void {
    const { initializers, ...graph } = this.builder.build().graph;
    const makes = new Set(made.flatMap((node) => node.outputs));
    const inputs = new Map<string, ValueInfo>();
    for (const name of new Set(made.flatMap((node) => [...readsOf(node)]))) {
      if (name === '' || makes.has(name) || initializers.has(name)) continue;
      inputs.set(name, { name, type: protect(this.typeOf(name)), metadata: new Map() });
    }
    const valueInfo = new Map<string, ValueInfo>();
    for (const name of makes) {
      const type = this.typeOf(name);
      // A quantised output is a real number here.
      const shown = this.straightThrough.has(name) && type.kind === 'tensor' ? asFloat(type) : type;
      const isTold = type.kind === 'tensor' && (type.shape !== null || this.straightThrough.has(name));
      if (isTold) valueInfo.set(name, { name, type: protect(shown), metadata: new Map() });
    }
    const inside: Graph = {
      ...graph,
      initializers,
      inputs: [...inputs.values()],
      outputs: [],
      nodes: made,
      valueInfo,
    };
    const mark = `?${String(this.types.size)}_`;
    const inferred = inferTypes({ ...this.model, graph: inside }, { keepsUnnamed: true });
    for (const name of makes) {
      const type = inferred.get(name);
      if (type !== undefined) this.types.set(name, release(type, mark));
    }
  }

  /** The nodes that a node stands for in the graph. */
  private standing(node: GraphNode): readonly GraphNode[] {
    const own = this.virtual.has(node) ? [] : [node];
    const parts = this.partsOf.get(node);
    if (parts === undefined) return own;
    const inner = parts.nodes.flatMap((part) => this.standing(part));
    return parts.isReplaced ? inner : [...own, ...inner];
  }

  /** The core nodes that a node stands for in the backward pass. */
  private expanded(node: GraphNode): readonly GraphNode[] {
    const parts = this.partsOf.get(node);
    return parts === undefined ? [node] : parts.nodes.flatMap((part) => this.expanded(part));
  }
}

/** Returns what the core nodes tell of a value where the model itself does not even tell its rank. */
export function sharperType(known: ValueType, inside: ValueType | undefined): ValueType {
  const isVague = known.kind === 'unknown' || (known.kind === 'tensor' && known.shape === null);
  return isVague ? (inside ?? known) : known;
}

function identity(input: string, output: string): GraphNode {
  return makeNode('Identity', [input], { outputs: [output] });
}

/** Returns the type with whole numbers taken for real ones. */
function asFloat(type: Extract<ValueType, { kind: 'tensor' }>): ValueType {
  return { ...type, elementType: 'float32' };
}

/** Marks the made-up names of sizes that come from outside. */
function protect(type: ValueType): ValueType {
  return mapDimensions(type, (size) => (typeof size === 'string' ? size.replaceAll('?', '?:') : size));
}

/** Gives made-up names back, and those made inside a mark of their own. */
function release(type: ValueType, mark: string): ValueType {
  return mapDimensions(type, (size) =>
    typeof size === 'string' ? size.replace(/\?(?!:)/gu, mark).replaceAll('?:', '?') : size,
  );
}
