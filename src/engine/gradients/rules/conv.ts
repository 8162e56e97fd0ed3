import { channelsOf, kernelOf, windowGeometry } from '../convGeometry.js';
import { emitConvTranspose } from '../convInputGradient.js';
import { emitConvWeightGradient } from '../convWeightGradient.js';
import { emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset } from '../gradientRule.js';
import { axesFrom } from '../staticShapes.js';

/** Gradient of Conv by its input, weight and bias; any rank, groups, strides, dilations and pads. */
export const convRule: GradientRule = {
  opType: 'Conv',
  domain: '',
  opsets: [11, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [x = '', weight = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const sides = { wide: x, narrow: node.outputs[0] ?? '' };
    const geometry = windowGeometry(context, kernelOf(context, weight), sides);
    const channels = channelsOf(context, weight);
    const toInput = (): string => emitConvTranspose(context, emit, { g, weight, channels, geometry, sides });
    const toWeight = (): string =>
      emitConvWeightGradient(context, emit, { x, g, narrow: sides.narrow, channels, geometry });
    const toBias = (): string => emit.sum(g, [0, ...axesFrom(2, geometry.kernel.length + 2)], false);
    return [
      context.wants(0) ? toInput() : undefined,
      context.wants(1) ? toWeight() : undefined,
      context.wants(2) ? toBias() : undefined,
    ];
  },
};
