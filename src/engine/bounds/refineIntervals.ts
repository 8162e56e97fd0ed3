import { topologicalOrder } from '../../onnx/graphIndex.js';
import type { Model, ValueType } from '../../onnx/model.js';
import type { TypeTable } from '../../onnx/shapes/typeTable.js';
import { elementCountOf, float32Tensor, type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { neededNames } from '../rewrites/prune.js';
import type { Feeds, Runtime, Session } from '../runtime/session.js';
import { boundObjective } from './boundObjective.js';
import type { Interval } from './intervalRule.js';
import type { Box } from './propagateIntervals.js';
import { relaxationOf } from './relaxations.js';

/** Least and greatest elements of a value, per row of the batch. */
export interface Ends {
  readonly lower: TensorValue;
  readonly upper: TensorValue;
}

/** Which intervals are refined. */
export interface RefineRequest {
  /** Ends of every input that may move, float32, the batch first; inputs not named are fed by `feeds`. */
  readonly boxes: ReadonlyMap<string, Ends>;
  readonly feeds?: Feeds;
  /** Values whose bounds are wanted: what stands in front of the activations before them is refined. */
  readonly values: readonly string[];
  readonly types: TypeTable;
  /** Values with more elements per row keep their intervals: each element is a row of a run of its own; default 1024. */
  readonly elementLimit?: number;
}

/** Rows of one run. */
const rowLimit = 512;

/**
 * Returns intervals of what enters the activations by linear bounds passed backwards from every element of it (CROWN), layer
 * after layer, each with the intervals of the layers before.
 *
 * Costs a backward pass per element: rows × elements in all, at each activation. The batch axis has to be open. Values that
 * only lowering makes are left to interval arithmetic. Give the result to `boundObjective` as `known`.
 *
 * @throws UserError `bound-rule-missing`, `bound-form-unsupported`.
 */
export async function refineIntervals(
  model: Model,
  runtime: Runtime,
  request: RefineRequest,
): Promise<ReadonlyMap<string, Ends>> {
  const refined = new Map<string, Ends>();
  const names = inFrontOfActivations(model, request);
  if (names.length === 0) return refined;
  const dims = await dimsOf(model, runtime, { ...request, names });
  for (const value of names) {
    const shape = dims.get(value) ?? [];
    if (elementCountOf(shape.slice(1)) > (request.elementLimit ?? 1024)) continue;
    refined.set(value, await refineOne(model, runtime, { ...request, refined, value, shape }));
  }
  return refined;
}

/** Adds inputs for the ends of values and returns their names; `feedsOf` gives what they are fed with. */
export function addEnds(
  builder: GraphBuilder,
  ends: ReadonlyMap<string, Ends>,
  types: TypeTable,
): ReadonlyMap<string, Interval> {
  const open = (value: string): ValueType => types.get(value) ?? { kind: 'unknown' };
  return new Map(
    [...ends.keys()].map((value) => [
      value,
      {
        lower: builder.addInput(builder.freshName(`ni/low/${value}`), open(value)),
        upper: builder.addInput(builder.freshName(`ni/high/${value}`), open(value)),
      },
    ]),
  );
}

/** Returns the feeds of inputs that `addEnds` added. */
export function endFeeds(
  inputs: ReadonlyMap<string, Interval>,
  ends: ReadonlyMap<string, Ends>,
): Record<string, TensorValue> {
  const feeds: Record<string, TensorValue> = {};
  for (const [value, { lower, upper }] of inputs) {
    const given = ends.get(value);
    if (given === undefined) continue;
    feeds[lower] = given.lower;
    feeds[upper] = given.upper;
  }
  return feeds;
}

function inFrontOfActivations(model: Model, { values, types, boxes }: RefineRequest): readonly string[] {
  const order = topologicalOrder(model.graph);
  if (order.kind === 'cycle') throw new Error('A graph with a cycle cannot be bounded.');
  const needed = neededNames(model.graph, values);
  const found = order.nodes.flatMap((node) => {
    const [z = ''] = node.inputs;
    const type = types.get(z);
    const isFloat = type?.kind === 'tensor' && type.elementType === 'float32';
    const isRefined = isFloat && !boxes.has(z) && !model.graph.initializers.has(z);
    return isRefined && relaxationOf(node) !== undefined && needed.has(node.outputs[0] ?? '') ? [z] : [];
  });
  return [...new Set(found)];
}

/** A point of the box. */
function pointOf({ boxes, feeds = {} }: RefineRequest): Record<string, TensorValue> {
  return { ...feeds, ...Object.fromEntries([...boxes].map(([name, { lower }]) => [name, lower])) };
}

async function dimsOf(
  model: Model,
  runtime: Runtime,
  request: RefineRequest & { readonly names: readonly string[] },
): Promise<ReadonlyMap<string, readonly number[]>> {
  const builder = new GraphBuilder(model);
  builder.setOutputs(request.names);
  const session = await runtime.open(builder.build(), { purpose: 'probe' });
  try {
    const values = await session.run(pointOf(request));
    return new Map(Object.entries(values).map(([name, { dims }]) => [name, dims]));
  } finally {
    await session.close();
  }
}

interface OneRequest extends RefineRequest {
  readonly refined: ReadonlyMap<string, Ends>;
  readonly value: string;
  readonly shape: readonly number[];
}

async function refineOne(model: Model, runtime: Runtime, request: OneRequest): Promise<Ends> {
  const { boxes, refined, types, value, shape } = request;
  const builder = new GraphBuilder(model);
  const boxInputs = addEnds(builder, boxes, types);
  const knownInputs = addEnds(builder, refined, types);
  const cotangent = builder.addInput(
    builder.freshName('ni/coefficients'),
    types.get(value) ?? { kind: 'unknown' },
  );
  const bounds = boundObjective(builder.build(), {
    boxes: [...boxInputs].map(([name, ends]): Box => ({ value: name, ...ends })),
    objective: [{ value, cotangent }],
    types,
    known: knownInputs,
  });
  const last = new GraphBuilder(bounds.model);
  last.setOutputs([bounds.lower, bounds.upper]);
  const session = await runtime.open(last.build());
  const feeds = { ...pointOf(request), ...endFeeds(boxInputs, boxes), ...endFeeds(knownInputs, refined) };
  try {
    const [lower, upper] = await runRows(session, { feeds, cotangent, shape }, [bounds.lower, bounds.upper]);
    return { lower: float32Tensor(lower, shape), upper: float32Tensor(upper, shape) };
  } finally {
    await session.close();
  }
}

interface Rows {
  readonly feeds: Feeds;
  readonly cotangent: string;
  readonly shape: readonly number[];
}

/** Every element of every row is a row of its own, with 1 as its only coefficient. */
async function runRows(
  session: Session,
  { feeds, cotangent, shape }: Rows,
  outputs: readonly [lower: string, upper: string],
): Promise<readonly [Float32Array, Float32Array]> {
  const [rowCount = 0, ...rest] = shape;
  const size = elementCountOf(rest);
  const lower = new Float32Array(rowCount * size);
  const upper = new Float32Array(rowCount * size);
  for (let start = 0; start < rowCount * size; start += rowLimit) {
    const count = Math.min(rowLimit, rowCount * size - start);
    const rows = Array.from({ length: count }, (_, i) => Math.floor((start + i) / size));
    const unit = new Float32Array(count * size);
    for (let i = 0; i < count; i++) unit[i * size + ((start + i) % size)] = 1;
    const taken = Object.entries(feeds).map(([name, tensor]) => [name, takeRows(tensor, rows, rowCount)]);
    const all: Record<string, TensorValue> = Object.fromEntries(taken) as Record<string, TensorValue>;
    all[cotangent] = float32Tensor(unit, [count, ...rest]);
    const results = await session.run(all);
    lower.set(single(results[outputs[0]]), start);
    upper.set(single(results[outputs[1]]), start);
  }
  return [lower, upper];
}

function single(value: TensorValue | undefined): Float32Array {
  return value === undefined ? new Float32Array() : Float32Array.from(toFloat64(value));
}

/** Some rows of a tensor with the batch first; what has no batch stays as it is. */
function takeRows(tensor: TensorValue, rows: readonly number[], rowCount: number): TensorValue {
  const [first, ...rest] = tensor.dims;
  if (first !== rowCount) return tensor;
  const size = elementCountOf(rest);
  const numbers = toFloat64(tensor);
  const data = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    data.set(numbers.subarray(row * size, (row + 1) * size), i * size);
  });
  return float32Tensor(data, [rows.length, ...rest]);
}
