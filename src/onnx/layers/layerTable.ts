import type { AddressedLayer, AddressTable, AttentionHeads, Mlp } from '../../protocol/structure.js';
import { type GraphNode, intAttribute, type Model } from '../model.js';
import { inferTypes } from '../shapes/inferTypes.js';
import type { TypeTable } from '../shapes/typeTable.js';
import { blockContextOf, findBlocks } from '../blocks/findBlocks.js';
import type { RecognisedBlock } from '../blocks/recognisedBlock.js';
import { findAttentions, findMlps } from './blocks.js';
import { type Candidate, findCandidates } from './candidates.js';
import { countConstants, looseParameters } from './constantCounts.js';
import type { Constant } from './constants.js';
import { type GraphView, graphViewsOf } from './graphView.js';
import type { Layer, LayerTable } from './layer.js';
import { type LayerName, nameLayers } from './layerNames.js';
import { findScopes, type ScopeLayer } from './scopes.js';
import { type Activations, findActivations, stateSourceOf } from './stateSources.js';
import { shapeOf, unitAxesOf, type ViewAxes } from './unitAxes.js';

/** Returns every layer of a model with its name, units and place; shapes are those of `types` (default: inferred). */
export function layersOf(model: Model, types: TypeTable = inferTypes(model)): LayerTable {
  const views = graphViewsOf(model);
  const perView = views.map((view) => ({ view, candidates: findCandidates(view) }));
  const candidates = perView.flatMap((part) => part.candidates).sort((a, b) => a.index - b.index);
  const names = nameLayers(model, candidates);
  const axes = new Map<GraphView, ViewAxes>();
  // What is around a graph comes before it.
  for (const part of perView) {
    axes.set(part.view, unitAxesOf(part.view, part.candidates, { types, outer: axes }));
  }
  const { scopes, parentOf } = findScopes(model, names, views);
  const [main] = perView;
  const mlps = main === undefined ? [] : findMlps(main.candidates, names);
  const attentions = main === undefined ? [] : findAttentions(model, main.view, types);
  const activations = findActivations(views, candidates);
  const blocks = blocksByName(mlps, attentions);
  const loose = looseParameters(views);
  const context = { names, axes, types, parentOf, activations, blocks, views, loose };
  const layers = [
    ...candidates.map((candidate) => layerOf(candidate, context)),
    ...scopes.map((scope) => scopeOf(scope, context)),
  ].sort(
    (a, b) =>
      a.index - b.index || Number(b.kind === 'scope') - Number(a.kind === 'scope') || depthOf(a) - depthOf(b),
  );
  const contexts = perView.map((part) => blockContextOf(part.view, part.candidates, types));
  const recognised = findBlocks(contexts, layers);
  const marked = withBlocks(layers, recognised);
  return {
    layers: marked,
    byName: new Map(marked.map((layer) => [layer.name, layer])),
    mlps,
    attentions,
    blocks: recognised,
    counts: countConstants(views, candidates),
    views,
  };
}

/** Returns the layers with the kinds of the blocks that they hold or are parts of, each kind once. */
function withBlocks(layers: readonly Layer[], recognised: readonly RecognisedBlock[]): readonly Layer[] {
  const kinds = new Map<string, Set<string>>();
  for (const { kind, holders } of recognised) {
    for (const holder of holders) kinds.set(holder, (kinds.get(holder) ?? new Set()).add(kind));
  }
  return layers.map((layer) => {
    const found = kinds.get(layer.name);
    return found === undefined ? layer : { ...layer, blocks: [...new Set([...layer.blocks, ...found])] };
  });
}

/** Returns a model's layers without their nodes: what addresses are resolved against in another process. */
export function addressTableOf(table: LayerTable): AddressTable {
  const layers = table.layers.map(addressedLayerOf);
  return {
    layers,
    byName: new Map(layers.map((layer) => [layer.name, layer])),
    mlps: table.mlps,
    attentions: table.attentions,
  };
}

function addressedLayerOf(layer: Layer): AddressedLayer {
  const { name, path, parent, kind, operator, unitCount, unitAxis, batchAxis } = layer;
  const { output, furtherOutputs, shape, isInBody, states } = layer;
  return {
    name,
    path,
    parent,
    kind,
    operator,
    unitCount,
    unitAxis,
    batchAxis,
    output,
    furtherOutputs,
    shape,
    isInBody,
    states,
  };
}

