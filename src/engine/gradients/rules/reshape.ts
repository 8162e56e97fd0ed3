import { emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset } from '../gradientRule.js';
import { emitReshapeLike } from '../staticShapes.js';

/** A rule for an operator that only renames positions in order: dx is g in the shape of x. */
function reshaping(opType: string): GradientRule {
  return {
    opType,
    domain: '',
    opsets: [13, latestOpset],
    backward(context) {
      const [g] = context.outputCotangents;
      const [x = ''] = context.node.inputs;
      return g === undefined ? [] : [emitReshapeLike(context, emitterFor(context), g, x)];
    },
  };
}

/** Gradient of Reshape. */
export const reshapeRule = reshaping('Reshape');

/** Gradient of Flatten. */
export const flattenRule = reshaping('Flatten');

/** Gradient of Squeeze. */
export const squeezeRule = reshaping('Squeeze');

/** Gradient of Unsqueeze. */
export const unsqueezeRule = reshaping('Unsqueeze');
