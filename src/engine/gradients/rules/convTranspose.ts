import { intAttribute, stringAttribute } from '../../../onnx/model.js';
import { channelsOf, kernelOf, type WindowGeometry, windowGeometry } from '../convGeometry.js';
import { emitConvWeightGradient } from '../convWeightGradient.js';
import { emitterFor } from '../emitter.js';
import { formUnsupported } from '../gradientErrors.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { axesFrom } from '../staticShapes.js';

/**
 * Gradient of ConvTranspose, the transpose of the Conv with the same weight: dx is that Conv of g, and the weight's
 * gradient is that Conv's, with g as its input and x as its output.
 */
export const convTransposeRule: GradientRule = {
  opType: 'ConvTranspose',
  domain: '',
  opsets: [11, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [x = '', weight = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const geometry = geometryOf(context, { x, weight });
    const { kernel, strides, dilations, padsBegin, padsEnd } = geometry;
    const toInput = (): string =>
      emit.node('Conv', [g, weight], {
        kernel_shape: kernel,
        strides,
        dilations,
        pads: [...padsBegin, ...padsEnd],
        group: intAttribute(node, 'group', 1),
      });
    const toWeight = (): string => {
      const channels = channelsOf(context, weight);
      return emitConvWeightGradient(context, emit, { x: g, g: x, narrow: x, channels, geometry });
    };
    const toBias = (): string => emit.sum(g, [0, ...axesFrom(2, kernel.length + 2)], false);
    return [
      context.wants(0) ? toInput() : undefined,
      context.wants(1) ? toWeight() : undefined,
      context.wants(2) ? toBias() : undefined,
    ];
  },
};

function geometryOf(
  context: RuleContext,
  { x, weight }: { readonly x: string; readonly weight: string },
): WindowGeometry {
  const { node } = context;
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (node.attributes.has('output_shape') || autoPad.startsWith('SAME')) {
    throw formUnsupported(node, 'pads that follow from output_shape or auto_pad');
  }
  return windowGeometry(context, kernelOf(context, weight), { wide: node.outputs[0] ?? '', narrow: x });
}
