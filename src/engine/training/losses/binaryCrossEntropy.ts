import type { GraphBuilder } from '../../graph/graphBuilder.js';
import { appendDivisor, appendTotal, type Loss } from '../loss.js';
import { type ElementLossSettings, targetType } from './squaredError.js';

/** What a binary cross-entropy compares; `output` holds logits, `targets` lie in 0 … 1. */
export interface BinaryCrossEntropySettings extends ElementLossSettings {
  /** Weight of the positive class; default 1. */
  readonly positiveWeight?: number;
}

/**
 * Returns the binary cross-entropy of logits, in nats.
 *
 * l = (1 − t)·z + (1 + (p − 1)·t)·softplus(−z), with softplus(−z) = max(−z, 0) + log(1 + e^(−|z|)) so that no z overflows;
 * dl/dz = (1 − t)·σ(z) − p·t·σ(−z).
 */
export function binaryCrossEntropy(settings: BinaryCrossEntropySettings): Loss {
  const { output: z, targets: name = 'targets', reduction = 'mean', positiveWeight = 1 } = settings;
  return {
    kind: 'binary cross-entropy',
    targets: [{ name, type: targetType }],
    append(builder) {
      const negated = builder.node('Neg', [z]);
      const absent = builder.node('Sub', [builder.scalar(1), name]);
      const present =
        positiveWeight === 1 ? name : builder.node('Mul', [name, builder.scalar(positiveWeight)]);
      // 1 + (p − 1)·t = (1 − t) + p·t
      const weight = builder.node('Add', [absent, present]);
      const soft = builder.node('Mul', [weight, appendSoftplus(builder, negated)]);
      const elements = builder.node('Add', [builder.node('Mul', [absent, z]), soft]);
      const divisor = appendDivisor(builder, z, reduction);
      const loss = builder.node('Div', [appendTotal(builder, elements), divisor]);
      const rise = builder.node('Mul', [absent, builder.node('Sigmoid', [z])]);
      const fall = builder.node('Mul', [present, builder.node('Sigmoid', [negated])]);
      const slope = builder.node('Sub', [rise, fall]);
      return { loss, seeds: [{ value: z, cotangent: builder.node('Div', [slope, divisor]) }] };
    },
  };
}

/** max(x, 0) + log(1 + e^(−|x|)): the runtime's Softplus overflows nowhere either, but loses the small end. */
function appendSoftplus(builder: GraphBuilder, x: string): string {
  const decay = builder.node('Exp', [builder.node('Neg', [builder.node('Abs', [x])])]);
  const tail = builder.node('Log', [builder.node('Add', [decay, builder.scalar(1)])]);
  return builder.node('Add', [builder.node('Relu', [x]), tail]);
}
