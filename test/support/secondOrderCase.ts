import assert from 'node:assert/strict';
import { createRandom, type Random } from '../../src/base/random.js';
import { differentiate } from '../../src/engine/gradients/differentiate.js';
import { pushForward } from '../../src/engine/gradients/forwardMode.js';
import { hessianProduct } from '../../src/engine/gradients/hessianProduct.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { verify } from '../../src/engine/graph/verify.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../src/engine/runtime/session.js';
import type { DataType } from '../../src/onnx/dataTypes.js';
import type { Model, ValueType } from '../../src/onnx/model.js';
import type { TypeTable } from '../../src/onnx/shapes/typeTable.js';
import { type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import {
  asDouble,
  buildCase,
  type BuiltCase,
  type GradientCase,
  mapValues,
  toDouble,
} from './gradientCase.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

/** Named numbers, one list per value. */
export type Numbers = Readonly<Record<string, Float64Array>>;

/** A function y(x) of named values with the graphs of its derivatives, in one float type. */
export interface DerivativeGraphs {
  readonly model: Model;
  readonly feeds: Feeds;
  readonly wrt: readonly string[];
  readonly outputs: readonly string[];
  readonly types: TypeTable;
  readonly type: 'float32' | 'float64';
}

/**
 * Of float64 differences with step 1e-4, and of float32 ones with step 1/32: 2⁻²⁴/h of noise over some ten terms, and
 * h⁴/30 of the fifth derivative.
 */
const limits = {
  float64: { step: 1e-4, tolerance: 1e-6 },
  float32: { step: 1 / 32, tolerance: 3e-3 },
} as const;

/**
 * Asserts that forward mode and Hessian-vector products of a case equal differences and each other: ⟨u, Jv⟩ = ⟨Jᵀu, v⟩,
 * ⟨w, Hv⟩ = ⟨v, Hw⟩.
 */
export async function checkSecondOrder(given: GradientCase, seed = 2): Promise<void> {
  const built = buildCase(given, createRandom(seed));
  const random = createRandom(seed + 1);
  const double = given.isSingle === true ? undefined : await inDouble(built, given);
  if (double !== undefined) {
    await compare(double, random, given.op);
    return;
  }
  await checkDerivatives(await described(built, given, 'float32'), random, given.op);
}

async function inDouble(built: BuiltCase, given: GradientCase): Promise<OpenGraphs | undefined> {
  const doubled = { ...built, model: asDouble(built.model), feeds: mapValues(built.feeds, toDouble) };
  try {
    const graphs = await described(doubled, given, 'float64');
    return { graphs, runs: await openAll(graphs) };
  } catch {
    // The runtime has no float64 kernel of this operator or of one in its derivative.
    return undefined;
  }
}

async function described(
  { model, feeds, wrt, outputs }: BuiltCase,
  given: GradientCase,
  type: 'float32' | 'float64',
): Promise<DerivativeGraphs> {
  const values = await (await runtime.open(model)).run(feeds);
  const types = new Map<string, ValueType>();
  for (const [name, { dtype, dims }] of Object.entries({ ...feeds, ...values })) {
    const isHidden = given.hidden === true || (given.hidden === 'maps' && name !== 'x1');
    types.set(name, { kind: 'tensor', elementType: dtype, shape: isHidden ? dims.map(() => null) : dims });
  }
  const seeded = (given.seeded ?? outputs.map((_, i) => i)).map((i) => outputs[i]!);
  return { model, feeds, wrt, outputs: seeded, types, type };
}

type Run = (feeds: Feeds) => Promise<Feeds>;

interface Runs {
  readonly plain: Run;
  readonly forward: Run;
  readonly reverse: Run;
  readonly second: Run;
}

async function openAll(graphs: DerivativeGraphs): Promise<Runs> {
  const open = async (model: Model): Promise<Run> => {
    verify(model);
    const session = await runtime.open(model);
    // Nothing is left to run where every derivative is 0.
    return async (feeds) => (model.graph.outputs.length === 0 ? {} : session.run(feeds));
  };
  return {
    plain: await open(withOutputs(graphs.model, new Map(graphs.outputs.map((name) => [name, name])))),
    forward: await open(forwardGraph(graphs)),
    reverse: await open(reverseGraph(graphs)),
    second: await open(secondGraph(graphs)),
  };
}

function withOutputs(model: Model, values: ReadonlyMap<string, string>): Model {
  const builder = new GraphBuilder(model);
  const names = [...values].map(([name, value]) =>
    name === value ? name : builder.node('Identity', [value], { outputs: [`d_${name}`] }),
  );
  builder.setOutputs(names);
  return builder.build();
}

function directionsOf(graphs: DerivativeGraphs, builder: GraphBuilder): { value: string; tangent: string }[] {
  return graphs.wrt.map((value) => ({
    value,
    tangent: builder.addInput(`v_${value}`, graphs.types.get(value)!),
  }));
}

function seedsOf(graphs: DerivativeGraphs, builder: GraphBuilder): { value: string; cotangent: string }[] {
  return graphs.outputs.map((value) => ({
    value,
    cotangent: builder.addInput(`u_${value}`, graphs.types.get(value)!),
  }));
}

function forwardGraph(graphs: DerivativeGraphs): Model {
  const builder = new GraphBuilder(graphs.model);
  const tangents = directionsOf(graphs, builder);
  const result = pushForward(builder.build(), { tangents, outputs: graphs.outputs, types: graphs.types });
  return withOutputs(result.model, result.tangents);
}

function reverseGraph(graphs: DerivativeGraphs): Model {
  const builder = new GraphBuilder(graphs.model);
  const seeds = seedsOf(graphs, builder);
  const result = differentiate(builder.build(), { seeds, wrt: graphs.wrt, types: graphs.types });
  return withOutputs(result.model, result.gradients);
}

function secondGraph(graphs: DerivativeGraphs): Model {
  const builder = new GraphBuilder(graphs.model);
  const seeds = seedsOf(graphs, builder);
  const directions = directionsOf(graphs, builder);
  const result = hessianProduct(builder.build(), { seeds, directions, types: graphs.types });
  return withOutputs(result.model, result.products);
}

/** Asserts the identities and compares with differences, at one point, along seeded directions. */
export async function checkDerivatives(
  graphs: DerivativeGraphs,
  random: Random,
  what: string,
): Promise<void> {
  await compare({ graphs, runs: await openAll(graphs) }, random, what);
}

interface OpenGraphs {
  readonly graphs: DerivativeGraphs;
  readonly runs: Runs;
}

async function compare({ graphs, runs }: OpenGraphs, random: Random, what: string): Promise<void> {
  const { step, tolerance } = limits[graphs.type];
  const values = numbersOf(await runs.plain(graphs.feeds));
  const u = randomLike(values, random);
  const v = randomLike(pick(graphs.feeds, graphs.wrt), random);
  const w = randomLike(pick(graphs.feeds, graphs.wrt), random);
  const along = (run: Run, extra: Feeds): ((times: number) => Promise<Numbers>) => {
    return async (times) => derivatives(await run({ ...moved(graphs, v, times * step), ...extra }));
  };
  const ofU = feedsOf(u, 'u_', graphs.type, await runs.plain(graphs.feeds));
  const ofV = feedsOf(v, 'v_', graphs.type, graphs.feeds);
  const ofW = feedsOf(w, 'v_', graphs.type, graphs.feeds);

  const jv = derivatives(await runs.forward({ ...graphs.feeds, ...ofV }));
  assertNear(jv, await slope(along(runs.plain, {}), step), tolerance, `${what}: J·v`);
  const gradient = derivatives(await runs.reverse({ ...graphs.feeds, ...ofU }));
  assertEqual(inner(u, jv), inner(gradient, v), tolerance, `${what}: ⟨u, Jv⟩ and ⟨Jᵀu, v⟩`);

  const all = { ...graphs.feeds, ...ofU };
  const hv = derivatives(await runs.second({ ...all, ...ofV }));
  assertNear(hv, await slope(along(runs.reverse, ofU), step), tolerance, `${what}: H·v`);
  const hw = derivatives(await runs.second({ ...all, ...ofW }));
  assertEqual(inner(w, hv), inner(v, hw), tolerance, `${what}: ⟨w, Hv⟩ and ⟨v, Hw⟩`);
}

/** Fourth-order central difference. */
async function slope(at: (times: number) => Promise<Numbers>, step: number): Promise<Numbers> {
  const [up, down, upFar, downFar] = [await at(1), await at(-1), await at(2), await at(-2)];
  return mapNumbers(up, (name, i) => {
    const near = up[name]![i]! - down[name]![i]!;
    return (8 * near - (upFar[name]![i]! - downFar[name]![i]!)) / (12 * step);
  });
}

function moved({ feeds, type }: DerivativeGraphs, v: Numbers, by: number): Feeds {
  const result: Record<string, TensorValue> = { ...feeds };
  for (const [name, direction] of Object.entries(v)) {
    const { dims } = feeds[name]!;
    const at = toFloat64(feeds[name]!);
    result[name] = tensor(
      at.map((value, i) => value + by * direction[i]!),
      dims,
      type,
    );
  }
  return result;
}

function tensor(numbers: Float64Array, dims: readonly number[], type: DataType): TensorValue {
  return { dtype: type, dims, data: type === 'float64' ? numbers : Float32Array.from(numbers) };
}

function feedsOf(numbers: Numbers, prefix: string, type: DataType, like: Feeds): Feeds {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, data]) => [`${prefix}${name}`, tensor(data, like[name]!.dims, type)]),
  );
}

