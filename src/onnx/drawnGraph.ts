import type { DrawnBlock, DrawnModule, DrawnNode, DrawnSource, ModelGraph } from '../protocol/structure.js';
import { attributeWords } from './attributeWords.js';
import { drawnScopes } from './drawnScopes.js';
import { type NamingStyle, namingStyleOf } from './layers/exporterNames.js';
import type { GraphView } from './layers/graphView.js';
import type { Layer, LayerTable } from './layers/layer.js';
import { type GraphNode, type Model, opsetOf, qualifiedOperator, type ValueType } from './model.js';
import type { OpenedModel } from './openedModel.js';
import { shapeOf } from './layers/unitAxes.js';
import type { TypeTable } from './shapes/typeTable.js';
import { typeWords } from './typeWords.js';

/**
 * Returns a model's graph as it is drawn: every node with the modules around it and where its inputs come from.
 *
 * Bodies of If, Loop and Scan are modules of their node; a function is a module of each call. Cost grows with nodes,
 * calls counted; calls behind 50,000 called nodes are drawn without what is inside.
 */
export function drawnGraph({ model, types, layers }: OpenedModel): ModelGraph {
  const [main] = layers.views;
  if (main === undefined) return { modules: [], nodes: [], inputs: [], outputs: [], blocks: [] };
  const drawing = new Drawing(model, types, layers);
  const { inputs, outputs } = main.graph;
  return {
    modules: drawing.modules,
    nodes: drawing.nodes(),
    inputs: inputs
      .filter(({ name }) => !main.graph.initializers.has(name))
      .map(({ name, type }) => ({ name, type: typeWords(knownType(type, types.get(name))) })),
    outputs: outputs.map(({ name, type }) => ({
      name,
      type: typeWords(knownType(type, types.get(name))),
      source: drawing.sourceOf(main, name),
    })),
    blocks: drawing.blocks(layers),
  };
}

function knownType(declared: ValueType, inferred: ValueType | undefined): ValueType {
  return inferred === undefined || inferred.kind === 'unknown' ? declared : inferred;
}

/** A node with the graph it stands in. */
interface Placed {
  readonly node: GraphNode;
  readonly view: GraphView;
  readonly module: number | null;
}

/** A module while the nodes inside are placed. */
interface Surroundings {
  readonly module: number | null;
  /** Names of the modules, outermost first. */
  readonly names: readonly string[];
}

class Drawing {
  readonly modules: DrawnModule[] = [];
  private readonly moduleIds = new Map<string, number>();
  private readonly style: NamingStyle;
  private readonly opset: number;
  /** Bodies and called functions of a node. */
  private readonly inside = new Map<GraphNode, GraphView[]>();
  private readonly layerOf = new Map<GraphNode, Layer>();
  private readonly placed: Placed[] = [];
  private readonly ids = new Map<GraphNode, number>();
  private readonly inputIds: ReadonlyMap<string, number>;

  constructor(
    model: Model,
    private readonly types: TypeTable,
    { views, layers }: LayerTable,
  ) {
    this.style = namingStyleOf(model);
    this.opset = opsetOf(model);
    for (const view of views) {
      const { holder } = view;
      if (holder === undefined) continue;
      const known = this.inside.get(holder.node);
      if (known === undefined) this.inside.set(holder.node, [view]);
      else known.push(view);
    }
    for (const layer of layers) {
      if (layer.kind === 'scope') continue;
      for (const node of layer.nodes) this.layerOf.set(node, layer);
    }
    const { inputs, initializers } = model.graph;
    const fed = inputs.filter(({ name }) => !initializers.has(name));
    this.inputIds = new Map(fed.map(({ name }, position) => [name, -1 - position]));
    const [main] = views;
    if (main !== undefined) this.place(main, { module: null, names: [] });
  }

  nodes(): DrawnNode[] {
    return this.placed.map((placed, id) => this.drawn(placed, id));
  }

  /** Returns the recognised blocks by the ids of their nodes, smaller ones first; a called function is drawn with each call. */
  blocks({ blocks }: LayerTable): DrawnBlock[] {
    return blocks
      .map(({ name, kind, variant, nodes }) => {
        const ids = nodes.flatMap((node) => this.ids.get(node) ?? []);
        return { name, kind, variant, nodes: ids.sort((a, b) => a - b) };
      })
      .filter(({ nodes }) => nodes.length > 0)
      .sort((a, b) => a.nodes.length - b.nodes.length);
  }

