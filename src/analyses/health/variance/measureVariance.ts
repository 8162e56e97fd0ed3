import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import type { Dataset } from '../../../data/dataset.js';
import { differentiate } from '../../../engine/gradients/differentiate.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { factsOf, fedBatches, pickFeeds } from '../../shared/sweep.js';
import { concreteTypes, firstBatch } from '../../shared/targetPlan.js';
import type { ValueMoments } from '../../shared/valueMoments.js';
import { buildGraph, type SweepGraph, type SweepTarget } from '../../shared/targetTap.js';

/** What was measured at an activation. */
export interface MeasuredActivation {
  readonly target: SweepTarget;
  readonly entering: ValueMoments;
  readonly leaving: ValueMoments;
}

/** Names of the outputs that one activation's moments are added up from. */
interface MomentOutputs {
  readonly count: string;
  readonly sums: readonly [sum: string, squares: string];
  readonly leaving: readonly [sum: string, squares: string];
}

function momentsGraph(model: Model, targets: readonly SweepTarget[]): SweepGraph<MomentOutputs> {
  return buildGraph(model, targets, (tap) => {
    const { builder, leaving, entering = leaving } = tap;
    const double = (value: string): string =>
      builder.cast(tap.filled(0, value), dataTypeFacts('float64').code);
    const [before, after] = [double(entering), double(leaving)];
    return {
      count: tap.reduce('sum', tap.ones()),
      sums: [tap.reduce('sum', before), tap.reduce('sumOfSquares', before)] as const,
      leaving: [tap.reduce('sum', after), tap.reduce('sumOfSquares', after)] as const,
    };
  });
}

/** Sums of values and of squares. */
type Totals = Readonly<Record<'in' | 'out', [number, number]>> & { count: number };

const noTotals = (): Totals => ({ count: 0, in: [0, 0], out: [0, 0] });

function momentsAt(target: SweepTarget, total: Totals): MeasuredActivation {
  const { count } = total;
  return { target, entering: momentsOf(total.in, count), leaving: momentsOf(total.out, count) };
}

/** Returns the moments of what enters and what leaves every activation, masked positions left out. */
export async function measureForward(
  context: AnalysisContext,
  data: Dataset,
  { targets, limit }: { readonly targets: readonly SweepTarget[]; readonly limit: number },
): Promise<MeasuredActivation[]> {
  const graph = momentsGraph(context.model, targets);
  const totals = targets.map(noTotals);
  const session = await context.runtime.open(graph.model);
  try {
    for await (const { batch, feeds, rowCount } of fedBatches({ ...context, data }, graph.model, limit)) {
      const values = await session.run(pickFeeds(feeds, session));
      const { sampleCount } = factsOf(batch, feeds, data);
      for (const [i, outputs] of graph.targets.entries()) {
        const total = totals[i];
        if (total === undefined) continue;
        const sum = (name: string): number => sumOfRows(values[name], sampleCount / rowCount);
        total.count += sum(outputs.count);
        for (const k of [0, 1] as const) {
          total.in[k] += sum(outputs.sums[k]);
          total.out[k] += sum(outputs.leaving[k]);
        }
      }
      const done = (batch.firstIndex + batch.sampleCount) / limit;
      context.progress({ fractionDone: 0.6 * Math.min(1, done), message: 'Measuring variances' });
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await session.close();
  }
  return targets.map((target, i) => momentsAt(target, totals[i] ?? noTotals()));
}

function momentsOf([sum, squares]: readonly [number, number], count: number): ValueMoments {
  const mean = sum / count;
  return { mean, variance: Math.max(0, squares / count - mean * mean), square: squares / count };
}

/** Sum over the first share of the rows: rows that fill a fixed batch up count nowhere. */
function sumOfRows(value: TensorValue | undefined, share: number): number {
  if (value === undefined) return NaN;
  const elements = toFloat64(value);
  let sum = 0;
  for (let i = 0; i < Math.round(elements.length * share); i++) sum += elements[i] ?? NaN;
  return sum;
}

/**
 * Returns the mean square of the gradient that reaches what enters each activation when every element of the outputs is given
 * an independent standard normal one, on the first batch; a reason where the model cannot be differentiated.
 */
export async function measureBackward(
  context: AnalysisContext,
  data: Dataset,
  targets: readonly SweepTarget[],
): Promise<ReadonlyMap<string, number> | string> {
  const first = await firstBatch(context, data);
  if (first === undefined) return 'there are no samples';
  const wrt = [...new Set(targets.flatMap(({ entering }) => entering ?? []))];
  const outputs = context.model.graph.outputs.map(({ name }) => name);
  const types = await concreteTypes(context, first.feeds, [...outputs, ...wrt]);
  const builder = new GraphBuilder(context.model);
  const feeds: Record<string, TensorValue> = { ...first.feeds };
  const seeds = outputs.flatMap((value) => {
    const type = types.get(value);
    if (type?.kind !== 'tensor' || type.elementType !== 'float32' || type.shape === null) return [];
    const dims = type.shape.filter((size) => typeof size === 'number');
    if (dims.length < type.shape.length) return [];
    const cotangent = builder.addInput(builder.freshName('ni/cotangent'), type);
    const data32 = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () =>
      context.random.normal(),
    );
    feeds[cotangent] = float32Tensor(data32, dims);
    return [{ value, cotangent }];
  });
  if (seeds.length === 0) return 'no output of the model is float32';
  try {
    return await gradientSquares(context, { builder, seeds, wrt, types, feeds });
  } catch (error) {
    if (error instanceof UserError && error.code.startsWith('gradient-')) return error.message;
    throw error;
  }
}

async function gradientSquares(
  context: AnalysisContext,
  {
    builder,
    seeds,
    wrt,
    types,
    feeds,
  }: {
    readonly builder: GraphBuilder;
    readonly seeds: readonly { readonly value: string; readonly cotangent: string }[];
    readonly wrt: readonly string[];
    readonly types: Awaited<ReturnType<typeof concreteTypes>>;
    readonly feeds: Readonly<Record<string, TensorValue>>;
  },
): Promise<ReadonlyMap<string, number>> {
  const { model, gradients } = differentiate(builder.build(), { seeds, wrt, types });
  const ending = new GraphBuilder(model);
  ending.setOutputs([]);
  const means = [...gradients].map(([value, gradient]) => {
    const square = ending.node('Mul', [gradient, gradient]);
    const mean = ending.node('ReduceMean', [square], { attributes: { keepdims: 0 } });
    ending.addOutput(mean);
    return [value, mean] as const;
  });
  const session = await context.runtime.open(
    prune(
      ending.build(),
      means.map(([, mean]) => mean),
    ),
    { purpose: 'probe' },
  );
  try {
    const found = await session.run(pickFeeds(feeds, session));
    return new Map(means.map(([value, mean]) => [value, Number(found[mean]?.data[0] ?? NaN)]));
  } finally {
    await session.close();
  }
}
