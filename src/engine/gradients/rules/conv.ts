import { constantScalingOf } from '../channelScale.js';
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
    const spatial = axesFrom(2, geometry.kernel.length + 2);
    // g = factor·u: the transposed weight takes the factor in, and dW and db, which are linear in g, take it last.
    const isWeightFixed = context.isConstant(weight);
    const scaling = isWeightFixed ? constantScalingOf(context.builder, g) : undefined;
    const u = scaling?.unscaled ?? g;
    const perOutput = (): string =>
      scaling === undefined ? '' : emit.unsqueeze(scaling.factor, axesFrom(1, spatial.length + 2));
    const scaled = (value: string): string => (scaling === undefined ? value : emit.mul(value, perOutput()));
    const toInput = (): string =>
      emitConvTranspose(context, emit, {
        g: u,
        weight: scaled(weight),
        isWeightFixed,
        channels,
        geometry,
        sides,
      });
    const toWeight = (): string =>
      scaled(emitConvWeightGradient(context, emit, { x, g: u, narrow: sides.narrow, channels, geometry }));
    const toBias = (): string => {
      const sum = emit.sum(u, [0, ...spatial], false);
      return scaling === undefined ? sum : emit.mul(sum, scaling.factor);
    };
    return [
      context.wants(0) ? toInput() : undefined,
      context.wants(1) ? toWeight() : undefined,
      context.wants(2) ? toBias() : undefined,
    ];
  },
};
