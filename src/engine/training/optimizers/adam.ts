import type { GraphBuilder } from '../../graph/graphBuilder.js';
import type { Optimizer, UpdateOperands } from '../optimizer.js';
import { appendDecayToGradient, appendDecoupledDecay } from './weightDecay.js';

/** Settings of Adam and AdamW; the defaults are those of Adam's paper. */
export interface AdamSettings {
  /** Decay of the first moment; default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment; default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second moment; default 1e-8. */
  readonly epsilon?: number;
  /** Default 0 for Adam, 0.01 for AdamW. */
  readonly weightDecay?: number;
}

/**
 * Returns Adam: m′ = β₁m + (1−β₁)g, v′ = β₂v + (1−β₂)g², θ′ = θ − lr·m̂/(√v̂ + ε) with m̂ = m′/(1−β₁ᵗ), v̂ = v′/(1−β₂ᵗ).
 *
 * Weight decay adds λθ to g. Source: Kingma & Ba (2015), "Adam: A Method for Stochastic Optimization", algorithm 1,
 * https://arxiv.org/abs/1412.6980
 */
export function adam(settings: AdamSettings = {}): Optimizer {
  const { weightDecay = 0 } = settings;
  return adamLike('Adam', settings, (builder, operands) => ({
    parameter: operands.parameter,
    gradient: appendDecayToGradient(builder, operands, weightDecay),
  }));
}

/**
 * Returns AdamW: Adam on the plain gradient, and θ shrunk by lr·λ·θ beside it.
 *
 * Source: Loshchilov & Hutter (2019), "Decoupled Weight Decay Regularization", algorithm 2, https://arxiv.org/abs/1711.05101.
 * Differs: the decay is multiplied by the learning rate and not only by its schedule, as in common implementations.
 */
export function adamW(settings: AdamSettings = {}): Optimizer {
  const { weightDecay = 0.01 } = settings;
  return adamLike('AdamW', settings, (builder, operands) => ({
    parameter: appendDecoupledDecay(builder, operands, weightDecay),
    gradient: operands.gradient,
  }));
}

/** Appends what decays before the moments are updated. */
type Decay = (
  builder: GraphBuilder,
  operands: UpdateOperands,
) => { readonly parameter: string; readonly gradient: string };

function adamLike(name: string, settings: AdamSettings, decay: Decay): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = settings;
  return {
    name,
    slots: ['first', 'second'],
    scalars: ['firstCorrection', 'secondCorrection'],
    scalarsAt: (step) => [1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)],
    update(builder, operands) {
      const { parameter, gradient } = decay(builder, operands);
      const [oldFirst = '', oldSecond = ''] = operands.slots;
      const [firstCorrection = '', secondCorrection = ''] = operands.scalars;
      const first = appendDecayed(builder, { old: oldFirst, update: gradient, beta: beta1 });
      const squared = builder.node('Mul', [gradient, gradient]);
      const second = appendDecayed(builder, { old: oldSecond, update: squared, beta: beta2 });
      const corrected = builder.node('Mul', [first, firstCorrection]);
      const root = builder.node('Sqrt', [builder.node('Mul', [second, secondCorrection])]);
      const denominator = builder.node('Add', [root, builder.scalar(epsilon)]);
      const direction = builder.node('Div', [corrected, denominator]);
      const step = builder.node('Mul', [direction, operands.learningRate]);
      return { parameter: builder.node('Sub', [parameter, step]), slots: [first, second] };
    },
  };
}

/** Appends β·old + (1 − β)·update. */
function appendDecayed(
  builder: GraphBuilder,
  { old, update, beta }: { readonly old: string; readonly update: string; readonly beta: number },
): string {
  const kept = builder.node('Mul', [old, builder.scalar(beta)]);
  const added = builder.node('Mul', [update, builder.scalar(1 - beta)]);
  return builder.node('Add', [kept, added]);
}
