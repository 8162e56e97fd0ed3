import assert from 'node:assert/strict';
import { createRandom, type Random } from '../../src/base/random.js';
import type { DataType } from '../../src/onnx/dataTypes.js';
import type { GraphNode, Model, ValueType } from '../../src/onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import { type AttributeInput, GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { differentiate } from '../../src/engine/gradients/differentiate.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import type { Feeds, Session } from '../../src/engine/runtime/session.js';
import { emptyModel } from './modelBuilder.js';

/** One node and its operands: a shape is filled with seeded normal numbers and differentiated by; a tensor is fixed. */
export interface GradientCase {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly (readonly number[] | TensorValue | '' | { readonly wrt: TensorValue })[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly outputCount?: number;
  /** Outputs that take part in the loss; default all. */
  readonly seeded?: readonly number[];
  readonly opset?: number;
  /** Maps the seeded numbers into the operator's domain, or away from its kinks. */
  readonly map?: (value: number) => number;
  /** Hides all sizes (maps: all but the second operand) from the rules, so that the graph finds them running. */
  readonly hidden?: boolean | 'maps';
  /** Takes differences in float32 although a float64 kernel exists, because that one computes in float32 inside. */
  readonly isSingle?: boolean;
  readonly tolerance?: number;
}

/** The runtime that cases run in, on one thread. */
export const caseRuntime = createRuntime({ provider: 'cpu', threadCount: 1 });

/**
 * Float64 differences are exact to about 1e-9, so the tolerance is that of float32 gradients (24 bits over sums of some
 * hundred terms); float32 differences with h = 1/32 carry 2⁻²⁴·|f|/h ≈ 1e-5 of noise and h⁴·f⁗′/30 ≈ 1e-4.
 */
const tolerances = { float64: 1e-4, float32: 1e-3 } as const;

/** A case as a model whose outputs are the operator's results. */
export interface BuiltCase {
  readonly model: Model;
  readonly node: GraphNode;
  readonly feeds: Record<string, TensorValue>;
  readonly wrt: readonly string[];
  readonly outputs: readonly string[];
}

/** Asserts that the rule's gradient equals fourth-order central differences by every differentiated element. */
export async function checkCase(given: GradientCase, seed = 1): Promise<void> {
  const random = createRandom(seed);
  const built = buildCase(given, random);
  const forward = await caseRuntime.open(built.model);
  const values = await forward.run(built.feeds);
  const cotangents: Record<string, TensorValue> = {};
  const seeded = (given.seeded ?? built.outputs.map((_, i) => i)).map((i) => built.outputs[i]!);
  for (const name of seeded) cotangents[name] = normal(values[name]!.dims, random);
  const ours = await gradientsOf(given, built, { values, cotangents });
  const reference = (given.isSingle === true ? undefined : await openDouble(built)) ?? {
    session: forward,
    type: 'float32' as const,
  };
  for (const name of built.wrt) {
    const expected = await differences(reference, built, { name, cotangents });
    const tolerance = given.tolerance ?? tolerances[reference.type];
    assertClose(ours[name]!, expected, { tolerance, what: `${given.op} d/d${name} (${reference.type})` });
    assert.deepEqual(ours[name]!.dims, built.feeds[name]!.dims, `${given.op}: shape of d/d${name}`);
  }
}

/** Returns the case as a model with seeded operands. */
export function buildCase(given: GradientCase, random: Random): BuiltCase {
  const empty = emptyModel(given.opset ?? 17);
  const opsets = new Map(empty.opsets);
  if (given.domain !== undefined && given.domain !== '') opsets.set(given.domain, 1);
  const builder = new GraphBuilder({ ...empty, opsets });
  const feeds: Record<string, TensorValue> = {};
  const wrt: string[] = [];
  const names = given.inputs.map((input, i) => {
    if (input === '') return '';
    if ('dtype' in input) return builder.constant(input, `c${i}`);
    const value = 'wrt' in input ? input.wrt : normal(input, random, given.map);
    feeds[`x${i}`] = value;
    wrt.push(`x${i}`);
    return builder.addInput(`x${i}`, typeOf(value, false));
  });
  const outputs = Array.from({ length: given.outputCount ?? 1 }, (_, i) => `y${i}`);
  builder.node(given.op, names, {
    outputs,
    attributes: given.attributes ?? {},
    ...(given.domain === undefined ? {} : { domain: given.domain }),
  });
  for (const output of outputs) builder.addOutput(output);
  const model = builder.build();
  return { model, node: model.graph.nodes[0]!, feeds, wrt, outputs };
}

function typeOf(value: TensorValue, hidden: boolean): ValueType {
  return {
    kind: 'tensor',
    elementType: value.dtype,
    shape: hidden ? value.dims.map(() => null) : value.dims,
  };
}

async function gradientsOf(
  given: GradientCase,
  built: BuiltCase,
  at: { values: Feeds; cotangents: Record<string, TensorValue> },
): Promise<Record<string, TensorValue>> {
  const builder = new GraphBuilder(built.model);
  const feeds: Record<string, TensorValue> = { ...built.feeds };
  const seeds = Object.entries(at.cotangents).map(([value, cotangent]) => {
    const name = builder.addInput(`${value}_bar`, typeOf(cotangent, false));
    feeds[name] = cotangent;
    return { value, cotangent: name };
  });
  const types = new Map<string, ValueType>();
  for (const [name, value] of Object.entries({ ...at.values, ...built.feeds })) {
    const isHidden = given.hidden === true || (given.hidden === 'maps' && name !== 'x1');
    types.set(name, typeOf(value, isHidden));
  }
  const { model, gradients } = differentiate(builder.build(), { seeds, wrt: built.wrt, types });
  const last = new GraphBuilder(model);
  // A gradient may be the cotangent's own input; an Identity makes every one a result of its own.
  for (const [name, gradient] of gradients) last.node('Identity', [gradient], { outputs: [`d_${name}`] });
  last.setOutputs([...gradients.keys()].map((name) => `d_${name}`));
  const session = await caseRuntime.open(last.build());
  const results = await session.run(feeds);
  return Object.fromEntries(built.wrt.map((name) => [name, results[`d_${name}`]!]));
}

interface Reference {
  readonly session: Session;
  readonly type: 'float32' | 'float64';
}

async function openDouble(built: BuiltCase): Promise<Reference | undefined> {
  try {
    const session = await caseRuntime.open(asDouble(built.model));
    await session.run(mapValues(built.feeds, toDouble));
    return { session, type: 'float64' };
  } catch {
    // The runtime has no float64 kernel of this operator.
    return undefined;
  }
}

/** Returns the model with every float32 input and constant in float64. */
export function asDouble(model: Model): Model {
  const { graph } = model;
  const initializers = new Map(
    [...graph.initializers].map(([name, tensor]) => {
      if (tensor.elementType !== 'float32' || tensor.source.kind !== 'inline') return [name, tensor] as const;
      const singles = new Float32Array(tensor.source.bytes.slice().buffer);
      const bytes = new Uint8Array(Float64Array.from(singles).buffer);
      return [name, { ...tensor, elementType: 'float64', source: { kind: 'inline', bytes } }] as const;
    }),
  );
  const inputs = graph.inputs.map((input) =>
    input.type.kind === 'tensor' && input.type.elementType === 'float32'
      ? { ...input, type: { ...input.type, elementType: 'float64' as DataType } }
      : input,
  );
  return { ...model, graph: { ...graph, inputs, initializers } };
}

/** Returns float32 numbers as float64. */
export function toDouble(value: TensorValue): TensorValue {
  return value.dtype === 'float32' ? { ...value, dtype: 'float64', data: toFloat64(value) } : value;
}

/** Returns values changed one by one. */
export function mapValues(
  feeds: Feeds,
  change: (value: TensorValue) => TensorValue,
): Record<string, TensorValue> {
  return Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, change(value)]));
}

