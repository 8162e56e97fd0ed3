import { UserError } from '../../../base/errors.js';
import type { Dataset } from '../../../data/dataset.js';
import type { Change } from '../../../engine/interventions/change.js';
import { interventionsAt } from '../../../engine/interventions/atAddresses.js';
import { intervene } from '../../../engine/rewrites/intervene.js';
import type { LayerTable } from '../../../onnx/layers/layer.js';
import type { Model } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import { float32Tensor } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { languageTask } from '../../shared/language/languageTask.js';
import { perplexityOf } from '../../shared/language/tokenLoss.js';
import { createTokenLossMeter } from '../../shared/language/tokenLossMeter.js';
import { createModelScorer, type ModelScorer } from '../../shared/modelScore.js';

/** What the model is worth with and without a neuron. */
export interface Removal {
  readonly score: ModelScorer['name'] | 'perplexity';
  readonly sampleCount: number;
  readonly intact: number;
  /** With the neuron at 0 everywhere. */
  readonly zeroed: number;
  /** With the neuron at its mean over the data everywhere; NaN where the mean is not known. */
  readonly atMean: number;
}

/** What a removal is measured on. */
export interface RemovalRequest {
  readonly data: Dataset;
  readonly table: LayerTable;
  readonly types: TypeTable;
  /** Where the neuron is changed. */
  readonly address: string;
  /** NaN where it is not known. */
  readonly mean: number;
  /** Called after each of the three scores. */
  onScore(doneCount: number): void;
}

/** Scores that are measured. */
export const scoreCount = 3;

/**
 * Returns the score of the model untouched, with the neuron at 0, and with it at its mean: accuracy where the data have labels, the
 * perplexity of a language model on its own text, else its next-token accuracy. A reason where nothing can be scored.
 */
export async function measureRemoval(
  context: AnalysisContext,
  request: RemovalRequest,
): Promise<Removal | string> {
  const scorer = await scorerOf(context, request.data);
  if (typeof scorer === 'string') return scorer;
  const { model } = context;
  const scores: number[] = [];
  for (const variant of [model, ...variantsOf(model, request)]) {
    scores.push(variant === undefined ? NaN : await scorer.of(variant));
    request.onScore(scores.length);
  }
  const [intact = NaN, zeroed = NaN, atMean = NaN] = scores;
  return { score: scorer.name, sampleCount: scorer.sampleCount, intact, zeroed, atMean };
}

function variantsOf(
  model: Model,
  { table, types, address, mean }: RemovalRequest,
): readonly (Model | undefined)[] {
  const changed = (change: Change): Model =>
    intervene(model, interventionsAt([address], change, { model, table, types }));
  try {
    const atMean = Number.isFinite(mean)
      ? changed({ kind: 'replace', by: float32Tensor([mean], []) })
      : undefined;
    return [changed({ kind: 'zero' }), atMean];
  } catch (error) {
    if (error instanceof UserError && error.code === 'cannot-intervene') return [undefined, undefined];
    throw error;
  }
}

interface Scorer {
  readonly name: Removal['score'];
  readonly sampleCount: number;
  of(model: Model): Promise<number>;
}

async function scorerOf(context: AnalysisContext, data: Dataset): Promise<Scorer | string> {
  const scorer = await createModelScorer(context, Infinity);
  const task = languageTask(context.model, data);
  // Models that fill in hidden tokens say nothing of next ones.
  const isCausal = typeof scorer !== 'string' && scorer.name === 'next-token accuracy';
  if (!isCausal || task === undefined) return scorer;
  const meter = await createTokenLossMeter(context, { data, task, limit: context.limit });
  if (typeof meter === 'string') return meter;
  return {
    name: 'perplexity',
    sampleCount: Math.min(data.sampleCount, context.limit ?? Infinity),
    of: async (model) => perplexityOf(await meter.of(model)),
  };
}