function pick(feeds: Feeds, names: readonly string[]): Numbers {
  return numbersOf(Object.fromEntries(names.map((name) => [name, feeds[name]!])));
}

function numbersOf(feeds: Feeds): Numbers {
  return Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, toFloat64(value)]));
}

function derivatives(outputs: Feeds): Numbers {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [name.replace(/^d_/u, ''), toFloat64(value)]),
  );
}

function mapNumbers(like: Numbers, f: (name: string, i: number) => number): Numbers {
  return Object.fromEntries(
    Object.entries(like).map(([name, list]) => [name, list.map((_, i) => f(name, i))]),
  );
}

function randomLike(like: Numbers, random: Random): Numbers {
  return mapNumbers(like, () => random.normal());
}

function inner(a: Numbers, b: Numbers): number {
  let total = 0;
  for (const [name, list] of Object.entries(a)) list.forEach((x, i) => (total += x * (b[name]?.[i] ?? 0)));
  return total;
}

/** A missing derivative is 0. */
function assertNear(actual: Numbers, expected: Numbers, tolerance: number, what: string): void {
  const scale = Math.max(1, ...Object.values(expected).flatMap((list) => Array.from(list, Math.abs)));
  for (const [name, list] of Object.entries(expected)) {
    list.forEach((value, i) => {
      const ours = actual[name] === undefined ? 0 : actual[name][i]!;
      const message = `${what}: element ${String(i)} of ${name} is ${String(ours)}, expected ${String(value)}`;
      assert.ok(Math.abs(ours - value) <= tolerance * scale, message);
    });
  }
}

function assertEqual(a: number, b: number, tolerance: number, what: string): void {
  const scale = Math.max(1, Math.abs(a), Math.abs(b));
  assert.ok(Math.abs(a - b) <= tolerance * scale, `${what} are ${String(a)} and ${String(b)}`);
}