async function differences(
  { session, type }: Reference,
  built: BuiltCase,
  what: { name: string; cotangents: Record<string, TensorValue> },
): Promise<Float64Array> {
  const feeds = type === 'float64' ? mapValues(built.feeds, toDouble) : { ...built.feeds };
  const step = type === 'float64' ? 1e-5 : 1 / 32;
  const loss = async (data: Float64Array): Promise<number> => {
    const dims = feeds[what.name]!.dims;
    feeds[what.name] =
      type === 'float64' ? { dtype: 'float64', dims, data } : float32Tensor(Float32Array.from(data), dims);
    const outputs = await session.run(feeds, Object.keys(what.cotangents));
    let total = 0;
    for (const [name, cotangent] of Object.entries(what.cotangents)) {
      const y = toFloat64(outputs[name]!);
      toFloat64(cotangent).forEach((u, i) => (total += u * y[i]!));
    }
    return total;
  };
  const at = toFloat64(feeds[what.name]!);
  const result = new Float64Array(at.length);
  const moved = (i: number, by: number): Float64Array => at.map((value, j) => (j === i ? value + by : value));
  for (let i = 0; i < at.length; i++) {
    const near = (await loss(moved(i, step))) - (await loss(moved(i, -step)));
    const far = (await loss(moved(i, 2 * step))) - (await loss(moved(i, -2 * step)));
    result[i] = (8 * near - far) / (12 * step);
  }
  return result;
}

/** Asserts equality relative to the largest expected element (or 1). */
export function assertClose(
  actual: TensorValue,
  expected: ArrayLike<number>,
  { tolerance, what }: { readonly tolerance: number; readonly what: string },
): void {
  const ours = toFloat64(actual);
  assert.equal(ours.length, expected.length, `${what}: number of elements`);
  let scale = 1;
  for (let i = 0; i < expected.length; i++) scale = Math.max(scale, Math.abs(expected[i]!));
  for (let i = 0; i < ours.length; i++) {
    const error = Math.abs(ours[i]! - expected[i]!) / scale;
    assert.ok(error <= tolerance, `${what}: element ${i} is ${ours[i]}, expected ${expected[i]}`);
  }
}

function normal(dims: readonly number[], random: Random, map = (value: number) => value): TensorValue {
  const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) data[i] = map(random.normal());
  return float32Tensor(data, dims);
}
