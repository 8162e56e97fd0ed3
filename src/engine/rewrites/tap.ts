import type { DataType } from '../../onnx/dataTypes.js';
import { dataTypeFacts } from '../../onnx/dataTypes.js';
import { type Graph, type Model, type ValueType } from '../../onnx/model.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { liftValue, notTapped } from './tapBodies.js';
import { returnedAs } from '../runtime/outputCasts.js';

/** A model with values exposed, and the graph output that carries each. */
export interface TappedModel {
  readonly model: Model;
  /** Output name by value name. */
  readonly outputs: ReadonlyMap<string, string>;
  /** For values inside bodies: the output (int64) that tells how often the value was computed in the run. */
  readonly counts: ReadonlyMap<string, string>;
}

/**
 * Returns the model with values exposed as outputs, after those it has; lossless casts are added where the runtime cannot
 * return a type.
 *
 * A value inside a Loop or Scan comes as [iterations, …]; one in a branch of an If that was not taken has no elements and
 * count 0. Types come from `types`, else from the file; a value of unknown type is exposed as it is.
 *
 * @throws UserError `tap-in-body` for a value inside a function, or of a branch whose type is not known.
 * @throws Error when there is no such value.
 */
export function tap(
  model: Model,
  values: readonly string[],
  types: ReadonlyMap<string, ValueType> = new Map(),
): TappedModel {
  const builder = new GraphBuilder(model);
  const made = valuesOf(model.graph);
  const existing = new Set(model.graph.outputs.map((output) => output.name));
  const outputs = new Map<string, string>();
  const counts = new Map<string, string>();
  for (const value of values) {
    const type = types.get(value) ?? model.graph.valueInfo.get(value)?.type;
    const target = type?.kind === 'tensor' ? returnedAs[type.elementType] : undefined;
    const kind = made.get(value);
    if (kind === undefined) {
      const lifted = liftValue(builder, value, types);
      if (lifted === undefined) throw missingValue(model, value);
      outputs.set(value, expose(builder, { value: lifted.value, kind: 'made', target }));
      counts.set(value, expose(builder, { value: lifted.count, kind: 'made', target: undefined }));
      continue;
    }
    if (existing.has(value) && target === undefined) outputs.set(value, value);
    else outputs.set(value, expose(builder, { value, kind, target }));
  }
  return { model: builder.build(), outputs, counts };
}

interface Exposure {
  readonly value: string;
  readonly kind: 'made' | 'given';
  readonly target: DataType | undefined;
}

function expose(builder: GraphBuilder, { value, kind, target }: Exposure): string {
  let output = value;
  if (target !== undefined) output = builder.cast(value, dataTypeFacts(target).code);
  // A graph output that is an input or a constant itself is legal but not accepted everywhere.
  else if (kind === 'given') output = builder.node('Identity', [value]);
  builder.addOutput(output);
  return output;
}

function valuesOf(graph: Graph): ReadonlyMap<string, 'made' | 'given'> {
  const values = new Map<string, 'made' | 'given'>();
  for (const input of graph.inputs) values.set(input.name, 'given');
  for (const name of graph.initializers.keys()) values.set(name, 'given');
  for (const node of graph.nodes) {
    for (const output of node.outputs) if (output !== '') values.set(output, 'made');
  }
  return values;
}

function missingValue(model: Model, value: string): Error {
  const isInside = model.functions.some((definition) =>
    definition.nodes.some((node) => node.outputs.includes(value)),
  );
  return isInside
    ? notTapped(value, 'it is inside a function')
    : new Error(`There is no value ${value} to tap.`);
}
