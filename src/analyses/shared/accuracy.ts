import { formatNumber } from '../../protocol/formatReport.js';
import { binomialUpperTail } from '../../engine/numeric/binomial.js';
import { type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import type { Block } from '../../protocol/blocks.js';
import type { Evidence } from '../../protocol/report.js';

/** Running counts of right answers; start with `noAnswers`. */
export interface AnswerTally {
  readonly sampleCount: number;
  readonly correctCount: number;
  /** Samples whose scores are not all finite: they count as wrong. */
  readonly nonFiniteCount: number;
  readonly classCount: number;
  /** Samples by label and by predicted class. */
  readonly byLabel: ReadonlyMap<number, number>;
  readonly byPrediction: ReadonlyMap<number, number>;
}

/** No samples yet. */
export const noAnswers: AnswerTally = {
  sampleCount: 0,
  correctCount: 0,
  nonFiniteCount: 0,
  classCount: 0,
  byLabel: new Map(),
  byPrediction: new Map(),
};

/** The model's own accuracy as every report with labels starts with it. */
export interface AccuracyPreface {
  readonly metrics: Readonly<Record<string, number>>;
  readonly evidence: Readonly<Record<string, Evidence>>;
  readonly blocks: readonly Block[];
  readonly warnings: readonly string[];
}

/** As much of an output as tells what it holds. */
interface OutputForm {
  readonly dims: readonly number[];
  readonly dtype: string;
}

/**
 * Returns the output that holds one score per class (or the class itself) for each sample, by its shape on a batch.
 *
 * Scores are `[N, C]` with C ≥ 2 (also with trailing axes of size 1), whether logits, log-probabilities or probabilities:
 * the largest wins alike. A class is an integer `[N]`, as `ai.onnx.ml` classifiers give it. Scores go first.
 */
export function chooseAnswerOutput(
  outputs: Readonly<Record<string, OutputForm>>,
  sampleCount: number,
): string | undefined {
  const names = Object.keys(outputs);
  const isScores = (name: string): boolean => classCountOf(outputs[name], sampleCount) >= 2;
  const isClass = (name: string): boolean => isClassOutput(outputs[name], sampleCount);
  return names.find(isScores) ?? names.find(isClass);
}

/** Returns the tally with a batch added; `output` is the value of the chosen output. */
export function tallyAnswers(tally: AnswerTally, output: TensorValue, labels: Int32Array): AnswerTally {
  const { predictions, nonFiniteCount, classCount } = predictionsOf(output, labels.length);
  const byLabel = new Map(tally.byLabel);
  const byPrediction = new Map(tally.byPrediction);
  let correctCount = tally.correctCount;
  for (const [index, label] of labels.entries()) {
    const prediction = predictions[index] ?? -1;
    if (prediction === label) correctCount++;
    byLabel.set(label, (byLabel.get(label) ?? 0) + 1);
    byPrediction.set(prediction, (byPrediction.get(prediction) ?? 0) + 1);
  }
  return {
    sampleCount: tally.sampleCount + labels.length,
    correctCount,
    nonFiniteCount: tally.nonFiniteCount + nonFiniteCount,
    classCount: Math.max(tally.classCount, classCount),
    byLabel,
    byPrediction,
  };
}

/** Significance at which an accuracy is told from chance. */
const significance = 0.05;

/**
 * Returns the accuracy as metric and block, with warnings where it is no better than always giving the commonest label.
 *
 * "At chance" is a one-sided binomial test of `correctCount` of n against the share of the commonest label (1/C when labels
 * are even), at 5 %; it is said only when n is large enough for a perfect model to pass.
 */
export function accuracyPreface(tally: AnswerTally): AccuracyPreface {
  const { sampleCount, correctCount } = tally;
  if (sampleCount === 0) return { metrics: {}, evidence: {}, blocks: [], warnings: [] };
  const warnings = accuracyWarnings(tally);
  const blocks: Block[] = [
    {
      type: 'metrics',
      title: 'The model on this data',
      items: [{ metric: 'accuracy', label: 'Accuracy', format: 'percent' }],
    },
    ...warnings.map((message): Block => ({
      type: 'warning',
      message,
      advice:
        'Check the layout (NCHW or NHWC), the scale (0–1, 0–255, mean and std), the channel order and the order of the class names before believing anything below.',
    })),
  ];
  return {
    metrics: { accuracy: correctCount / sampleCount },
    evidence: { accuracy: { kind: 'measured', n: sampleCount } },
    blocks,
    warnings,
  };
}

function accuracyWarnings(tally: AnswerTally): string[] {
  const { sampleCount, correctCount, nonFiniteCount, byLabel, byPrediction, classCount } = tally;
  const warnings: string[] = [];
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  if (nonFiniteCount > 0) {
    warnings.push(
      `The model's output is NaN or infinite on ${formatNumber(nonFiniteCount, 'count')} of ${formatNumber(sampleCount, 'count')} samples.`,
    );
  }
  const largestLabel = Math.max(...byLabel.keys());
  if (classCount > 0 && largestLabel >= classCount) {
    warnings.push(
      `The labels go up to ${largestLabel}, and the model has ${classCount} classes (0 to ${classCount - 1}).`,
    );
  }
  const chance = Math.max(...byLabel.values(), sampleCount / Math.max(1, classCount)) / sampleCount;
  const canTell = chance < 1 && chance ** sampleCount <= significance;
  if (canTell && binomialUpperTail(correctCount, sampleCount, chance) > significance) {
    const accuracy = percent(correctCount / sampleCount);
    warnings.push(
      `The accuracy is at chance: ${accuracy} of ${formatNumber(sampleCount, 'count')} samples, and always answering the commonest label gives ${percent(chance)}.`,
    );
  }
  if (canTell && byPrediction.size === 1 && byLabel.size > 1) {
    warnings.push(
      `The model answers class ${[...byPrediction.keys()].join()} for every one of ${formatNumber(sampleCount, 'count')} samples.`,
    );
  }
  return warnings;
}

function classCountOf(value: OutputForm | undefined, sampleCount: number): number {
  if (value === undefined || !scoreTypes.has(value.dtype)) return 0;
  const [first, classes = 0, ...rest] = value.dims;
  return first === sampleCount && rest.every((dim) => dim === 1) ? classes : 0;
}

const scoreTypes: ReadonlySet<string> = new Set(['float32', 'float64', 'float16']);

function isClassOutput(value: OutputForm | undefined, sampleCount: number): boolean {
  if (value === undefined || !(value.dtype === 'int64' || value.dtype === 'int32')) return false;
  return value.dims[0] === sampleCount && value.dims.slice(1).every((dim) => dim === 1);
}

/** What a model answers. */
interface Predictions {
  /** Class of each sample; −1 where its scores are not finite. */
  readonly predictions: Int32Array;
  readonly nonFiniteCount: number;
  readonly classCount: number;
}

/** Returns the class that each sample gets, of the value of the output that `chooseAnswerOutput` chose. */
export function predictionsOf(output: TensorValue, sampleCount: number): Predictions {
  const values = toFloat64(output);
  if (isClassOutput(output, sampleCount)) {
    return { predictions: Int32Array.from(values), nonFiniteCount: 0, classCount: 0 };
  }
  const classCount = values.length / sampleCount;
  const predictions = new Int32Array(sampleCount);
  let nonFiniteCount = 0;
  for (let row = 0; row < sampleCount; row++) {
    const scores = values.subarray(row * classCount, (row + 1) * classCount);
    // −∞ is a legal log-probability; NaN and +∞ are no scores.
    const isSound = scores.every((score) => score < Infinity);
    if (!isSound) nonFiniteCount++;
    predictions[row] = isSound ? largestIndex(scores) : -1;
  }
  return { predictions, nonFiniteCount, classCount };
}

/** The first of the largest. */
function largestIndex(scores: Float64Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if ((scores[i] ?? NaN) > (scores[best] ?? NaN)) best = i;
  return best;
}
