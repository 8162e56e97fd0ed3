import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { createRandom, type Random } from '../../../base/random.js';
import type { Batch, Dataset } from '../../../data/dataset.js';
import type { Tokenizer } from '../../../data/text/tokenizer.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { Feeds, Runtime } from '../../../engine/runtime/session.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { int64Tensor, type TensorData, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import { fixedBatchSize } from '../fixedBatch.js';
import { pickFeeds } from '../sweep.js';
import type { LanguageTask } from './languageTask.js';
import { addTokenLoss, noTokens, type TokenLoss } from './tokenLoss.js';

/** What a masked language model is scored on. */
export interface MaskedLossRequest {
  /** The model, or a rewritten one in which the task's values have their names. */
  readonly model: Model;
  readonly task: Pick<LanguageTask, 'ids' | 'mask' | 'logits'>;
  readonly tokenizer: Pick<Tokenizer, 'maskId' | 'prefix' | 'suffix' | 'padId'>;
  readonly runtime: Runtime;
  readonly data: Pick<Dataset, 'batches' | 'sampleCount'>;
  readonly batchSize: number;
  /** Samples at most. */
  readonly limit: number | undefined;
  /** Tokens that are hidden and scored, about; all of them where there are not more. */
  readonly tokenLimit: number;
  readonly signal: AbortSignal;
  /** Called after every batch with the samples done and to do. */
  onBatch?(sampleCount: number, sampleTotal: number): void;
}

/** How well hidden tokens are told. */
export interface MaskedLoss {
  /** −log p of each hidden token: exp of its mean is the pseudo-perplexity. */
  readonly loss: TokenLoss;
  /** Hidden tokens that got the highest score of all. */
  readonly rightCount: number;
  readonly sampleCount: number;
  /** Tokens that could have been hidden. */
  readonly eligibleCount: number;
}

/** Which tokens are hidden is the same in every run, so that variants of a model are compared on the same ones. */
const placeSeed = 0;

/**
 * Returns how well a masked language model tells each token from all others of its row: one token at a time is replaced by the
 * tokenizer’s mask, and −log p of the true one is read there. Padding and what the tokenizer puts around a sequence are not hidden.
 *
 * Costs a row for every hidden token; beyond `tokenLimit` a part is drawn. Source: Salazar, Liang, Nguyen & Kirchhoff (2020),
 * "Masked Language Model Scoring", https://arxiv.org/abs/1910.14659.
 *
 * @throws Error when the tokenizer has no mask.
 */
export async function measureMaskedLoss(request: MaskedLossRequest): Promise<MaskedLoss> {
  const { model, task, tokenizer, runtime, data, batchSize, limit } = request;
  if (tokenizer.maskId === undefined) throw new Error('Tokens are hidden behind the mask of the tokenizer.');
  const total = Math.min(data.sampleCount, limit ?? Infinity);
  const graph = maskedGraph(model, task);
  const session = await runtime.open(graph.model);
  const random = createRandom(placeSeed);
  let found: MaskedLoss = { loss: noTokens, rightCount: 0, sampleCount: 0, eligibleCount: 0 };
  try {
    for await (const batch of data.batches({ batchSize, limit: total })) {
      const ids = batch.feeds[task.ids];
      if (ids === undefined) throw new Error(`The data feed no ${task.ids}.`);
      const places = eligiblePlaces(batch, request);
      // The share is that of the first batch's rows: later ones are about as long.
      const share = request.tokenLimit / Math.max(1, (places.length / batch.sampleCount) * total);
      const hidden = drawn(places, share, random);
      for (let first = 0; first < hidden.length; first += batchSize) {
        const own = hidden.slice(first, first + batchSize);
        const size = fixedBatchSize(model) ?? own.length;
        const filled = Array.from({ length: size }, (_, i) => own[Math.min(i, own.length - 1)] ?? 0);
        const feeds = hiddenRows(batch.feeds, filled, { ids: task.ids, maskId: tokenizer.maskId });
        const values = await session.run(pickFeeds(feeds, session));
        found = addScores(found, values, { outputs: graph.outputs, count: own.length });
        throwIfAborted(request.signal);
      }
      const sampleCount = found.sampleCount + batch.sampleCount;
      found = { ...found, sampleCount, eligibleCount: found.eligibleCount + places.length };
      request.onBatch?.(sampleCount, total);
      await yieldToEventLoop();
      throwIfAborted(request.signal);
    }
  } finally {
    await session.close();
  }
  return found;
}

/** Inputs of the graph: the place that is scored in each row, and the id that stood there. */
const [placeInput, targetInput] = ['ni/place', 'ni/target'];

interface MaskedGraph {
  readonly model: Model;
  readonly outputs: { readonly losses: string; readonly right: string };
}

/** Scores of one place a row are picked before the softmax: [N, T, V] is not copied. */
function maskedGraph(model: Model, { logits }: MaskedLossRequest['task']): MaskedGraph {
  const builder = new GraphBuilder(model);
  const int64 = (name: string): string =>
    builder.addInput(name, { kind: 'tensor', elementType: 'int64', shape: [null, 1] });
  const [place, target] = [int64(placeInput), int64(targetInput)];
  const picked = builder.node('GatherND', [logits, place], { attributes: { batch_dims: 1 } });
  const wide = builder.cast(picked, dataTypeFacts('float32').code);
  const logs = builder.node('LogSoftmax', [wide], { attributes: { axis: -1 } });
  const chosen = builder.node('GatherElements', [logs, target], { attributes: { axis: 1 } });
  const best = builder.node('ArgMax', [wide], { attributes: { axis: 1, keepdims: 1 } });
  const outputs = {
    losses: builder.node('Neg', [chosen]),
    right: builder.cast(builder.node('Equal', [best, target]), dataTypeFacts('float32').code),
  };
  for (const output of Object.values(outputs)) builder.addOutput(output);
  return { model: prune(builder.build(), Object.values(outputs)), outputs };
}

/** Flat places of the ids of a batch that may be hidden. */
function eligiblePlaces({ feeds, sampleCount }: Batch, { task, tokenizer }: MaskedLossRequest): number[] {
  const ids = feeds[task.ids];
  const mask = feeds[task.mask ?? ''];
  const flags = mask === undefined ? undefined : toFloat64(mask);
  const kept = new Set([...tokenizer.prefix, ...tokenizer.suffix, tokenizer.padId, tokenizer.maskId]);
  const numbers = ids === undefined ? new Float64Array() : toFloat64(ids);
  const length = ids?.dims[1] ?? 0;
  return Array.from({ length: sampleCount * length }, (_, place) => place).filter(
    (place) => flags?.[place] !== 0 && !kept.has(numbers[place] ?? -1),
  );
}

function drawn(places: readonly number[], share: number, random: Random): number[] {
  return share >= 1 ? [...places] : places.filter(() => random.next() < share);
}

/** A row for each hidden token, everything but that token as in the row it stands in. */
function hiddenRows(
  feeds: Feeds,
  places: readonly number[],
  { ids, maskId }: { readonly ids: string; readonly maskId: number },
): Feeds {
  const length = feeds[ids]?.dims[1] ?? 1;
  const rows = places.map((place) => Math.floor(place / length));
  const taken = Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => [name, rowsOf(value, rows)] as const),
  );
  const numbers = [...toFloat64(taken[ids] ?? int64Tensor([], [0]))];
  const targets = places.map((place, row) => {
    const at = row * length + (place % length);
    const own = numbers[at] ?? 0;
    numbers[at] = maskId;
    return own;
  });
  const dims = [places.length, length];
  const isWide = feeds[ids]?.dtype === 'int64';
  return {
    ...taken,
    [ids]: isWide ? int64Tensor(numbers, dims) : { dtype: 'int32', dims, data: Int32Array.from(numbers) },
    [placeInput]: int64Tensor(
      places.map((place) => place % length),
      [places.length, 1],
    ),
    [targetInput]: int64Tensor(targets, [places.length, 1]),
  };
}

