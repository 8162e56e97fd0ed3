import { derivativeOf } from '../../../activations/derivative.js';
import { appendExpression } from '../../../activations/appendExpression.js';
import type { Expression } from '../../../activations/expression.js';
import type { FoundActivation } from '../../../activations/recognise/findActivations.js';
import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Dataset } from '../../../data/dataset.js';
import {
  addCumulative,
  createHistogram,
  type Histogram,
  innerEdges,
} from '../../../engine/numeric/histogram.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { fedBatches, pickFeeds } from '../../shared/sweep.js';
import { factsOfLayers, planTarget } from '../../shared/targetPlan.js';
import { buildGraph, type SweepGraph, type SweepTarget, type TargetTap } from '../../shared/targetTap.js';
import type { ValueMoments } from '../../shared/valueMoments.js';

/** Inputs whose slope is at most this are saturated. */
export const saturatedSlope = 0.01;

const binCount = 40;

/** What a model uses of an activation. */
export interface ActivationUse {
  readonly elementCount: number;
  readonly before: ValueMoments;
  readonly after: ValueMoments;
  /** Share of the inputs with |f′(x)| ≤ 0.01; undefined where the function could not be read. */
  readonly saturatedShare: number | undefined;
  /** Share of the inputs with |f′(x) − 1| ≤ 0.01. */
  readonly identityShare: number | undefined;
  /** Of the inputs; undefined where they are not finite or all equal. */
  readonly histogram: Histogram | undefined;
}

/** Uses by activation, or why one could not be measured. */
export type ActivationUses = ReadonlyMap<FoundActivation, ActivationUse | string>;

/** Returns what the first samples make of every activation, masked positions left out. */
export async function measureUse(
  context: AnalysisContext,
  data: Dataset,
  { found, limit }: { readonly found: readonly FoundActivation[]; readonly limit: number },
): Promise<ActivationUses> {
  const uses = new Map<FoundActivation, ActivationUse | string>();
  const planned = await factsOfLayers(context, data, () =>
    found.map((activation) => ({
      ...activation.layer,
      output: activation.output,
      input: activation.input,
      activation,
    })),
  );
  if (planned === undefined) return uses;
  const measured: Measured[] = [];
  for (const layer of planned.layers) {
    const target = planTarget(layer, planned.facts);
    if (typeof target === 'string') uses.set(layer.activation, target);
    else measured.push({ activation: layer.activation, target, sums: noSums() });
  }
  if (measured.length === 0) return uses;
  await addUpSums(context, data, { measured, limit });
  const histograms = await countHistograms(context, data, { measured, limit });
  for (const { activation, target, sums } of measured) {
    uses.set(activation, useOf(sums, histograms.get(target)));
  }
  return uses;
}

interface Measured {
  readonly activation: FoundActivation;
  readonly target: SweepTarget;
  readonly sums: Sums;
}

const sumNames = [
  'count',
  'before',
  'beforeSquares',
  'after',
  'afterSquares',
  'saturated',
  'identity',
] as const;

type Sums = Record<(typeof sumNames)[number], number> & { low: number; high: number; hasSlope: boolean };

function noSums(): Sums {
  const zeros = Object.fromEntries(sumNames.map((name) => [name, 0])) as Record<
    (typeof sumNames)[number],
    number
  >;
  return { ...zeros, low: Infinity, high: -Infinity, hasSlope: false };
}

type SumOutputs = Readonly<Partial<Record<(typeof sumNames)[number], string>>> & {
  readonly low: string;
  readonly high: string;
};

function appendUse(tap: TargetTap, expression: Expression | undefined): SumOutputs {
  const { builder, leaving, entering = leaving } = tap;
  // float32 has too few digits for sums of squares over a whole layer.
  const double = (value: string): string => builder.cast(tap.filled(0, value), dataTypeFacts('float64').code);
  const [before, after] = [double(entering), double(leaving)];
  return {
    count: tap.reduce('sum', tap.ones()),
    before: tap.reduce('sum', before),
    beforeSquares: tap.reduce('sumOfSquares', before),
    after: tap.reduce('sum', after),
    afterSquares: tap.reduce('sumOfSquares', after),
    low: tap.reduce('minimum', tap.filled(Infinity, entering)),
    high: tap.reduce('maximum', tap.filled(-Infinity, entering)),
    ...(expression === undefined ? {} : appendSlopes(tap, expression, entering)),
  };
}

/** The derivative of the activation's own expression, computed in the graph for every input there is. */
function appendSlopes(
  tap: TargetTap,
  expression: Expression,
  input: string,
): { readonly saturated: string; readonly identity: string } {
  const { builder } = tap;
  const scalar = (value: number): string => tap.scalar(value);
  const slope = appendExpression(builder, derivativeOf(expression), { input, parameters: {}, scalar });
  // A slope that is the same in a whole piece may have lost the shape of the input.
  const zeros = builder.node('Mul', [input, scalar(0)]);
  const shaped = builder.node('Add', [slope, zeros]);
  const atMost = (value: string): string =>
    tap.count({ kind: 'at-most', bound: scalar(saturatedSlope) }, builder.node('Abs', [value]));
  return { saturated: atMost(shaped), identity: atMost(builder.node('Sub', [shaped, scalar(1)])) };
}

