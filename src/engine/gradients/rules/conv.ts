import { channelScalingOf } from '../channelScale.js';
import { channelsOf, kernelOf, windowGeometry } from '../convGeometry.js';
import { emitConvTranspose } from '../convInputGradient.js';
import { weightGradientOf } from '../convWeightGradient.js';
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
    const spatial = axesFrom(2, geometry.kernel.length + 2);
    // g = factor·u: dW and db, which are linear in g, take the factor last, and a constant weight takes it in.
    const scaling = channelScalingOf(context.builder, g);
    const u = scaling?.unscaled ?? g;
    const scaled = (value: string): string =>
      scaling === undefined
        ? value
        : emit.mul(value, emit.unsqueeze(scaling.factor, axesFrom(1, spatial.length + 2)));
    const isWeightFixed = context.isConstant(weight);
    const takesFactor = isWeightFixed && scaling?.isFixed === true;
    const toInput = (): string =>
      emitConvTranspose(context, emit, {
        g: takesFactor ? u : g,
        weight: takesFactor ? scaled(weight) : weight,
        isWeightFixed,
        channels: channelsOf(context, weight),
        geometry,
        sides,
      });
    const toBias = (): string => {
      const sum = emit.sum(u, [0, ...spatial], false);
      return scaling === undefined ? sum : emit.mul(sum, scaling.factor);
    };
    return [
      context.wants(0) ? toInput() : undefined,
      context.wants(1) ? scaled(weightGradientOf(context, u)) : undefined,
      context.wants(2) ? toBias() : undefined,
    ];
  },
};
