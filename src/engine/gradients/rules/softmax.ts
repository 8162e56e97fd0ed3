import { intAttribute } from '../../../onnx/model.js';
import { emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset } from '../gradientRule.js';
import { emitRowSums } from '../rowSums.js';
import { shapeIfKnown } from '../staticShapes.js';

/** Gradient of Softmax: y·(g − Σ g·y) along its axis. */
export const softmaxRule: GradientRule = {
  opType: 'Softmax',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const [y = ''] = context.node.outputs;
    const axis = intAttribute(context.node, 'axis', -1);
    const isLast = axis === -1 || axis + 1 === shapeIfKnown(context, y)?.length;
    const inner = isLast ? emitRowSums(emit, y, g) : emit.sum(emit.mul(g, y), [axis], true);
    return [emit.mul(y, emit.sub(g, inner))];
  },
};

/** Gradient of LogSoftmax: g − eʸ·Σ g along its axis. */
export const logSoftmaxRule: GradientRule = {
  opType: 'LogSoftmax',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const [y = ''] = context.node.outputs;
    const total = emit.sum(g, [intAttribute(context.node, 'axis', -1)], true);
    return [emit.sub(g, emit.mul(emit.node('Exp', [y]), total))];
  },
};
