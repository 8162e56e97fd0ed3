import type { TensorValue } from '../../../onnx/tensorValue.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { shapeIfKnown } from '../staticShapes.js';

/** Gradient of PRelu: g where x > 0, slope·g elsewhere; the slope gets x·g there. */
export const pReluRule: GradientRule = {
  opType: 'PRelu',
  domain: '',
  opsets: [9, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    const [x = '', slope = ''] = context.node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const isAbove = emit.greater(x, emit.scalar(0));
    const toSlope = (): string => emit.where(isAbove, emit.scalar(0), emit.mul(x, g));
    return [
      context.wants(0) ? emit.where(isAbove, g, emit.mul(slope, g)) : undefined,
      context.wants(1) ? { value: toSlope(), shape: shapeIfKnown(context, x) } : undefined,
    ];
  },
};

/** Gradient of Clip: g strictly between the bounds, so that ReLU6 agrees with ReLU at 0; a bound gets what it cut. */
export const clipRule: GradientRule = {
  opType: 'Clip',
  domain: '',
  opsets: [11, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    const [x = '', low = '', high = ''] = context.node.inputs;
    const [y = ''] = context.node.outputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    // y is at a bound exactly where x is at or beyond it; asking y lets the runtime fuse Clip into a convolution.
    const tests = [
      ...(low === '' ? [] : [isZero(context.constantOf(low)) ? emit.isNonZero(y) : emit.greater(y, low)]),
      ...(high === '' ? [] : [emit.less(y, high)]),
    ];
    const [first, second] = tests;
    if (first === undefined) return [g];
    const inside = second === undefined ? first : emit.node('And', [first, second]);
    const shape = shapeIfKnown(context, x);
    return [
      context.wants(0) ? emit.maskWhere(inside, g) : undefined,
      context.wants(1) ? { value: emit.keepWhere(isCutBelow(emit, { x, low, high }), g), shape } : undefined,
      context.wants(2) ? { value: emit.keepWhere(isCutAbove(emit, { x, low, high }), g), shape } : undefined,
    ];
  },
};

/** Operands of a Clip; an absent bound is empty. */
interface Clipped {
  readonly x: string;
  readonly low: string;
  readonly high: string;
}

/** y = min(max(x, low), high): where the bounds are crossed the upper one wins. */
function isCutBelow(emit: Emitter, { x, low, high }: Clipped): string {
  const isBelow = emit.less(x, low);
  return high === '' ? isBelow : emit.node('And', [isBelow, emit.less(low, high)]);
}

function isCutAbove(emit: Emitter, { x, low, high }: Clipped): string {
  return emit.greater(low === '' ? x : emit.node('Max', [x, low]), high);
}

/** Gradient of Dropout: what it passed, scaled as it was; in a trained model it passes everything through. */
export const dropoutRule: GradientRule = {
  opType: 'Dropout',
  domain: '',
  opsets: [12, latestOpset],
  prepare({ node, freshName }) {
    // Which elements were dropped is drawn once, in the run itself.
    if ((node.inputs[2] ?? '') === '' || (node.outputs[1] ?? '') !== '') return node;
    return { ...node, outputs: [node.outputs[0] ?? '', freshName(`${node.outputs[0] ?? ''}/mask`)] };
  },
  backward(context) {
    const [g] = context.outputCotangents;
    const [, ratio = '', training = ''] = context.node.inputs;
    const [, mask = ''] = context.node.outputs;
    if (g === undefined || training === '' || isZero(context.constantOf(training))) return [g];
    const emit = emitterFor(context);
    const share = ratio === '' ? emit.scalar(0.5) : emit.castTo(ratio, emit.elementType);
    const grown = emit.node('Reciprocal', [emit.sub(emit.scalar(1), share)]);
    const scale = emit.where(training, grown, emit.scalar(1));
    return [emit.mul(emit.maskWhere(mask, g), scale)];
  },
};

function isZero(value: TensorValue | undefined): boolean {
  return value !== undefined && Number(value.data[0]) === 0;
}

function cast(opType: string, first: number): GradientRule {
  return {
    opType,
    domain: '',
    opsets: [first, latestOpset],
    backward(context) {
      const [g] = context.outputCotangents;
      return g === undefined ? [] : [castBack(context, g)];
    },
  };
}

function castBack(context: RuleContext, g: string): string {
  const emit = emitterFor(context);
  return emit.castTo(g, emit.elementType);
}

/** Gradient of Cast between float types: g in the operand's type. */
export const castRule = cast('Cast', 13);

/** Gradient of CastLike between float types. */
export const castLikeRule = cast('CastLike', 15);

/** Gradient of Where: g to the chosen operand. */
export const whereRule: GradientRule = {
  opType: 'Where',
  domain: '',
  opsets: [9, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [condition = '', chosen = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context, chosen);
    const shape = shapeIfKnown(context, node.outputs[0] ?? '');
    const toOther = (): string => emit.where(condition, emit.scalar(0), g);
    return [
      undefined,
      context.wants(1) ? { value: emit.keepWhere(condition, g), shape } : undefined,
      context.wants(2) ? { value: toOther(), shape } : undefined,
    ];
  },
};
