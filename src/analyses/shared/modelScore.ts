import { throwIfAborted, yieldToEventLoop } from '../../base/abort.js';
import type { Batch, Dataset } from '../../data/dataset.js';
import type { Tokenizer } from '../../data/text/tokenizer.js';
import { argmax } from '../../engine/numeric/vectors.js';
import { openVariants } from '../../engine/interventions/runVariants.js';
import type { Variant } from '../../engine/interventions/variantReach.js';
import { intervene } from '../../engine/rewrites/intervene.js';
import type { Model } from '../../onnx/model.js';
import { inferTypes } from '../../onnx/shapes/inferTypes.js';
import { type TensorData, type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import type { AnalysisContext } from '../analysis.js';
import { chooseAnswerOutput, noAnswers, tallyAnswers } from './accuracy.js';
import { type LanguageTask, languageTask } from './language/languageTask.js';
import { measureMaskedLoss } from './language/maskedLoss.js';
import { maskedTokenLimit, tokenQuestion } from './language/maskedModel.js';
import { fedBatches, pickFeeds } from './sweep.js';
import { concreteTypes, firstBatch, sizesOf } from './targetPlan.js';

/** Scores models that answer the same data: variants of one. */
export interface ModelScorer {
  /**
   * `next-token accuracy`: the share of tokens that get the highest score at the place before theirs; `masked-token accuracy`: of
   * tokens that get the highest score at their own place when they are hidden, the same ones for every model.
   */
  readonly name: 'accuracy' | 'next-token accuracy' | 'masked-token accuracy';
  /** Samples that every score rests on. */
  readonly sampleCount: number;
  /** Returns the share of right answers. */
  of(model: Model): Promise<number>;
  /** Returns it for variants of the context's model, in their order: in one batch where the graph allows it. */
  ofVariants(variants: readonly Variant[]): Promise<number[]>;
}

/**
 * Returns what scores variants of the context's model on the first `limit` samples: accuracy where the data have labels, else
 * the next-token accuracy of a language model; a reason, to stand behind "not measured: ", where neither applies.
 */
export async function createModelScorer(
  context: AnalysisContext,
  limit: number,
): Promise<ModelScorer | string> {
  const { data } = context;
  if (data === undefined) return 'there are no data';
  const sampleCount = Math.min(data.sampleCount, limit, context.limit ?? Infinity);
  const way = data.hasLabels ? await wayOfLabels(context, data) : await wayOfTokens(context, data);
  if (typeof way === 'string') return way;
  if ('tokenizer' in way) return maskedScorer(context, { data, sampleCount, ...way });
  return {
    name: way.name,
    sampleCount,
    of: (variant) => score(context, { data, way, variant, sampleCount }),
    ofVariants: (variants) => scoreVariants(context, { data, way, variants, sampleCount }),
  };
}

/** A model that tells hidden tokens. */
interface HiddenTokens {
  readonly task: LanguageTask;
  readonly tokenizer: Tokenizer;
}

function maskedScorer(
  context: AnalysisContext,
  work: HiddenTokens & { readonly data: Dataset; readonly sampleCount: number },
): ModelScorer {
  const { sampleCount } = work;
  const common = { ...context, ...work, limit: sampleCount, tokenLimit: maskedTokenLimit };
  const of = async (model: Model): Promise<number> => {
    const { rightCount, loss } = await measureMaskedLoss({ ...common, model });
    return rightCount / loss.tokenCount;
  };
  const ofVariants = (variants: readonly Variant[]): Promise<number[]> =>
    eachAlone(context.model, variants, of);
  return { name: 'masked-token accuracy', sampleCount, of, ofVariants };
}

async function eachAlone(
  model: Model,
  variants: readonly Variant[],
  of: ModelScorer['of'],
): Promise<number[]> {
  const scores: number[] = [];
  for (const variant of variants) scores.push(await of(intervene(model, variant)));
  return scores;
}

/** How rows of a batch are judged. */
interface Way {
  readonly name: ModelScorer['name'];
  readonly output: string;
  /** Returns how many answers were right, of how many. */
  judge(output: TensorValue, batch: Batch): { readonly right: number; readonly count: number };
}

/** The output is chosen by its types on the first batch: nothing is run where inference tells them. */
async function wayOfLabels(context: AnalysisContext, data: Dataset): Promise<Way | string> {
  const first = await firstBatch(context, data);
  if (first === undefined) return 'the data hold no sample';
  const names = context.model.graph.outputs.map(({ name }) => name);
  const types = await concreteTypes(context, first.feeds, names);
  const shapes = names.flatMap((name) => {
    const type = types.get(name);
    const dims = sizesOf(type);
    return type?.kind !== 'tensor' || dims === undefined
      ? []
      : [[name, { dims, dtype: type.elementType }] as const];
  });
  const output = chooseAnswerOutput(Object.fromEntries(shapes), first.rowCount);
  if (output === undefined) return 'no output of the model has a score for each class';
  return { name: 'accuracy', output, judge: judgeLabels };
}

async function wayOfTokens(context: AnalysisContext, data: Dataset): Promise<Way | HiddenTokens | string> {
  const task = languageTask(context.model, data);
  if (task === undefined) return 'the data have no labels, and the model gives no scores of tokens';
  const question = await tokenQuestion(context, task, data);
  if (question.kind === 'none') return question.reason;
  if (question.kind === 'hidden') return { task, tokenizer: question.tokenizer };
  const judge: Way['judge'] = (scores, { feeds, sampleCount }) =>
    judgeTokens(scores, { tokens: feeds[task.ids], mask: feeds[task.mask ?? ''], sampleCount });
  return { name: 'next-token accuracy', output: task.output, judge };
}

function judgeLabels(output: TensorValue, { labels = new Int32Array(), sampleCount }: Batch) {
  const { correctCount } = tallyAnswers(noAnswers, firstRows(output, sampleCount), labels);
  return { right: correctCount, count: sampleCount };
}

function judgeTokens(
  scores: TensorValue,
  fed: {
    readonly tokens: TensorValue | undefined;
    readonly mask: TensorValue | undefined;
    readonly sampleCount: number;
  },
): { readonly right: number; readonly count: number } {
  const [, length = 0, size = 0] = scores.dims;
  const values = toFloat64(scores);
  const tokens = fed.tokens === undefined ? new Float64Array() : toFloat64(fed.tokens);
  const mask = fed.mask === undefined ? undefined : toFloat64(fed.mask);
  const total = { right: 0, count: 0 };
  for (let at = 0; at < fed.sampleCount * length; at++) {
    if (at % length === length - 1 || mask?.[at] === 0 || mask?.[at + 1] === 0) continue;
    total.count++;
    if (argmax(values.subarray(at * size, (at + 1) * size)) === tokens[at + 1]) total.right++;
  }
  return total;
}

/** What is scored, and how. */
interface Scoring {
  readonly data: Dataset;
  readonly way: Way;
  readonly sampleCount: number;
}

async function score(
  context: AnalysisContext,
  { data, way, variant, sampleCount }: Scoring & { readonly variant: Model },
): Promise<number> {
  const session = await context.runtime.open(variant);
  const total = { right: 0, count: 0 };
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data }, variant, sampleCount)) {
      const output = (await session.run(pickFeeds(feeds, session), [way.output]))[way.output];
      if (output === undefined) throw new Error(`The runtime gave no ${way.output}.`);
      const judged = way.judge(output, batch);
      total.right += judged.right;
      total.count += judged.count;
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await session.close();
  }
  return total.right / total.count;
}

