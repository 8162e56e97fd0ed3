import type { GraphBuilder } from '../graph/graphBuilder.js';

/** A loss in the graph: its mean over the batch and its gradient by the logits. */
export interface Loss {
  /** Name of the scalar loss. */
  readonly loss: string;
  /** Name of d loss / d logits, shaped like the logits: the seed for differentiation. */
  readonly cotangent: string;
}

/**
 * Appends the mean cross-entropy of logits [N, C] against class indices [N] (int64).
 *
 * With p = softmax(z) and y the one-hot labels, L = −mean_n Σ_c y log p and dL/dz = (p − y) / N; the closed form
 * spares a backward pass through LogSoftmax.
 */
export function appendCrossEntropy(
  builder: GraphBuilder,
  logits: string,
  labels: { readonly name: string; readonly classCount: number },
): Loss {
  const depth = builder.int64s([labels.classCount]);
  const offOn = builder.constant({ dtype: 'float32', dims: [2], data: Float32Array.of(0, 1) });
  const oneHot = builder.node('OneHot', [labels.name, depth, offOn], { attributes: { axis: -1 } });
  const logProbabilities = builder.node('LogSoftmax', [logits], { attributes: { axis: -1 } });
  const perClass = builder.node('Mul', [oneHot, logProbabilities]);
  const perRow = builder.reduce('ReduceSum', perClass, [1], false);
  const loss = builder.node('Neg', [builder.reduce('ReduceMean', perRow, [0], false)]);
  const probabilities = builder.node('Exp', [logProbabilities]);
  const shape = builder.node('Shape', [labels.name]);
  const rowCount = builder.cast(shape, 1);
  const cotangent = builder.node('Div', [builder.node('Sub', [probabilities, oneHot]), rowCount]);
  return { loss, cotangent };
}
