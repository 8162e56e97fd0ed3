import { intAttribute } from '../../../onnx/model.js';
import { emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset } from '../gradientRule.js';

/**
 * Gradient of LpNormalization, y = x / ‖x‖ along an axis.
 *
 * p = 2: (g − y·Σ g·y) / ‖x‖₂; p = 1: (g − sign(x)·Σ g·y) / ‖x‖₁. Where the norm is 0 the runtime gives y = 0 and no
 * gradient exists; 0 flows.
 */
export const lpNormalizationRule: GradientRule = {
  opType: 'LpNormalization',
  domain: '',
  opsets: [1, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const [x = ''] = context.node.inputs;
    const [y = ''] = context.node.outputs;
    const axes = [intAttribute(context.node, 'axis', -1)];
    const isEuclidean = intAttribute(context.node, 'p', 2) === 2;
    const direction = isEuclidean ? y : emit.node('Sign', [x]);
    const size = isEuclidean ? emit.mul(x, x) : emit.node('Abs', [x]);
    const total = emit.sum(size, axes, true);
    const norm = isEuclidean ? emit.node('Sqrt', [total]) : total;
    const inner = emit.sub(g, emit.mul(direction, emit.sum(emit.mul(g, y), axes, true)));
    const isZero = emit.node('Equal', [norm, emit.scalar(0)]);
    return [emit.where(isZero, emit.scalar(0), emit.div(inner, norm))];
  },
};