/** As many fewer samples go into a batch as there are variants, so that a run takes the memory of a plain one. */
async function scoreVariants(
  context: AnalysisContext,
  { data, way, variants, sampleCount }: Scoring & { readonly variants: readonly Variant[] },
): Promise<number[]> {
  const { model, runtime } = context;
  const alone = (variant: Model): Promise<number> => score(context, { data, way, variant, sampleCount });
  const types = inferTypes(model, { keepsUnnamed: true });
  const runner = await openVariants(runtime, model, { variants, types });
  if (runner.how.kind === 'one-by-one') {
    await runner.close();
    // A session for each variant, and not for each of every batch.
    return eachAlone(model, variants, alone);
  }
  const totals = variants.map(() => ({ right: 0, count: 0 }));
  const batchSize = Math.max(1, Math.floor(context.batchSize / variants.length));
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data, batchSize }, model, sampleCount)) {
      for (const [index, outputs] of (await runner.run(feeds)).entries()) {
        const [output, total] = [outputs[way.output], totals[index]];
        if (output === undefined || total === undefined) {
          throw new Error(`The runtime gave no ${way.output}.`);
        }
        const judged = way.judge(output, batch);
        total.right += judged.right;
        total.count += judged.count;
      }
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await runner.close();
  }
  return totals.map(({ right, count }) => right / count);
}

/** Returns the first rows of a value: those that a fixed batch was filled up with count nowhere. */
export function firstRows(value: TensorValue, count: number): TensorValue {
  const [rows = 1, ...rest] = value.dims;
  if (rows <= count || value.data.length % rows !== 0) return value;
  const size = value.data.length / rows;
  // Every member of TensorData has slice; the union of their signatures is not callable as one.
  return {
    ...value,
    dims: [count, ...rest],
    data: (value.data as Float32Array).slice(0, count * size) as TensorData,
  };
}