  /** Returns where a value comes from as a graph sees it: from itself, its caller, or the graphs around it. */
  sourceOf(view: GraphView, name: string): DrawnSource {
    if (name === '') return null;
    const producer = view.index.producerOf(name);
    if (producer !== undefined) return this.ids.get(producer) ?? null;
    if (view.graph.initializers.has(name)) return null;
    const { holder } = view;
    if (holder === undefined) return this.inputIds.get(name) ?? null;
    const position = view.graph.inputs.findIndex((input) => input.name === name);
    if (position >= 0) {
      return this.sourceOf(holder.view, holder.node.inputs[position + this.shift(holder.node)] ?? '');
    }
    // A function sees nothing but what it is passed.
    return holder.attribute === undefined ? null : this.sourceOf(holder.view, name);
  }

  /** Before opset 9 the first input of a Scan is a length that its body does not take. */
  private shift(node: GraphNode): number {
    return node.opType === 'Scan' && this.opset < 9 ? 1 : 0;
  }

  private place(view: GraphView, around: Surroundings): void {
    const { nodes } = view.graph;
    const scopes = drawnScopes(nodes, this.style, this.layerOf);
    for (const node of nodes) {
      const bodies = this.inside.get(node) ?? [];
      const id = this.placed.length;
      const scoped = this.entered(around, this.scopesInside(node, around.names, scopes));
      const label = node.name === '' ? `${node.opType} ${id}` : node.name;
      const own = bodies.length === 0 ? scoped : this.entered(scoped, [label], id);
      this.ids.set(node, id);
      this.placed.push({ node, view, module: own.module });
      for (const body of bodies) {
        const attribute = body.holder?.attribute;
        const isOnlyBody = bodies.length === 1 || attribute === undefined;
        this.place(body, isOnlyBody ? own : this.entered(own, [attribute], id));
      }
    }
  }

  /** Returns a place some modules further in; modules of the same names in the same place are one. */
  private entered(
    around: Surroundings,
    names: readonly string[],
    holder: number | null = null,
  ): Surroundings {
    let { module } = around;
    for (const name of names) {
      // Nodes of one name keep their bodies apart.
      const key = `${module ?? ''} ${holder ?? ''} ${name}`;
      const known = this.moduleIds.get(key) ?? this.modules.push({ name, parent: module, holder }) - 1;
      this.moduleIds.set(key, known);
      module = known;
    }
    return { module, names: [...around.names, ...names] };
  }

  /** Scopes that a body's nodes repeat stand once: the body is inside the module of its node already. */
  private scopesInside(
    node: GraphNode,
    around: readonly string[],
    scopes: ReadonlyMap<GraphNode, string>,
  ): string[] {
    const scope = scopes.get(node) ?? '';
    const inside = scope === '' ? [] : prefixesOf(scope).filter((prefix) => !around.includes(prefix));
    const layer = this.layerOf.get(node);
    const isOwnModule =
      layer !== undefined &&
      layer.nodes.length > 1 &&
      ![...around, ...inside].includes(layer.name) &&
      layer.nodes.every((other) => scopes.get(other) === scope);
    return isOwnModule ? [...inside, layer.name] : inside;
  }

  private drawn({ node, view, module }: Placed, id: number): DrawnNode {
    const bodies = this.inside.get(node) ?? [];
    const results = bodies.flatMap((body) =>
      body.graph.outputs.map(({ name }) => this.sourceOf(body, name)).filter((source) => source !== null),
    );
    return {
      id,
      name: node.name,
      operator: qualifiedOperator(node),
      module,
      layer: this.layerOf.get(node)?.name ?? null,
      inputs: node.inputs,
      sources: node.inputs.map((input) => this.sourceOf(view, input)),
      outputs: node.outputs,
      results: [...new Set(results)],
      attributes: attributeWords(node),
      shapes: node.outputs.map((output) => this.shapeOf(view, output)),
      parameterCount: parameterCountOf(node, view),
    };
  }

  private shapeOf(view: GraphView, output: string): DrawnNode['shapes'][number] {
    // The table of types knows no values of functions; one of the same name would be another.
    return isInFunction(view) ? null : (shapeOf(this.types.get(output)) ?? null);
  }
}

/** `a.b.c` → `a`, `a.b`, `a.b.c`. */
function prefixesOf(scope: string): string[] {
  const parts = scope.split('.');
  return parts.map((_, index) => parts.slice(0, index + 1).join('.'));
}

function isInFunction({ holder }: GraphView): boolean {
  if (holder === undefined) return false;
  return holder.attribute === undefined || isInFunction(holder.view);
}

function parameterCountOf(node: GraphNode, view: GraphView): number {
  const constants = node.inputs.map((input) => view.constants.get(input)?.elementCount ?? 0);
  return constants.reduce((total, count) => total + count, 0);
}