function rowsOf(value: TensorValue, rows: readonly number[]): TensorValue {
  const { data, dims } = value;
  const size = data.length / (dims[0] ?? 1);
  // The constructor of a typed array makes one of the same kind; ids, masks and positions are numbers.
  const Same = data.constructor as new (length: number) => TensorData;
  const taken = new Same(rows.length * size);
  for (const [at, row] of rows.entries()) {
    // Both sides are the same typed array class, which the compiler cannot see through the union.
    (taken as Float32Array).set((data as Float32Array).subarray(row * size, (row + 1) * size), at * size);
  }
  return { ...value, dims: [rows.length, ...dims.slice(1)], data: taken };
}

function addScores(
  found: MaskedLoss,
  values: Feeds,
  { outputs, count }: { readonly outputs: MaskedGraph['outputs']; readonly count: number },
): MaskedLoss {
  const read = (name: string): number[] => {
    const value = values[name];
    if (value === undefined) throw new Error(`The output ${name} of masked losses is missing.`);
    return [...toFloat64(value).subarray(0, count)];
  };
  const losses = read(outputs.losses);
  const loss: TokenLoss = {
    tokenCount: count,
    sum: losses.reduce((sum, own) => sum + own, 0),
    sumOfSquares: losses.reduce((sum, own) => sum + own * own, 0),
    nonFiniteCount: losses.filter((own) => !Number.isFinite(own)).length,
  };
  const right = read(outputs.right).reduce((sum, own) => sum + own, 0);
  return { ...found, loss: addTokenLoss(found.loss, loss), rightCount: found.rightCount + right };
}
