import type { Dataset } from '../../../data/dataset.js';
import type { Feeds, Runtime } from '../../../engine/runtime/session.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { Model } from '../../../onnx/model.js';
import { int64Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import { pickFeeds } from '../sweep.js';
import type { LanguageTask } from './languageTask.js';

/** What a model is tried on. */
export interface CausalityRequest {
  readonly model: Model;
  readonly task: LanguageTask;
  readonly runtime: Runtime;
  readonly data: Pick<Dataset, 'batches'>;
}

/** What one trial tells of a language model. */
export interface Causality {
  /** Whether scores depend on no token behind their position. */
  readonly isCausal: boolean;
  /** V, as it came out. */
  readonly vocabularySize: number;
}

/** Rows looked at for one of two tokens. */
const triedRowCount = 16;

/** What different kernels for different rows of a batch may differ by, relative to the largest score. */
const tolerance = 1e-4;

/**
 * Tells whether a model predicts from the past alone, by trying: another last token must leave the scores before it as they are.
 * Undefined when no row has two tokens, or its scores are not [N, T, V].
 */
export async function tryCausality(request: CausalityRequest): Promise<Causality | undefined> {
  const { model, task, runtime, data } = request;
  for await (const { feeds } of data.batches({ batchSize: 1, limit: triedRowCount })) {
    const ids = feeds[task.ids];
    const last = ids === undefined ? 0 : lastToken(ids, feeds[task.mask ?? '']);
    if (ids === undefined || last < 1) continue;
    const session = await runtime.open(prune(model, [task.output]), { purpose: 'probe' });
    const scoresOf = async (fed: Feeds): Promise<TensorValue | undefined> =>
      (await session.run(pickFeeds(fed, session)))[task.output];
    try {
      const before = await scoresOf(feeds);
      const after = await scoresOf({ ...feeds, [task.ids]: otherToken(ids, last) });
      return compare(ids, last, { before, after });
    } finally {
      await session.close();
    }
  }
  return undefined;
}

/** The last unmasked place of the first row. */
function lastToken(ids: TensorValue, mask: TensorValue | undefined): number {
  const length = ids.dims[1] ?? 0;
  if (mask === undefined) return length - 1;
  return toFloat64(mask)
    .subarray(0, length)
    .findLastIndex((flag) => flag !== 0);
}

/** The ids with another token at one place of the first row: one that surely exists, since it stands in front of it or is 0 or 1. */
function otherToken(ids: TensorValue, place: number): TensorValue {
  const numbers = [...toFloat64(ids)];
  const own = numbers[place];
  numbers[place] = numbers.slice(0, place).find((id) => id !== own) ?? (own === 0 ? 1 : 0);
  return ids.dtype === 'int64' ? int64Tensor(numbers, ids.dims) : { ...ids, data: Int32Array.from(numbers) };
}

function compare(
  ids: TensorValue,
  last: number,
  { before, after }: { readonly before: TensorValue | undefined; readonly after: TensorValue | undefined },
): Causality | undefined {
  if (before === undefined || after === undefined) return undefined;
  const [rows, length, vocabularySize = 0] = before.dims;
  if (before.dims.length !== 3 || rows !== ids.dims[0] || length !== ids.dims[1]) return undefined;
  const first = toFloat64(before).subarray(0, last * vocabularySize);
  const second = toFloat64(after);
  const scale = first.reduce((largest, score) => (Math.abs(score) > largest ? Math.abs(score) : largest), 0);
  const isCausal = first.every((score, at) => {
    const other = second[at] ?? NaN;
    return Object.is(score, other) || Math.abs(score - other) <= tolerance * scale;
  });
  return { isCausal, vocabularySize };
}
