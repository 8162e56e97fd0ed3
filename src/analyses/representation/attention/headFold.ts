import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';

/** Weights below this count as none: float32 softmaxes of masked scores give exact zeros or denormals. */
const noWeight = 1e-9;

/** One row's attention: `[heads, queries, keys]`, row-major. */
export interface AttentionMap {
  readonly headCount: number;
  readonly queryCount: number;
  readonly keyCount: number;
  readonly weights: Float64Array;
}

/**
 * Returns the attention of each row of a run, whatever axes the exporter gave it: the last two are queries and keys, all
 * between them and the rows heads. Weights of one query may come as `[N, T]` or `[N, T, 1]`: `isPerKey`.
 */
export function attentionMapsOf(tensor: TensorValue, rowCount: number, isPerKey: boolean): AttentionMap[] {
  const all = toFloat64(tensor);
  const size = all.length / Math.max(1, rowCount);
  const [queryCount = 1, keyCount = 1] = isPerKey ? [1, size] : tensor.dims.slice(-2);
  const headCount = size / Math.max(1, queryCount * keyCount);
  return Array.from({ length: rowCount }, (_, row) => {
    return { headCount, queryCount, keyCount, weights: all.subarray(row * size, (row + 1) * size) };
  });
}

/** What is added up of one head over rows and queries. */
export interface HeadFigures {
  /** Queries that count: masked ones do not. */
  queryCount: number;
  /** Σ of entropies in nats, of each query's weights scaled to sum to 1. */
  entropySum: number;
  /** Σ of the largest weight. */
  maximumSum: number;
  /** Σ of the weight of the first key. */
  firstSum: number;
  /** Σ of the weight of the query's own position; square maps only. */
  ownSum: number;
  /** Σ of |i − j| under the weights; square maps only. */
  distanceSum: number;
  /** Largest |1 − Σ of a query's weights|. */
  sumError: number;
  /** Largest |i − j| that has weight; square maps only. */
  reach: number;
  /** Whether no query gave weight to a later key; square maps only. */
  isCausal: boolean;
  /** Queries with a weight that is no number. */
  notFiniteCount: number;
}

/** Returns figures of a head that has seen nothing. */
export function emptyHead(): HeadFigures {
  return {
    ...{ queryCount: 0, entropySum: 0, maximumSum: 0, firstSum: 0, ownSum: 0, distanceSum: 0 },
    ...{ sumError: 0, reach: 0, isCausal: true, notFiniteCount: 0 },
  };
}

/** Adds the queries of one head of a row; `isMasked` tells queries that stand at padding. */
export function addHead(
  head: HeadFigures,
  map: AttentionMap,
  { index, isMasked }: { readonly index: number; readonly isMasked: (query: number) => boolean },
): void {
  const { queryCount, keyCount, weights } = map;
  for (let query = 0; query < queryCount; query++) {
    if (isMasked(query)) continue;
    const start = (index * queryCount + query) * keyCount;
    addQuery(head, weights.subarray(start, start + keyCount), query);
  }
}

function addQuery(head: HeadFigures, weights: Float64Array, query: number): void {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!Number.isFinite(total)) {
    head.notFiniteCount++;
    return;
  }
  const [first, last] = ends(weights);
  head.queryCount++;
  head.sumError = Math.max(head.sumError, Math.abs(1 - total));
  head.entropySum += entropyOf(weights, total);
  head.maximumSum += weights.reduce((most, weight) => Math.max(most, weight), 0);
  head.firstSum += weights[0] ?? 0;
  head.ownSum += weights[query] ?? 0;
  head.distanceSum += weights.reduce((sum, weight, key) => sum + weight * Math.abs(query - key), 0);
  if (first >= 0) head.reach = Math.max(head.reach, query - first, last - query);
  if (last > query) head.isCausal = false;
}

/** First and last key with a weight; −1 without any. */
function ends(weights: Float64Array): readonly [number, number] {
  const first = weights.findIndex((weight) => Math.abs(weight) > noWeight);
  const last = weights.findLastIndex((weight) => Math.abs(weight) > noWeight);
  return [first, last];
}

/** −Σ p ln p of weights scaled to sum to 1; negative weights, which no softmax makes, count as none. */
function entropyOf(weights: Float64Array, total: number): number {
  if (total <= 0) return 0;
  let entropy = 0;
  for (const weight of weights) {
    const share = weight / total;
    if (share > 0) entropy -= share * Math.log(share);
  }
  return entropy;
}
