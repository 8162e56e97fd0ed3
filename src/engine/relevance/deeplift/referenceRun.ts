import { readsOf, topologicalOrder } from '../../../onnx/graphIndex.js';
import type { GraphNode, Model } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import { extendTypes } from '../../gradients/extendTypes.js';
import { GraphBuilder } from '../../graph/graphBuilder.js';
import { Renamer } from '../../graph/renamer.js';
import { withoutComposites } from '../coreModel.js';

/** A model that runs twice in one graph: on the point and on the reference. */
export interface ReferenceRun {
  readonly model: Model;
  readonly types: TypeTable;
  /** Inputs of the reference, one per coordinate. */
  readonly references: readonly string[];
  /** Returns the value in the run on the reference; the value itself where it does not depend on the coordinates. */
  referenceOf(value: string): string;
  /** Whether a value depends on the coordinates, so that the runs may differ in it. */
  varies(value: string): boolean;
}

/** Results of these depend on the sizes of their operands alone, which are the same in both runs. */
const sizesOnly = new Set(['Shape', 'Size']);

/**
 * Returns the model with everything that depends on the coordinates computed a second time, from inputs of its own.
 *
 * Composites are taken apart first, so that both runs have the same inner values; those that round stay whole.
 */
export function withReferenceRun(
  model: Model,
  { coordinates, types: known }: { readonly coordinates: readonly string[]; readonly types: TypeTable },
): ReferenceRun {
  const core = withoutComposites(model, known);
  const order = topologicalOrder(core.graph);
  if (order.kind === 'cycle') throw new Error('A graph with a cycle cannot be run twice.');
  const varying = new Set(coordinates);
  const dependents = order.nodes.filter((node) => dependsOn(node, varying));
  const builder = new GraphBuilder(core);
  const renamer = new Renamer({
    freshName: (name) => builder.freshName(`ni/reference/${name}`),
    keeps: () => false,
  });
  const references = coordinates.map((name) => {
    const input = core.graph.inputs.find((each) => each.name === name);
    if (input === undefined) throw new Error(`There is no input ${name} to refer to.`);
    return builder.addInput(renamer.define(name), input.type);
  });
  for (const node of renamer.nodes(dependents)) builder.append({ ...node, name: '' });
  const extended = builder.build();
  const types = core === model ? known : extendTypes(core, known);
  const twice = new Map(types);
  for (const value of varying) {
    const type = types.get(value);
    if (type !== undefined) twice.set(renamer.nameOf(value), type);
  }
  return {
    model: extended,
    types: twice,
    references,
    referenceOf: (value) => (varying.has(value) ? renamer.nameOf(value) : value),
    varies: (value) => varying.has(value),
  };
}

/** Says whether a node has to be run again, and notes what it makes. */
function dependsOn(node: GraphNode, varying: Set<string>): boolean {
  if (sizesOnly.has(node.opType)) return false;
  for (const read of readsOf(node)) {
    if (!varying.has(read)) continue;
    for (const output of node.outputs) if (output !== '') varying.add(output);
    return true;
  }
  return false;
}
