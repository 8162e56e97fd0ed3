import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { LanguageTask } from './languageTask.js';

/** Running sums over predicted tokens; start with `noTokens`. Two of them add up. */
export interface TokenLoss {
  readonly tokenCount: number;
  /** Σ −log p, in nats; NaN or infinite when one is. */
  readonly sum: number;
  /** Σ (log p)². */
  readonly sumOfSquares: number;
  /** Tokens whose −log p is NaN or infinite. */
  readonly nonFiniteCount: number;
}

/** No tokens yet. */
export const noTokens: TokenLoss = { tokenCount: 0, sum: 0, sumOfSquares: 0, nonFiniteCount: 0 };

/** Returns the sums of both. */
export function addTokenLoss(a: TokenLoss, b: TokenLoss): TokenLoss {
  return {
    tokenCount: a.tokenCount + b.tokenCount,
    sum: a.sum + b.sum,
    sumOfSquares: a.sumOfSquares + b.sumOfSquares,
    nonFiniteCount: a.nonFiniteCount + b.nonFiniteCount,
  };
}

/** Returns the mean of −log p over the predicted tokens, in nats; NaN without any. */
export function lossPerTokenOf({ sum, tokenCount }: TokenLoss): number {
  return sum / tokenCount;
}

/** Returns exp of the loss per token: as uncertain as an even choice among so many tokens. */
export function perplexityOf(loss: TokenLoss): number {
  return Math.exp(lossPerTokenOf(loss));
}

/** Values that say how well each next token is predicted. */
export interface TokenLossNodes {
  /** −log p of the token behind each position, float32 (or float64) [N, T]; 0 where none counts. */
  readonly losses: string;
  /** Whether the token behind a position counts, bool [N, T]; never at the last. */
  readonly counted: string;
}

/**
 * Appends −log p of the token that follows each position: LogSoftmax over the vocabulary, gathered at the ids shifted by one.
 *
 * A position counts when it and the token behind it are unmasked, so neither padding nor what follows padding on the left does.
 * The ids are shifted and not the logits, which are the large ones: [N, T, V] is neither copied nor leaves the runtime.
 */
export function appendTokenLoss(
  builder: GraphBuilder,
  { ids, mask, logits }: Pick<LanguageTask, 'ids' | 'mask' | 'logits'>,
  elementType: 'float64' | 'float32',
): TokenLossNodes {
  const int64 = dataTypeFacts('int64').code;
  const flags =
    mask === undefined
      ? builder.node('GreaterOrEqual', [ids, ids])
      : builder.cast(mask, dataTypeFacts('bool').code);
  // Pad does not take bool everywhere.
  const behind = builder.cast(appendNext(builder, builder.cast(flags, int64)), dataTypeFacts('bool').code);
  const counted = builder.node('And', [flags, behind]);
  const targets = appendNext(builder, builder.cast(ids, int64));
  const wide = builder.cast(logits, dataTypeFacts(elementType).code);
  const all = builder.node('LogSoftmax', [wide], { attributes: { axis: -1 } });
  const index = builder.node('Unsqueeze', [targets, builder.int64s([2])]);
  const picked = builder.node('GatherElements', [all, index], { attributes: { axis: 2 } });
  const chosen = builder.node('Squeeze', [picked, builder.int64s([2])]);
  const zero = builder.cast(builder.scalar(0), dataTypeFacts(elementType).code);
  // Where and not a product: what padding is predicted as may be NaN.
  const losses = builder.node('Where', [counted, builder.node('Neg', [chosen]), zero]);
  return { losses, counted };
}

/** Appends int64 rows [N, T] moved by one to the front: what stands behind each position, 0 at the end. */
export function appendNext(builder: GraphBuilder, rows: string): string {
  const rest = builder.node('Slice', [
    rows,
    builder.int64s([1]),
    builder.int64s([Number.MAX_SAFE_INTEGER]),
    builder.int64s([1]),
  ]);
  return builder.node('Pad', [rest, builder.int64s([0, 0, 0, 1])]);
}

/** A model that computes sums of token losses and nothing else. */
export interface TokenLossGraph {
  readonly model: Model;
  /** Names of its outputs, [N] each. */
  readonly outputs: {
    readonly count: string;
    readonly sum: string;
    readonly squares: string;
    readonly nonFinite: string;
  };
}

/**
 * Returns the model computing, per row, the sums that `TokenLoss` is made of; everything else is pruned. It may be a rewritten
 * one, as long as the task's values have their names.
 */
export function tokenLossGraph(
  model: Model,
  task: Pick<LanguageTask, 'ids' | 'mask' | 'logits' | 'output'>,
): TokenLossGraph {
  const type = model.graph.outputs.find(({ name }) => name === task.output)?.type;
  const isDouble = type?.kind === 'tensor' && type.elementType === 'float64';
  const builder = new GraphBuilder(model);
  builder.setOutputs([]);
  const { losses, counted } = appendTokenLoss(builder, task, isDouble ? 'float64' : 'float32');
  const strange = builder.node('Or', [builder.node('IsNaN', [losses]), builder.node('IsInf', [losses])]);
  const total = (value: string): string => builder.reduce('ReduceSum', value, [1], false);
  const ones = (flags: string): string => total(builder.cast(flags, dataTypeFacts('float32').code));
  const outputs = {
    count: ones(counted),
    sum: total(losses),
    squares: builder.reduce('ReduceSumSquare', losses, [1], false),
    nonFinite: ones(strange),
  };
  for (const output of Object.values(outputs)) builder.addOutput(output);
  return { model: prune(builder.build(), Object.values(outputs)), outputs };
}

/** Returns the sums of the first `sampleCount` rows of a run, added in float64. */
export function tokenLossOf(
  { outputs }: TokenLossGraph,
  values: Readonly<Record<string, TensorValue>>,
  sampleCount: number,
): TokenLoss {
  const sumOf = (name: string): number => {
    const value = values[name];
    if (value === undefined) throw new Error(`The output ${name} of token losses is missing.`);
    return toFloat64(value)
      .subarray(0, sampleCount)
      .reduce((sum, row) => sum + row, 0);
  };
  return {
    tokenCount: sumOf(outputs.count),
    sum: sumOf(outputs.sum),
    sumOfSquares: sumOf(outputs.squares),
    nonFiniteCount: sumOf(outputs.nonFinite),
  };
}
