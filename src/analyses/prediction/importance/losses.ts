import { UserError } from '../../../base/errors.js';
import { argmax } from '../../../engine/numeric/vectors.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { ImportanceSettings } from './importanceSettings.js';

/** A loss by name, `auto` resolved. */
export type LossName = Exclude<ImportanceSettings['loss'], 'auto'>;

/** What each loss is called in sentences. */
export const lossWords: Readonly<Record<LossName, string>> = {
  'cross-entropy': 'cross-entropy',
  'error-rate': 'error rate',
  change: 'change of the predicted class’s score',
};

/**
 * Returns which loss is measured.
 *
 * @throws UserError `labels-missing` when it needs labels and there are none.
 */
export function chooseLoss(wanted: ImportanceSettings['loss'], labels: Int32Array | undefined): LossName {
  if (wanted === 'auto') return labels === undefined ? 'change' : 'cross-entropy';
  if (wanted === 'change' || labels !== undefined) return wanted;
  throw new UserError(
    'labels-missing',
    `loss=${wanted} compares answers with labels, and the data have none. Add labels, or use loss=change.`,
  );
}

/** Scores of one row. */
export interface Answer {
  readonly scores: Float64Array;
  readonly label: number;
  /** Scores of the row as it is. */
  readonly intact: Float64Array;
}

/** Returns the loss of one row. */
export function lossOf(name: LossName, { scores, label, intact }: Answer): number {
  switch (name) {
    case 'error-rate':
      return predictedOf(scores) === label ? 0 : 1;
    case 'change': {
      const at = argmax(intact);
      return Math.abs((scores[at] ?? NaN) - (intact[at] ?? NaN));
    }
    case 'cross-entropy':
      return -logProbability(scores, label);
  }
}

/** The largest score, or the sign of a single one. */
function predictedOf(scores: Float64Array): number {
  return scores.length === 1 ? Number((scores[0] ?? 0) > 0) : argmax(scores);
}

/** Scores that are none of them negative and sum to one are probabilities, all others logits. */
function logProbability(scores: Float64Array, label: number): number {
  let [sum, largest] = [0, -Infinity];
  for (const score of scores) {
    sum += score;
    largest = Math.max(largest, score);
  }
  if (scores.every((score) => score >= 0) && Math.abs(sum - 1) < 1e-3) {
    // A probability that float32 rounded to zero costs as much as the smallest it can hold.
    return Math.log(Math.max(scores[label] ?? NaN, smallestProbability));
  }
  let exponentials = 0;
  for (const score of scores) exponentials += Math.exp(score - largest);
  return (scores[label] ?? NaN) - largest - Math.log(exponentials);
}

const smallestProbability = 2 ** -126;

/** Returns the scores of every row of an output `[N, C]` or `[N]`. */
export function scoresByRow(output: TensorValue): Float64Array[] {
  const [rowCount = 1] = output.dims;
  const values = toFloat64(output);
  const size = values.length / rowCount;
  return Array.from({ length: rowCount }, (_, row) => values.subarray(row * size, (row + 1) * size));
}