async function addUpSums(
  context: AnalysisContext,
  data: Dataset,
  { measured, limit }: { readonly measured: readonly Measured[]; readonly limit: number },
): Promise<void> {
  const expressions = new Map(measured.map(({ target, activation }) => [target, activation.expression]));
  const targets = measured.map(({ target }) => target);
  const graph = buildGraph(context.model, targets, (tap) => appendUse(tap, expressions.get(tap.target)));
  await sweep(context, data, { graph, limit, from: 0, message: 'Measuring activations' }, (values, count) => {
    for (const [i, outputs] of graph.targets.entries()) {
      const own = measured[i];
      if (own !== undefined) addSums(own, outputs, { values, count });
    }
  });
}

type Values = Readonly<Record<string, TensorValue>>;

function addSums(
  { target, sums }: Measured,
  outputs: SumOutputs,
  { values, count }: { readonly values: Values; readonly count: number },
): void {
  const elements = (name: string): Float64Array =>
    rowsOf(values[name], count * target.rowsPerSample * target.unitCount);
  for (const name of sumNames) {
    const output = outputs[name];
    if (output !== undefined) sums[name] += elements(output).reduce((sum, one) => sum + one, 0);
  }
  sums.hasSlope = outputs.saturated !== undefined;
  sums.low = elements(outputs.low).reduce((least, one) => Math.min(least, one), sums.low);
  sums.high = elements(outputs.high).reduce((most, one) => Math.max(most, one), sums.high);
}

/** The first elements: rows that fill a fixed batch up count nowhere. */
function rowsOf(value: TensorValue | undefined, count: number): Float64Array {
  return value === undefined ? new Float64Array() : toFloat64(value).subarray(0, count);
}

async function countHistograms(
  context: AnalysisContext,
  data: Dataset,
  { measured, limit }: { readonly measured: readonly Measured[]; readonly limit: number },
): Promise<ReadonlyMap<SweepTarget, Histogram>> {
  const histograms = new Map<SweepTarget, Histogram>();
  for (const { target, sums } of measured) {
    if (Number.isFinite(sums.low) && Number.isFinite(sums.high) && sums.low < sums.high) {
      histograms.set(target, createHistogram(sums.low, sums.high, binCount));
    }
  }
  if (histograms.size === 0) return histograms;
  const graph = buildGraph(context.model, [...histograms.keys()], (tap) => {
    const { entering = tap.leaving } = tap;
    const histogram = histograms.get(tap.target);
    const edges = histogram === undefined ? [] : innerEdges(histogram);
    return {
      target: tap.target,
      total: tap.reduce('sum', tap.ones()),
      edges: edges.map((edge) => tap.count({ kind: 'greater', bound: tap.scalar(edge) }, entering)),
    };
  });
  await sweep(context, data, { graph, limit, from: 0.3, message: 'Counting inputs' }, (values, count) => {
    for (const { target, total, edges } of graph.targets) {
      const histogram = histograms.get(target);
      if (histogram === undefined) continue;
      const sum = (name: string): number =>
        rowsOf(values[name], count * target.rowsPerSample * target.unitCount).reduce(
          (all, one) => all + one,
          0,
        );
      addCumulative(histogram, sum(total), edges.map(sum));
    }
  });
  return histograms;
}

/** Runs a graph over the samples; progress goes on by 0.3 from `from`. */
async function sweep<T>(
  context: AnalysisContext,
  data: Dataset,
  plan: {
    readonly graph: SweepGraph<T>;
    readonly limit: number;
    readonly from: number;
    readonly message: string;
  },
  add: (values: Values, sampleCount: number) => void,
): Promise<void> {
  const { graph, limit, from, message } = plan;
  const session = await context.runtime.open(graph.model);
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data }, graph.model, limit)) {
      add(await session.run(pickFeeds(feeds, session)), batch.sampleCount);
      const done = Math.min(1, (batch.firstIndex + batch.sampleCount) / limit);
      context.progress({ fractionDone: from + 0.3 * done, message });
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await session.close();
  }
}

function useOf(sums: Sums, histogram: Histogram | undefined): ActivationUse {
  const { count } = sums;
  return {
    elementCount: count,
    before: momentsOf(sums.before, sums.beforeSquares, count),
    after: momentsOf(sums.after, sums.afterSquares, count),
    saturatedShare: sums.hasSlope ? sums.saturated / count : undefined,
    identityShare: sums.hasSlope ? sums.identity / count : undefined,
    histogram,
  };
}

function momentsOf(sum: number, squares: number, count: number): ValueMoments {
  const [mean, square] = [sum / count, squares / count];
  return { mean, square, variance: Math.max(0, square - mean * mean) };
}
