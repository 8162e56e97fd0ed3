import type { DataType } from '../../onnx/dataTypes.js';
import type { Dimension, Model, ValueType } from '../../onnx/model.js';
import { batchSymbol, inferTypes } from '../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import type { Feeds, Runtime } from './session.js';

/**
 * Returns the concrete type of every tensor value of the main graph, measured in one run on the given feeds.
 *
 * Only shapes leave the runtime: each value is exposed as its Shape, so nothing large is copied and types that cannot be
 * returned need no cast. Element types are inferred ones; where inference does not know (an unknown operator) the value
 * itself is exposed and its type read off. Sequences, maps and optionals are left out. The rest of the inferred table,
 * such as values inside bodies, is not included: see `mergeTypes`.
 *
 * @throws UserError what the runtime throws when the model cannot run on these feeds.
 */
export async function measureTypes(model: Model, runtime: Runtime, feeds: Feeds): Promise<TypeTable> {
  const inferred = inferTypes(model, { inputShapes: shapesOf(feeds) });
  const measured = givenTypes(model, feeds);
  const probe = probeOf(model, inferred);
  if (probe.shapes.size + probe.values.length === 0) return measured;
  const session = await runtime.open(probe.model, { purpose: 'probe' });
  try {
    noteResults(measured, probe, await session.run(feeds));
  } finally {
    await session.close();
  }
  return measured;
}

/**
 * Returns the measured types, with the model's batch symbol kept where inference says that a size is the batch size,
 * and with the inferred types of values that were not measured.
 *
 * A graph rewritten with the result runs at any batch size. `batch` is the name of the first input's first axis; a size
 * that is a multiple of it (`4*N`) is kept as well. Pass types inferred with `keepsUnnamed` for models whose batch axis
 * has no name: its made-up name is `?0`.
 */
export function mergeTypes(inferred: TypeTable, measured: TypeTable, batch: string | undefined): TypeTable {
  const merged = new Map<string, ValueType>(inferred);
  for (const [name, type] of measured) merged.set(name, mergeType(inferred.get(name), type, batch));
  return merged;
}

/** Returns measured types in which sizes that follow the batch are names, and the name of the batch axis. */
export async function measureBatchTypes(
  model: Model,
  runtime: Runtime,
  feeds: Feeds,
): Promise<{ readonly types: TypeTable; readonly batch: string | undefined }> {
  const batch = batchSymbol(model);
  const inferred = inferTypes(model, { keepsUnnamed: true });
  const measured = await measureTypes(model, runtime, feeds);
  return { types: mergeTypes(inferred, measured, batch), batch };
}

function mergeType(
  inferred: ValueType | undefined,
  measured: ValueType,
  batch: string | undefined,
): ValueType {
  if (measured.kind !== 'tensor' || inferred?.kind !== 'tensor' || measured.shape === null) return measured;
  const { shape } = inferred;
  if (shape?.length !== measured.shape.length || batch === undefined) return measured;
  return {
    ...measured,
    shape: measured.shape.map((size, axis) =>
      followsBatch(shape[axis], batch) ? (shape[axis] ?? size) : size,
    ),
  };
}

function followsBatch(size: Dimension | undefined, batch: string): boolean {
  if (typeof size !== 'string') return false;
  return size === batch || new RegExp(`^\\d+\\*${escaped(batch)}$`, 'u').test(size);
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/gu, '\\$&');
}

function givenTypes(model: Model, feeds: Feeds): Map<string, ValueType> {
  const types = new Map<string, ValueType>();
  for (const { name, elementType, dims } of model.graph.initializers.values()) {
    types.set(name, { kind: 'tensor', elementType, shape: dims });
  }
  for (const [name, { dtype, dims }] of Object.entries(feeds)) {
    types.set(name, { kind: 'tensor', elementType: dtype, shape: dims });
  }
  return types;
}

function noteResults(types: Map<string, ValueType>, probe: Probe, results: Feeds): void {
  for (const [name, { output, elementType }] of probe.shapes) {
    const sizes = results[output]?.data;
    if (sizes !== undefined) {
      types.set(name, { kind: 'tensor', elementType, shape: Array.from(sizes, Number) });
    }
  }
  for (const name of probe.values) {
    const value = results[name];
    if (value !== undefined) types.set(name, { kind: 'tensor', elementType: value.dtype, shape: value.dims });
  }
}

function shapesOf(feeds: Feeds): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, value.dims]));
}

interface Probe {
  readonly model: Model;
  /** The output that holds each value's shape, and the value's element type. */
  readonly shapes: ReadonlyMap<string, { readonly output: string; readonly elementType: DataType }>;
  /** Values that are exposed themselves. */
  readonly values: readonly string[];
}

function probeOf(model: Model, inferred: TypeTable): Probe {
  const builder = new GraphBuilder(model);
  const shapes = new Map<string, { readonly output: string; readonly elementType: DataType }>();
  const values: string[] = [];
  for (const name of model.graph.nodes.flatMap((node) => node.outputs)) {
    const type = inferred.get(name) ?? { kind: 'unknown' };
    if (name === '') continue;
    if (type.kind === 'tensor' && type.elementType !== 'undefined') {
      shapes.set(name, { output: builder.node('Shape', [name]), elementType: type.elementType });
    } else if (type.kind === 'tensor' || type.kind === 'unknown') values.push(name);
  }
  builder.setOutputs([...[...shapes.values()].map(({ output }) => output), ...values]);
  const probe = builder.build();
  // A model of other domains only need not import ai.onnx, which Shape is in.
  return { model: { ...probe, opsets: new Map([['', 17], ...probe.opsets]) }, shapes, values };
}