interface Context {
  readonly names: ReadonlyMap<Candidate, LayerName>;
  readonly axes: ReadonlyMap<GraphView, ViewAxes>;
  readonly types: TypeTable;
  readonly parentOf: ReadonlyMap<Candidate, string | null>;
  readonly activations: Activations;
  readonly blocks: ReadonlyMap<string, readonly string[]>;
  readonly views: readonly GraphView[];
  readonly loose: ReadonlyMap<GraphNode, readonly Constant[]>;
}

function layerOf(candidate: Candidate, context: Context): Layer {
  const { name, path } = context.names.get(candidate) ?? { name: '', path: '' };
  const axis = context.axes.get(candidate.view)?.get(candidate.output);
  const shape = shapeOf(context.types.get(candidate.output)) ?? null;
  return {
    name,
    path,
    parent: context.parentOf.get(candidate) ?? null,
    index: candidate.index,
    kind: candidate.kind,
    operator: candidate.operator,
    unitCount: axis?.units ?? null,
    unitAxis: axis?.axis ?? null,
    batchAxis: batchAxisOf(candidate, shape),
    parameterCount: candidate.parameters.reduce((total, constant) => total + constant.elementCount, 0),
    output: candidate.output,
    furtherOutputs: [],
    shape,
    blocks: context.blocks.get(name) ?? [],
    nodes: candidate.nodes,
    input: candidate.input,
    isInBody: candidate.view.isInBody,
    family: candidate.family,
    states: stateSourceOf(candidate, context.names, context.activations),
  };
}

/** Recurrent operators put time first, unless their `layout` is 1. */
function batchAxisOf({ kind, nodes }: Candidate, shape: Layer['shape']): number {
  const [node] = nodes;
  if (kind !== 'recurrent' || node === undefined || intAttribute(node, 'layout', 0) === 1) return 0;
  return (shape?.length ?? 4) - 2;
}

function scopeOf(scope: ScopeLayer, context: Context): Layer {
  const constants = [
    ...scope.layers.flatMap((candidate) => candidate.parameters),
    ...scope.nodes.flatMap((node) => context.loose.get(node) ?? []),
  ];
  const parameters = new Map(constants.map((one) => [one.identity, one.elementCount]));
  const axis = context.views
    .map((view) => context.axes.get(view)?.get(scope.output))
    .find((found) => found !== undefined);
  return {
    name: scope.name,
    path: scope.path,
    parent: scope.parent,
    index: scope.index,
    kind: 'scope',
    operator: '',
    unitCount: axis?.units ?? null,
    unitAxis: axis?.axis ?? null,
    batchAxis: 0,
    parameterCount: [...parameters.values()].reduce((total, count) => total + count, 0),
    output: scope.output,
    furtherOutputs: scope.furtherOutputs,
    shape: shapeOf(context.types.get(scope.output)) ?? null,
    blocks: (context.blocks.get(scope.name) ?? []).filter((block) => block !== 'mlp' || isMlp(scope)),
    nodes: scope.nodes,
    input: null,
    isInBody: scope.isInBody,
    family: null,
    states: { kind: 'not-judged', reason: 'a scope holds layers, which are judged one by one', next: null },
  };
}

/** Tells whether a scope around an MLP holds nothing else: at most gate, up and down projection. */
function isMlp({ layers }: ScopeLayer): boolean {
  const isPart = ({ kind }: Candidate): boolean => ['dense', 'activation', 'normalization'].includes(kind);
  return layers.every(isPart) && layers.filter(({ kind }) => kind === 'dense').length <= 3;
}

/** Returns which recognised blocks go by a name. */
function blocksByName(
  mlps: readonly Mlp[],
  attentions: readonly AttentionHeads[],
): ReadonlyMap<string, readonly string[]> {
  const blocks = new Map<string, readonly string[]>();
  for (const { name } of mlps) blocks.set(name, ['mlp']);
  for (const { name } of attentions) blocks.set(name, [...(blocks.get(name) ?? []), 'attention']);
  return blocks;
}

function depthOf(layer: Layer): number {
  return layer.name.split('.').length;
}
