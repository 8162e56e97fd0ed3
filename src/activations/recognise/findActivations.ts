import type { Layer, LayerTable } from '../../onnx/layers/layer.js';
import type { GraphView } from '../../onnx/layers/graphView.js';
import type { GraphNode } from '../../onnx/model.js';
import type { Expression } from '../expression.js';
import { type ActivationMatch, matchActivation } from './matchActivation.js';
import { entryOfOperator, isElementwise } from './readOperator.js';
import { readSubgraph, type ReadSubgraph } from './readSubgraph.js';

/** An activation of a model: one operator, or several that are one function of one number. */
export interface FoundActivation {
  /** The layer that stands for it: the activation itself, one of its parts, or what feeds it. */
  readonly layer: Layer;
  readonly input: string;
  readonly output: string;
  /** In file order. */
  readonly nodes: readonly GraphNode[];
  /** Undefined where it is no function of one number alone; then `reason` says why. */
  readonly expression: Expression | undefined;
  readonly reason: string | undefined;
  readonly match: ActivationMatch | undefined;
  /** Whether what leaves it is an output of the model, but for its shape. */
  readonly isOutput: boolean;
}

/**
 * Returns every activation of a model, in file order.
 *
 * Activation and gate layers are read as expressions; beside them, every longest run of element-wise operators with one value
 * entering, behind a layer. A run that is an entry of the catalogue stands for the layers inside it: x · σ(βx), relu(x)².
 * What a normalisation computes, EvoNorm with its gate too, is left out.
 */
export function findActivations(table: LayerTable): FoundActivation[] {
  const views = new Map(table.views.flatMap((view) => view.graph.nodes.map((node) => [node, view] as const)));
  const inBlocks = new Set(table.blocks.flatMap(({ kind, nodes }) => (kind === 'evonorm' ? nodes : [])));
  const found = table.views.flatMap((view) => runsIn(view, table, inBlocks));
  const inside = new Set([...inBlocks, ...found.flatMap(({ nodes }) => nodes)]);
  for (const layer of table.layers) {
    if (layer.kind !== 'activation' && layer.kind !== 'gate') continue;
    if (layer.nodes.some((node) => inside.has(node))) continue;
    found.push(readLayer(layer, views.get(layer.nodes[0] ?? noNode)));
  }
  const position = ({ nodes: [first] }: FoundActivation): number =>
    table.views[0]?.positions.get(first ?? noNode) ?? 0;
  return found.sort((a, b) => position(a) - position(b));
}

const noNode = {} as GraphNode;

function readLayer(layer: Layer, view: GraphView | undefined): FoundActivation {
  const { nodes, output } = layer;
  const input = layer.input ?? '';
  const common = { layer, input, output, nodes, isOutput: view !== undefined && reachesOutput(view, output) };
  const read = view === undefined ? undefined : readSubgraph(view, { input, output });
  if (view === undefined || read === undefined) {
    return { ...common, expression: undefined, match: undefined, reason: whyUnread(layer) };
  }
  const [node, ...others] = nodes;
  const said = node === undefined || others.length > 0 ? undefined : entryOfOperator(node, view.constants);
  const match = matchActivation(read.expression, said);
  const reason = match === undefined ? 'no entry has these values' : undefined;
  return { ...common, expression: read.expression, match, reason };
}

/** Operators that change the shape of a value and nothing else. */
const reshapes: ReadonlySet<string> = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);

function reachesOutput(view: GraphView, value: string): boolean {
  if (view.isInBody) return false;
  if (view.outputs.has(value)) return true;
  const [reader, ...others] = view.index.consumersOf(value);
  if (reader === undefined || others.length > 0 || !reshapes.has(reader.opType)) return false;
  return reachesOutput(view, reader.outputs[0] ?? '');
}

function whyUnread({ operator }: Layer): string {
  return operator === 'PRelu'
    ? 'it has a slope of its own for each unit'
    : 'it is no function of one number with constants that are known';
}

/** Longest runs of element-wise operators in one graph that are entries of the catalogue. */
function runsIn(view: GraphView, table: LayerTable, inBlocks: ReadonlySet<GraphNode>): FoundActivation[] {
  const layerOf = new Map<GraphNode, Layer>();
  const producers = new Map<string, Layer>();
  const closed = new Set(inBlocks);
  for (const layer of table.layers) {
    if (layer.kind === 'scope' || layer.kind === 'block') continue;
    const isActivation = layer.kind === 'activation' || layer.kind === 'gate';
    for (const node of layer.nodes) {
      if (isActivation) layerOf.set(node, layer);
      else closed.add(node);
    }
    if (!isActivation) producers.set(layer.output, layer);
  }
  const taken = new Set<GraphNode>();
  return longestRuns(view, closed).flatMap(({ input, output }): FoundActivation[] => {
    const read = readSubgraph(view, { input, output });
    if (read === undefined || read.nodes.some((node) => taken.has(node))) return [];
    const layer =
      read.nodes.map((node) => layerOf.get(node)).find((own) => own !== undefined) ?? producers.get(input);
    // One activation operator is a layer, and told as one; a lone Sqrt or Exp behind no layer is arithmetic.
    if (layer === undefined || isWholeLayer(read, layer)) return [];
    const match = matchActivation(read.expression);
    if (match === undefined) return [];
    for (const node of read.nodes) taken.add(node);
    const isOutput = reachesOutput(view, output);
    return [{ layer, input, output, ...read, reason: undefined, match, isOutput }];
  });
}

function isWholeLayer(read: ReadSubgraph, layer: Layer): boolean {
  return read.nodes.every((node) => layer.nodes.includes(node));
}

interface Run {
  readonly input: string;
  readonly output: string;
}

/** Runs of operators with one value entering: from that value to each that leaves. */
function longestRuns({ graph, constants, index, outputs }: GraphView, closed: ReadonlySet<GraphNode>): Run[] {
  const roots = new Map<string, string>();
  for (const node of graph.nodes) {
    const [output, ...others] = node.outputs;
    if (output === undefined || others.some((name) => name !== '') || closed.has(node)) continue;
    if (!isElementwise(node) || constants.has(output)) continue;
    const entering = new Set(
      node.inputs
        .filter((name) => name !== '' && !constants.has(name))
        .map((name) => roots.get(name) ?? name),
    );
    const [root] = entering;
    if (entering.size === 1 && root !== undefined) roots.set(output, root);
  }
  const leaves = (value: string, root: string): boolean =>
    outputs.has(value) || index.consumersOf(value).some((node) => roots.get(node.outputs[0] ?? '') !== root);
  return [...roots]
    .filter(([value, root]) => leaves(value, root))
    .map(([output, input]) => ({ input, output }));
}
