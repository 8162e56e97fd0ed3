import type { Graph, GraphNode, Model } from '../../onnx/model.js';
import { topologicalOrder } from '../../onnx/graphIndex.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { appendChange, type Change } from '../interventions/change.js';
import { renameReads } from './renameReads.js';
import { rewriteBodies } from './rewriteBodies.js';
import { appendRegions, type Region } from '../interventions/selection.js';

/** A change of one value, of the main graph or a body; everything that reads the value sees the changed one. */
export interface Intervention {
  /** A weight's name changes the weight. */
  readonly value: string;
  /** Rank of the value, so that selections broadcast against it. */
  readonly rank: number;
  readonly change: Change;
  /** Where it is changed: an element has to be in every selection; none selects everything. */
  readonly where?: Region;
  /** Where it is changed, in place of `where`: an element has to be in any of the regions. */
  readonly whereAny?: readonly Region[];
}

/** Returns the regions of an intervention; none means everywhere. */
export function regionsOf({ where, whereAny }: Intervention): readonly Region[] {
  const regions = whereAny ?? (where === undefined ? [] : [where]);
  return regions.some((region) => region.length === 0) ? [] : regions;
}

/**
 * Returns the model with interventions applied in turn; graph outputs and bodies that read a changed value see the change.
 *
 * A value inside a Loop or Scan is changed in every iteration.
 *
 * @throws Error when a value is nowhere in the graph, or a weight is replaced by one of another shape.
 */
export function intervene(model: Model, interventions: readonly Intervention[]): Model {
  // What readers of an input or a constant were given instead, once it was changed.
  const readAs = new Map<string, string>();
  return interventions.reduce((changed, intervention) => interveneOnce(changed, intervention, readAs), model);
}

function interveneOnce(model: Model, intervention: Intervention, readAs: Map<string, string>): Model {
  const swapped = swapWeight(model, intervention);
  if (swapped !== undefined) return swapped;
  const value = readAs.get(intervention.value) ?? intervention.value;
  if (!isInMain(model.graph, value)) {
    // Bodies are changed as models of their own; what they read from around keeps its name.
    const inside = rewriteBodies(model, value, (body) => interveneOnce(body, intervention, new Map(readAs)));
    if (inside !== undefined) return inside;
  }
  const { detached, before, after } = detach(model, value);
  if (after !== value) readAs.set(intervention.value, after);
  const builder = new GraphBuilder(detached);
  const { rank, change } = intervention;
  const changed = appendChange(
    { builder, value: before, rank, batchAxis: 0, read: (name) => readAs.get(name) ?? name },
    change,
  );
  const mask = appendRegions(builder, { value: before, rank }, regionsOf(intervention));
  builder.node('Where', [mask, changed, before], { outputs: [after] });
  const built = builder.build();
  const order = topologicalOrder(built.graph);
  if (order.kind === 'cycle') throw new Error(`Intervening on ${intervention.value} made a cycle.`);
  return { ...built, graph: { ...built.graph, nodes: order.nodes } };
}

function isInMain(graph: Graph, value: string): boolean {
  const isMade = graph.nodes.some((node) => node.outputs.includes(value));
  return isMade || graph.initializers.has(value) || graph.inputs.some((input) => input.name === value);
}

/** A weight that is replaced whole gives way to the new one: nothing is left to compute. */
function swapWeight(model: Model, intervention: Intervention): Model | undefined {
  const { value, change } = intervention;
  const old = model.graph.initializers.get(value);
  if (old === undefined || change.kind !== 'replace' || 'input' in change.by) return undefined;
  if (regionsOf(intervention).length > 0) return undefined;
  const { dtype, dims, data } = change.by;
  if (dims.join() !== old.dims.join()) {
    // A scalar or a row is spread by the graph.
    if (dims.length < old.dims.length) return undefined;
    throw new Error(
      `The weight ${value} is [${old.dims.join(', ')}], and [${dims.join(', ')}] was to replace it.`,
    );
  }
  if (dtype !== old.elementType || Array.isArray(data)) return undefined;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const initializers = new Map(model.graph.initializers);
  initializers.set(value, { ...old, source: { kind: 'inline', bytes } });
  return { ...model, graph: { ...model.graph, initializers } };
}

interface Detached {
  readonly detached: Model;
  /** Name of the untouched value. */
  readonly before: string;
  /** Name that readers see; nothing makes it yet. */
  readonly after: string;
}

/** Splits a value into the one that is made and the one that is read. */
function detach(model: Model, value: string): Detached {
  const { graph } = model;
  const fresh = new GraphBuilder(model).freshName(`ni/before/${value}`);
  const index = graph.nodes.findIndex((node) => node.outputs.includes(value));
  if (index >= 0) {
    // The producer gives way: names of outputs and of captured values stay as they are.
    const nodes = graph.nodes.map((node, i) => (i === index ? renameOutput(node, value, fresh) : node));
    return { detached: { ...model, graph: { ...graph, nodes } }, before: fresh, after: value };
  }
  if (!isInMain(graph, value)) throw new Error(`There is no value ${value} to intervene on.`);
  // An input or a constant keeps its name, so its readers are redirected.
  const nodes = graph.nodes.map((node) => renameReads(node, value, fresh));
  return { detached: { ...model, graph: { ...graph, nodes } }, before: value, after: fresh };
}

function renameOutput(node: GraphNode, from: string, to: string): GraphNode {
  return { ...node, outputs: node.outputs.map((name) => (name === from ? to : name)) };
}
