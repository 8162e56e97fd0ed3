import assert from 'node:assert/strict';
import { createRandom, type Random } from '../../src/base/random.js';
import { boundObjective } from '../../src/engine/bounds/boundObjective.js';
import { propagateIntervals } from '../../src/engine/bounds/propagateIntervals.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { verify } from '../../src/engine/graph/verify.js';
import type { Feeds, Session } from '../../src/engine/runtime/session.js';
import type { Model, ValueType } from '../../src/onnx/model.js';
import { inferTypes } from '../../src/onnx/shapes/inferTypes.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import { caseRuntime } from './gradientCase.js';

/** Bounds of a model's only output at one box, and the sessions that made them. */
export interface BoundsAtBox {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Bounds of ⟨c, y⟩ per row: linear ones and those of intervals. */
  readonly objective: readonly [lower: Float64Array, upper: Float64Array];
  readonly plain: readonly [lower: Float64Array, upper: Float64Array];
  readonly coefficients: TensorValue;
}

/** Rounding of float32 over some hundred terms, relative to the size of the bounds. */
export const boundRounding = 2e-5;

/** Returns the bounds of `y` when the model's inputs move by at most `radius`. */
export async function boundsOf(
  model: Model,
  { centre, radius, random }: { readonly centre: Feeds; readonly radius: number; readonly random: Random },
): Promise<BoundsAtBox> {
  const types = inferTypes(model, { keepsUnnamed: true });
  const builder = new GraphBuilder(model);
  const feeds: Record<string, TensorValue> = { ...centre };
  const boxes = Object.keys(centre).map((value) => {
    const type = types.get(value)!;
    const ends = {
      lower: builder.addInput(`${value}_low`, type),
      upper: builder.addInput(`${value}_high`, type),
    };
    feeds[ends.lower] = shifted(centre[value]!, () => -radius);
    feeds[ends.upper] = shifted(centre[value]!, () => radius);
    return { value, ...ends };
  });
  const [output] = model.graph.outputs;
  const y = output!.name;
  builder.addInput('c', types.get(y)!);
  const boxed = builder.build();
  const result = (await run(model, centre))[y]!;
  feeds['c'] = shifted({ ...result, data: new Float32Array(result.data.length) }, () => random.normal());
  const intervals = propagateIntervals(boxed, { boxes, values: [y], types });
  const { lower, upper } = intervals.bounds.get(y)!;
  const elementwise = await runNamed(intervals.model, { lower, upper }, feeds);
  const linear = boundObjective(boxed, { boxes, objective: [{ value: y, cotangent: 'c' }], types });
  const sums = await runNamed(
    linear.model,
    { lower: linear.lower, upper: linear.upper, low: linear.interval.lower, high: linear.interval.upper },
    feeds,
  );
  return {
    lower: elementwise['lower']!,
    upper: elementwise['upper']!,
    objective: [sums['lower']!, sums['upper']!],
    plain: [sums['low']!, sums['high']!],
    coefficients: feeds['c'],
  };
}

async function runNamed(
  model: Model,
  values: Readonly<Record<string, string>>,
  feeds: Feeds,
): Promise<Record<string, Float64Array>> {
  const builder = new GraphBuilder(model);
  builder.setOutputs(
    Object.entries(values).map(([name, value]) =>
      builder.node('Identity', [value], { outputs: [`bound_${name}`] }),
    ),
  );
  const outputs = await run(builder.build(), feeds);
  return Object.fromEntries(Object.keys(values).map((name) => [name, toFloat64(outputs[`bound_${name}`]!)]));
}

async function run(model: Model, feeds: Feeds): Promise<Feeds> {
  verify(model);
  const session: Session = await caseRuntime.open(model);
  return session.run(feeds);
}

/** Returns a tensor with something added to every element. */
export function shifted(tensor: TensorValue, by: () => number): TensorValue {
  return float32Tensor(
    Float32Array.from(toFloat64(tensor), (value) => value + by()),
    tensor.dims,
  );
}

/**
 * Asserts that no sampled point of the box, corners among them, gives a result outside the bounds, and that linear bounds
 * are never looser than those of intervals.
 */
export async function assertSound(
  model: Model,
  { centre, radius, seed = 1 }: { readonly centre: Feeds; readonly radius: number; readonly seed?: number },
): Promise<BoundsAtBox> {
  const random = createRandom(seed);
  const bounds = await boundsOf(model, { centre, radius, random });
  const session = await caseRuntime.open(model);
  const [output] = model.graph.outputs;
  const scale = Math.max(1, ...[...bounds.lower, ...bounds.upper].filter(Number.isFinite).map(Math.abs));
  const slack = boundRounding * scale;
  for (let sample = 0; sample < 40; sample++) {
    const isCorner = sample % 2 === 0;
    const move = (): number => radius * (isCorner ? Math.sign(random.normal()) : 2 * random.next() - 1);
    const feeds = Object.fromEntries(
      Object.entries(centre).map(([name, value]) => [name, shifted(value, move)]),
    );
    const y = toFloat64((await session.run(feeds))[output!.name]!);
    y.forEach((value, i) => {
      const isInside = value >= bounds.lower[i]! - slack && value <= bounds.upper[i]! + slack;
      assert.ok(isInside, `element ${i}: ${value} is outside [${bounds.lower[i]!}, ${bounds.upper[i]!}]`);
    });
    const rows = bounds.objective[0].length;
    const size = y.length / rows;
    const c = toFloat64(bounds.coefficients);
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let i = row * size; i < (row + 1) * size; i++) sum += c[i]! * y[i]!;
      const [low, high] = [bounds.objective[0][row]!, bounds.objective[1][row]!];
      const loose = slack * size;
      assert.ok(sum >= low - loose && sum <= high + loose, `row ${row}: ${sum} is outside [${low}, ${high}]`);
      assert.ok(low >= bounds.plain[0][row]! && high <= bounds.plain[1][row]!, 'linear bounds are looser');
    }
  }
  return bounds;
}

/** Returns a model of nodes on `x`. */
export function modelOf(type: ValueType, write: (builder: GraphBuilder) => string, start: Model): Model {
  const builder = new GraphBuilder(start);
  builder.addInput('x', type);
  const y = write(builder);
  builder.addOutput(builder.node('Identity', [y], { outputs: ['y'] }));
  return builder.build();
}
