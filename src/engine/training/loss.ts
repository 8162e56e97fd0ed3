import type { ValueType } from '../../onnx/model.js';
import type { Seed } from '../gradients/gradientRule.js';
import type { GraphBuilder } from '../graph/graphBuilder.js';

/** An input that a loss reads beside the model's own: what is to be learned. */
export interface Target {
  readonly name: string;
  readonly type: ValueType;
}

/** A loss as it stands in a graph. */
export interface LossNodes {
  /** Name of the scalar loss. */
  readonly loss: string;
  /** Where its gradient starts: the loss itself, or a value before it whose gradient has a closed form. */
  readonly seeds: readonly Seed[];
}

/** What training minimises: appends itself to the graph of a model, whose values it names. */
export interface Loss {
  /** Its name in a manifest or report. */
  readonly kind: string;
  /** Inputs that every batch feeds beside the model's own. */
  readonly targets: readonly Target[];
  /** Appends the loss; the targets are inputs of the graph already. */
  append(builder: GraphBuilder): LossNodes;
}

/** How the losses of elements become one number: their mean, or their sum over each sample and then the mean of those. */
export type Reduction = 'mean' | 'sum-per-sample';

/** Returns the seed of a scalar loss whose gradient is found through its nodes: dL/dL = 1. */
export function seedOf(builder: GraphBuilder, loss: string): LossNodes {
  return { loss, seeds: [{ value: loss, cotangent: builder.scalar(1) }] };
}

/** Appends the float32 number that a sum of element losses is divided by. */
export function appendDivisor(builder: GraphBuilder, value: string, reduction: Reduction): string {
  if (reduction === 'mean') return builder.cast(builder.node('Size', [value]), 1);
  const rows = builder.node('Shape', [value], { attributes: { start: 0, end: 1 } });
  return builder.cast(builder.node('Squeeze', [rows]), 1);
}

/** Appends the sum of all elements, a scalar. */
export function appendTotal(builder: GraphBuilder, value: string): string {
  return builder.node('ReduceSum', [value], { attributes: { keepdims: 0 } });
}
