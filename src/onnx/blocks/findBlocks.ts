import { type Candidate, findCandidates } from '../layers/candidates.js';
import { type GraphView, graphViewsOf } from '../layers/graphView.js';
import type { Layer } from '../layers/layer.js';
import type { GraphNode, Model } from '../model.js';
import type { TypeTable } from '../shapes/typeTable.js';
import type { BlockContext, FoundBlock } from './blockKind.js';
import { blockKinds } from './blockTable.js';
import { holdersOf, layerCounts } from './holders.js';
import type { RecognisedBlock } from './recognisedBlock.js';

/** Nodes that walks may look at, for each node of a graph: real ones need fewer than ten. */
const visitsPerNode = 64;

/** Returns a graph as blocks are looked for in it. */
export function blockContextOf(
  view: GraphView,
  candidates: readonly Candidate[],
  types: TypeTable,
): BlockContext {
  const layerOf = new Map(
    candidates.flatMap((candidate) => candidate.nodes.map((node) => [node, candidate] as const)),
  );
  return { view, candidates, types, layerOf, budget: { left: visitsPerNode * view.graph.nodes.length } };
}

/** Returns the main graph of a model as blocks are looked for in it. */
export function mainBlockContext(model: Model, types: TypeTable): BlockContext {
  const [view] = graphViewsOf(model);
  // The main graph is always there, and first.
  const main = view as GraphView;
  return blockContextOf(main, findCandidates(main), types);
}

/** Returns the recognised blocks of a model, in file order, smaller ones before what is around them. */
export function findBlocks(contexts: readonly BlockContext[], layers: readonly Layer[]): RecognisedBlock[] {
  const layersOfNode = leavesByNode(layers);
  const counts = layerCounts(layers);
  const naming = new Naming();
  const found = contexts.flatMap((context) =>
    blockKinds.flatMap((kind) =>
      kind
        .find(context)
        .map((block) => ({ kind: kind.id, block, nodes: inFileOrder(context.view, block.nodes) })),
    ),
  );
  const positions = contexts[0]?.view.positions;
  const indexOf = (nodes: readonly GraphNode[]): number => positions?.get(nodes[0] as GraphNode) ?? 0;
  return found
    .filter(({ nodes }) => nodes.length > 0)
    .map((part) => ({ ...part, index: indexOf(part.nodes) }))
    .sort((a, b) => a.index - b.index || a.nodes.length - b.nodes.length)
    .map(({ kind, block, nodes, index }) => {
      const members = wholeLayers(nodes, layersOfNode);
      const holders = holdersOf(members, counts);
      const { output, variant } = block;
      const names = members.map(({ name }) => name);
      return {
        name: naming.nameOf(kind, holders),
        kind,
        variant,
        layers: names,
        holders,
        nodes,
        index,
        output,
      };
    });
}

function leavesByNode(layers: readonly Layer[]): ReadonlyMap<GraphNode, Layer> {
  const leaves = layers.filter(({ kind }) => kind !== 'scope');
  return new Map(leaves.flatMap((layer) => layer.nodes.map((node) => [node, layer] as const)));
}

/** Returns the layers all of whose nodes are among these. */
function wholeLayers(nodes: readonly GraphNode[], layersOfNode: ReadonlyMap<GraphNode, Layer>): Layer[] {
  const counts = new Map<Layer, number>();
  for (const node of nodes) {
    const layer = layersOfNode.get(node);
    if (layer !== undefined) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  }
  return [...counts].filter(([layer, count]) => count === layer.nodes.length).map(([layer]) => layer);
}

function inFileOrder(view: GraphView, nodes: FoundBlock['nodes']): GraphNode[] {
  const positionOf = (node: GraphNode): number => view.positions.get(node) ?? 0;
  return [...nodes].sort((a, b) => positionOf(a) - positionOf(b));
}

class Naming {
  private readonly used = new Set<string>();
  private readonly counts = new Map<string, number>();

  nameOf(kind: string, holders: readonly string[]): string {
    const [only = ''] = holders;
    const scope = holders.length === 1 ? only : sharedScope(holders);
    const name = holders.length === 1 ? only : scope === '' ? this.counted(kind) : `${scope}.${kind}`;
    const key = `${kind} ${name}`;
    let unique = name;
    for (let i = this.counts.get(key) ?? 1; this.used.has(`${kind} ${unique}`); i++) {
      this.counts.set(key, i + 1);
      unique = `${name}_${String(i)}`;
    }
    this.used.add(`${kind} ${unique}`);
    return unique;
  }

  /** `residual_0`, `residual_1`, … */
  private counted(kind: string): string {
    const count = this.counts.get(kind) ?? 0;
    this.counts.set(kind, count + 1);
    return `${kind}_${String(count)}`;
  }
}

/** Returns the scope that all names begin with. */
function sharedScope(names: readonly string[]): string {
  const [first = [], ...others] = names.map((name) => name.split('.').slice(0, -1));
  let length = first.length;
  for (const parts of others) {
    const differs = first.findIndex((part, depth) => part !== parts[depth]);
    if (differs >= 0) length = Math.min(length, differs);
  }
  return first.slice(0, length).join('.');
}
