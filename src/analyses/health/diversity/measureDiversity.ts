import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Batch, Dataset } from '../../../data/dataset.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { mergeMoments, type Moments } from '../../../engine/numeric/moments.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { chooseAnswerOutput, predictionsOf } from '../../shared/accuracy.js';
import { firstRows } from '../../shared/modelScore.js';
import { fedBatches, pickFeeds, sampleTotalOf } from '../../shared/sweep.js';
import { type SweepTarget, TargetTap } from '../../shared/targetTap.js';

/** One sample as a layer sees it. */
export interface SampleDiversity {
  readonly id: string;
  /** Position in the data. */
  readonly index: number;
  /** Unbiased variance over all units and unmasked positions; NaN of fewer than two elements, or where one is not finite. */
  readonly variance: number;
  /** Undefined without labels; −1 where this sample has none. */
  readonly label?: number;
  /** Class the model gives; undefined without labels or scores, −1 where the scores are not finite. */
  readonly prediction?: number;
}

/** Where the inputs of a sample are. */
export interface SampleInputs {
  readonly feeds: Feeds;
  readonly row: number;
}

/** Every sample, and the inputs of the least diverse ones. */
export interface MeasuredDiversity {
  /** In the order of the data. */
  readonly samples: readonly SampleDiversity[];
  /** By position in the data, of the first of `compareDiversity`. */
  readonly inputs: ReadonlyMap<number, SampleInputs>;
}

/** Orders samples by variance, equal ones as in the data. */
export function compareDiversity(a: SampleDiversity, b: SampleDiversity): number {
  return a.variance - b.variance || a.index - b.index;
}

/** Names of the outputs for each row: how many elements count, their mean and their squared deviations, `[R]`, in float64. */
interface VarianceOutputs {
  readonly count: string;
  readonly mean: string;
  readonly squares: string;
}

/**
 * Returns the variance of the values at a layer for every sample, computed inside the graph from deviations, with labels what
 * the model answers, and the inputs of the `keptCount` least diverse samples.
 */
export async function measureDiversity(
  context: AnalysisContext,
  data: Dataset,
  { target, keptCount }: { readonly target: SweepTarget; readonly keptCount: number },
): Promise<MeasuredDiversity> {
  const answers = data.hasLabels ? context.model.graph.outputs.map(({ name }) => name) : [];
  const { model, outputs } = varianceGraph(context.model, target, answers);
  const total = sampleTotalOf({ data, limit: context.limit });
  const samples: SampleDiversity[] = [];
  let kept: Kept[] = [];
  const session = await context.runtime.open(model);
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data }, model, total)) {
      const values = await session.run(pickFeeds(feeds, session));
      const variances = variancesOf(values, { outputs, rowsPerSample: target.rowsPerSample });
      const predictions = answersOf(values, answers, batch.sampleCount);
      const own = batch.ids.map((id, i) => sampleOf({ batch, predictions }, i, { id, variances }));
      samples.push(...own);
      kept = leastDiverse([...kept, ...own.map((sample, row) => ({ sample, feeds, row }))], keptCount);
      context.progress({
        fractionDone: Math.min(1, samples.length / total),
        message: `Measuring ${target.layer}`,
      });
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await session.close();
  }
  return { samples, inputs: new Map(kept.map(({ sample, feeds, row }) => [sample.index, { feeds, row }])) };
}

interface Kept extends SampleInputs {
  readonly sample: SampleDiversity;
}

function leastDiverse(kept: readonly Kept[], count: number): Kept[] {
  return kept
    .filter(({ sample }) => Number.isFinite(sample.variance))
    .sort((a, b) => compareDiversity(a.sample, b.sample))
    .slice(0, count);
}

function sampleOf(
  { batch, predictions }: { readonly batch: Batch; readonly predictions: Int32Array | undefined },
  row: number,
  { id, variances }: { readonly id: string; readonly variances: readonly number[] },
): SampleDiversity {
  const [label, prediction] = [batch.labels?.[row], predictions?.[row]];
  return {
    ...{ id, index: batch.firstIndex + row, variance: variances[row] ?? NaN },
    ...(label === undefined ? {} : { label }),
    ...(prediction === undefined ? {} : { prediction }),
  };
}

function varianceGraph(
  model: Model,
  target: SweepTarget,
  answers: readonly string[],
): { readonly model: Model; readonly outputs: VarianceOutputs } {
  const builder = new GraphBuilder(model);
  const tap = new TargetTap(builder, target, []);
  // Sums over a whole layer lose digits in float32.
  const flat = (value: string): string =>
    builder.node('Flatten', [builder.cast(value, dataTypeFacts('float64').code)], {
      attributes: { axis: 1 },
    });
  const [ones, values] = [flat(tap.ones()), flat(tap.filled(0))];
  const sum = (value: string): string => builder.reduce('ReduceSum', value, [1], true);
  const count = sum(ones);
  const mean = builder.node('Div', [sum(values), count]);
  const deviation = builder.node('Mul', [builder.node('Sub', [values, mean]), ones]);
  const squares = builder.reduce('ReduceSumSquare', deviation, [1], true);
  const own = [count, mean, squares];
  for (const name of own) builder.addOutput(name);
  const built = prune(builder.build(), [...new Set([...answers, ...own])]);
  return { model: built, outputs: { count, mean, squares } };
}

/** Joins the rows of a sample: more than one where positions were folded into the batch axis. */
function variancesOf(
  values: Feeds,
  { outputs, rowsPerSample }: { readonly outputs: VarianceOutputs; readonly rowsPerSample: number },
): number[] {
  const column = (name: string): Float64Array => {
    const value = values[name];
    return value === undefined ? new Float64Array() : toFloat64(value);
  };
  const [counts, means, squares] = [column(outputs.count), column(outputs.mean), column(outputs.squares)];
  const variances: number[] = [];
  for (let first = 0; first < counts.length; first += rowsPerSample) {
    let moments: Moments = { count: 0, mean: 0, squaredDeviations: 0 };
    for (let row = first; row < first + rowsPerSample; row++) {
      const count = counts[row] ?? 0;
      // A row that is masked altogether has no mean.
      if (count === 0) continue;
      const own = { count, mean: means[row] ?? NaN, squaredDeviations: squares[row] ?? NaN };
      moments = mergeMoments(moments, own);
    }
    const { count, squaredDeviations } = moments;
    const variance = count < 2 ? NaN : squaredDeviations / (count - 1);
    variances.push(Number.isFinite(variance) ? variance : NaN);
  }
  return variances;
}

function answersOf(values: Feeds, answers: readonly string[], sampleCount: number): Int32Array | undefined {
  const outputs: Feeds = Object.fromEntries(
    answers.flatMap((name) => {
      const value = values[name];
      return value === undefined ? [] : [[name, firstRows(value, sampleCount)]];
    }),
  );
  const answer = outputs[chooseAnswerOutput(outputs, sampleCount) ?? ''];
  return answer === undefined ? undefined : predictionsOf(answer, sampleCount).predictions;
}
