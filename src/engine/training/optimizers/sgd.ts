import type { Optimizer } from '../optimizer.js';
import { appendDecayToGradient } from './weightDecay.js';

/** Settings of stochastic gradient descent. */
export interface SgdSettings {
  /** Share of the last step's velocity that is kept; default 0: no velocity. */
  readonly momentum?: number;
  /** Looks ahead along the velocity; needs momentum. */
  readonly nesterov?: boolean;
  /** λ of the penalty ½λ‖θ‖²; default 0. */
  readonly weightDecay?: number;
}

/**
 * Returns stochastic gradient descent: v′ = μv + g, θ′ = θ − lr·v′, or with Nesterov θ′ = θ − lr·(g + μv′).
 *
 * Weight decay adds λθ to g. Source: Sutskever, Martens, Dahl & Hinton (2013), "On the importance of initialization and
 * momentum in deep learning". Differs: the learning rate multiplies the velocity instead of being part of it, as in
 * common implementations, so that a schedule acts at once.
 */
export function sgd(settings: SgdSettings = {}): Optimizer {
  const { momentum = 0, nesterov = false, weightDecay = 0 } = settings;
  if (nesterov && momentum === 0) throw new Error('Nesterov needs a momentum.');
  return {
    name: nesterov ? 'SGD with Nesterov momentum' : momentum > 0 ? 'SGD with momentum' : 'SGD',
    slots: momentum > 0 ? ['velocity'] : [],
    scalars: [],
    scalarsAt: () => [],
    update(builder, operands) {
      const { parameter, learningRate } = operands;
      const gradient = appendDecayToGradient(builder, operands, weightDecay);
      const [velocity] = operands.slots;
      let direction = gradient;
      const slots: string[] = [];
      if (velocity !== undefined) {
        const along = (value: string): string => builder.node('Mul', [value, builder.scalar(momentum)]);
        const next = builder.node('Add', [along(velocity), gradient]);
        slots.push(next);
        direction = nesterov ? builder.node('Add', [gradient, along(next)]) : next;
      }
      const step = builder.node('Mul', [direction, learningRate]);
      return { parameter: builder.node('Sub', [parameter, step]), slots };
    },
  };
}
