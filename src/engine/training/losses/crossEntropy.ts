import { float32Tensor, int64Tensor } from '../../../onnx/tensorValue.js';
import type { GraphBuilder } from '../../graph/graphBuilder.js';
import { appendTotal, type Loss, type LossNodes } from '../loss.js';

/** What a cross-entropy compares, and how it weighs. */
export interface CrossEntropySettings {
  /** Value with the logits: classes on the last axis, or on `classAxis`. */
  readonly logits: string;
  readonly classCount: number;
  /** Name of the int64 input with the class at every other axis of the logits; default `labels`. */
  readonly labels?: string;
  /** Axis of the logits that holds the classes; default −1. */
  readonly classAxis?: number;
  /** Weight per class, default 1 each. */
  readonly classWeights?: readonly number[];
  /** Share of the label that is spread over all classes evenly, 0 … 1; default 0. */
  readonly labelSmoothing?: number;
  /** Label of rows that count nowhere. */
  readonly ignoreIndex?: number;
}

/**
 * Returns the mean cross-entropy of logits against class indices, in nats.
 *
 * With p = softmax(z), labels smoothed to s = (1 − ε)·onehot(y) + ε/C, q = w·s per class and W = Σ_n w_{y_n} over the rows
 * that count, L = −Σ_n Σ_c q log p / W and dL/dz = (p·Σ_c q − q)/W; the closed form spares a pass back through LogSoftmax.
 * Rows labelled `ignoreIndex` have q = 0; where no row counts, loss and gradient are 0.
 */
export function crossEntropy(settings: CrossEntropySettings): Loss {
  const name = settings.labels ?? 'labels';
  return {
    kind: 'cross-entropy',
    targets: [{ name, type: { kind: 'tensor', elementType: 'int64', shape: null } }],
    append: (builder) => appendCrossEntropy(builder, { ...settings, labels: name }),
  };
}

type Named = CrossEntropySettings & { readonly labels: string };

function appendCrossEntropy(builder: GraphBuilder, settings: Named): LossNodes {
  const { logits, classAxis: axis = -1 } = settings;
  const logProbabilities = builder.node('LogSoftmax', [logits], { attributes: { axis } });
  const { expected, weight } = appendExpected(builder, settings);
  const sum = appendTotal(builder, builder.node('Mul', [expected, logProbabilities]));
  const loss = builder.node('Neg', [builder.node('Div', [sum, weight])]);
  const probabilities = builder.node('Exp', [logProbabilities]);
  // Σ_c q is 1 unless classes are weighed or rows left out.
  const scaled = isPlain(settings)
    ? probabilities
    : builder.node('Mul', [probabilities, builder.reduce('ReduceSum', expected, [axis], true)]);
  const cotangent = builder.node('Div', [builder.node('Sub', [scaled, expected]), weight]);
  return { loss, seeds: [{ value: logits, cotangent }] };
}

function isPlain({ classWeights, ignoreIndex }: CrossEntropySettings): boolean {
  return classWeights === undefined && ignoreIndex === undefined;
}

/** Appends q, shaped like the logits, and W. */
function appendExpected(
  builder: GraphBuilder,
  settings: Named,
): { readonly expected: string; readonly weight: string } {
  const { labels, ignoreIndex, classAxis: axis = -1 } = settings;
  const ignored =
    ignoreIndex === undefined
      ? undefined
      : builder.node('Equal', [labels, builder.constant(int64Tensor([ignoreIndex], []))]);
  const safe =
    ignored === undefined
      ? labels
      : builder.node('Where', [ignored, builder.constant(int64Tensor([0], [])), labels]);
  const depth = builder.int64s([settings.classCount]);
  const offOn = builder.constant(float32Tensor([0, 1], [2]));
  let chosen = builder.node('OneHot', [safe, depth, offOn], { attributes: { axis } });
  if (ignored !== undefined) {
    const counts = builder.cast(builder.node('Not', [ignored]), 1);
    chosen = builder.node('Mul', [chosen, builder.node('Unsqueeze', [counts, builder.int64s([axis])])]);
  }
  const classWeights = appendClassWeights(builder, settings);
  const weighed = classWeights === undefined ? chosen : builder.node('Mul', [chosen, classWeights]);
  const weight = isPlain(settings)
    ? builder.cast(builder.node('Size', [labels]), 1)
    : positive(builder, appendTotal(builder, weighed));
  return { expected: appendSmoothed(builder, { chosen, weighed, classWeights }, settings), weight };
}

interface Chosen {
  /** One-hot labels, 0 in rows that do not count. */
  readonly chosen: string;
  readonly weighed: string;
  readonly classWeights: string | undefined;
}

/** q = (1 − ε)·w·onehot(y) + ε/C·w in rows that count. */
function appendSmoothed(
  builder: GraphBuilder,
  { chosen, weighed, classWeights }: Chosen,
  { labelSmoothing = 0, classCount, classAxis: axis = -1 }: Named,
): string {
  if (labelSmoothing === 0) return weighed;
  const kept = builder.node('Mul', [weighed, builder.scalar(1 - labelSmoothing)]);
  const counts = builder.reduce('ReduceSum', chosen, [axis], true);
  const share = builder.node('Mul', [counts, builder.scalar(labelSmoothing / classCount)]);
  const spread = classWeights === undefined ? share : builder.node('Mul', [share, classWeights]);
  return builder.node('Add', [kept, spread]);
}

/** The weights, shaped to broadcast along the class axis. */
function appendClassWeights(
  builder: GraphBuilder,
  { labels, classWeights, classCount, classAxis = -1 }: Named,
): string | undefined {
  if (classWeights === undefined) return undefined;
  if (classWeights.length !== classCount) {
    throw new Error(`There are ${classCount} classes and ${classWeights.length} class weights.`);
  }
  const weights = builder.constant(float32Tensor(classWeights, [classCount]));
  if (classAxis === -1) return weights;
  if (classAxis !== 1) throw new Error('Class weights need the classes on axis 1 or on the last.');
  // [C, 1, …]: a 1 for each position axis; the labels have them all and the batch axis.
  const labelRank = builder.node('Shape', [builder.node('Shape', [labels])]);
  const positionCount = builder.node('Sub', [labelRank, builder.int64s([1])]);
  const ones = builder.node('Expand', [builder.int64s([1]), positionCount]);
  const shape = builder.node('Concat', [builder.int64s([classCount]), ones], { attributes: { axis: 0 } });
  return builder.node('Reshape', [weights, shape]);
}

/** A weight of 0 divides as 1: all that it divides is 0 too. */
function positive(builder: GraphBuilder, weight: string): string {
  const isPositive = builder.node('Greater', [weight, builder.scalar(0)]);
  return builder.node('Where', [isPositive, weight, builder.scalar(1)]);
}
