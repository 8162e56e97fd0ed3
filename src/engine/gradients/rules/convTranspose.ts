import { intAttribute, intsAttribute, stringAttribute } from '../../../onnx/model.js';
import { channelsOf, kernelOf, windowExtent, type WindowGeometry, windowGeometry } from '../convGeometry.js';
import { emitConvWeightGradient } from '../convWeightGradient.js';
import { emitterFor } from '../emitter.js';
import { gradientNeeds } from '../gradientErrors.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { axesFrom, shapeOf } from '../staticShapes.js';

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
  const [y = ''] = node.outputs;
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  const kernel = kernelOf(context, weight);
  if (!node.attributes.has('output_shape') && !autoPad.startsWith('SAME')) {
    return windowGeometry(context, kernel, { wide: y, narrow: x });
  }
  // What the windows reach beyond the result is cut off on both sides, an odd position at the end or at the start.
  const ones = kernel.map(() => 1);
  const [strides, dilations] = [
    intsAttribute(node, 'strides') ?? ones,
    intsAttribute(node, 'dilations') ?? ones,
  ];
  const extra = intsAttribute(node, 'output_padding') ?? [];
  const padsBegin: number[] = [];
  const padsEnd: number[] = [];
  kernel.forEach((_, axis) => {
    const reach = windowExtent({ kernel, dilations }, axis) + (extra[axis] ?? 0);
    const stride = strides[axis] ?? 1;
    const asked = intsAttribute(node, 'output_shape')?.at(axis - kernel.length);
    // SAME makes the result the stride times as long: stride·(n − 1) + reach − stride·n is left over, whatever n is.
    const beyond =
      asked === undefined ? reach - stride : stride * (sizeOf(context, x, axis) - 1) + reach - asked;
    const total = Math.max(0, beyond);
    const small = Math.floor(total / 2);
    const isUpper = autoPad === 'SAME_UPPER';
    padsBegin.push(isUpper ? small : total - small);
    padsEnd.push(isUpper ? total - small : small);
  });
  return { kernel, strides, dilations, padsBegin, padsEnd };
}

function sizeOf(context: RuleContext, value: string, axis: number): number {
  const size = shapeOf(context, value)[axis + 2];
  if (typeof size !== 'number') throw gradientNeeds(context.node, `the height and width of "${value}"`);
  return size;
}
