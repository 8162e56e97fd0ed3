import type { DataType } from '../../onnx/dataTypes.js';
import { dataTypeFacts } from '../../onnx/dataTypes.js';
import { bodiesOf, type Graph, type Model, type ValueType } from '../../onnx/model.js';
import { UserError } from '../../base/errors.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { returnedAs } from '../runtime/outputCasts.js';

/** A model with values exposed, and the graph output that carries each. */
export interface TappedModel {
  readonly model: Model;
  /** Output name by value name. */
  readonly outputs: ReadonlyMap<string, string>;
}

/**
 * Returns the model with values of its main graph exposed as outputs, after those it has; lossless casts are added where the
 * runtime cannot return a type.
 *
 * Types come from `types`, else from the file; a value of unknown type is exposed as it is.
 *
 * @throws UserError `tap-in-body` for a value inside an If, Loop or Scan body or a function: not supported yet.
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
  for (const value of values) {
    const kind = made.get(value);
    if (kind === undefined) throw missingValue(model, value);
    const type = types.get(value) ?? model.graph.valueInfo.get(value)?.type;
    const target = type?.kind === 'tensor' ? returnedAs[type.elementType] : undefined;
    if (existing.has(value) && target === undefined) outputs.set(value, value);
    else outputs.set(value, expose(builder, { value, kind, target }));
  }
  return { model: builder.build(), outputs };
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
  const isInside =
    hasInBodies(model.graph, value) ||
    model.functions.some((definition) => definition.nodes.some((node) => node.outputs.includes(value)));
  if (!isInside) return new Error(`There is no value ${value} to tap.`);
  return new UserError(
    'tap-in-body',
    `The value "${value}" is inside an If, Loop or Scan body or a function. Values in there cannot be read yet: choose one of the main graph.`,
    { detail: { value } },
  );
}

function hasInBodies(graph: Graph, value: string): boolean {
  return graph.nodes.some((node) =>
    bodiesOf(node).some(
      (body) =>
        body.graph.nodes.some((inner) => inner.outputs.includes(value)) || hasInBodies(body.graph, value),
    ),
  );
}
