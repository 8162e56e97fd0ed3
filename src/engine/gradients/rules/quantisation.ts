import { dataTypeOfCode, type DataType } from '../../../onnx/dataTypes.js';
import { intAttribute } from '../../../onnx/model.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { formUnsupported } from '../gradientErrors.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { emitIsUncut } from '../quantisedRange.js';
import { axesFrom, normalAxis, rankOf } from '../staticShapes.js';

/** Scale or zero point, one number or one per position of an axis, shaped to broadcast against x. */
function alongAxis(context: RuleContext, emit: Emitter, value: string): string {
  const { node } = context;
  if (intAttribute(node, 'block_size', 0) > 0) throw formUnsupported(node, 'block_size');
  if (rankOf(context, value) !== 1) return value;
  const rank = rankOf(context, node.inputs[0] ?? '');
  const axis = normalAxis(intAttribute(node, 'axis', 1), rank);
  // A single number of shape [1] fits anywhere.
  if (rank === 0 || axis >= rank) return value;
  return emit.unsqueeze(
    value,
    axesFrom(axis + 1, rank).map((_, i) => i + 1),
  );
}

/** What x is rounded to: the zero point's type, or that of the attribute. */
function quantisedType({ node, typeOf }: Pick<RuleContext, 'node' | 'typeOf'>): DataType {
  const zero = node.inputs[2] ?? '';
  const type = zero === '' ? undefined : typeOf(zero);
  if (type?.kind === 'tensor') return type.elementType;
  const code = intAttribute(node, 'output_dtype', 0);
  return code === 0 ? 'uint8' : dataTypeOfCode(code);
}

function quantize(domain: string): GradientRule {
  return {
    opType: 'QuantizeLinear',
    domain,
    opsets: [10, latestOpset],
    isStraightThrough: true,
    backward(context) {
      const { node } = context;
      const [g] = context.outputCotangents;
      const [, scale = ''] = node.inputs;
      if (g === undefined) return [];
      const emit = emitterFor(context);
      const slope = emit.div(g, alongAxis(context, emit, scale));
      const typeOf = (name: string): ReturnType<RuleContext['typeOf']> => context.typeOf(name);
      const isUncut = emitIsUncut(emit, node.outputs[0] ?? '', quantisedType({ node, typeOf }));
      return [isUncut === undefined ? slope : emit.maskWhere(isUncut, slope)];
    },
  };
}

function dequantize(domain: string): GradientRule {
  return {
    opType: 'DequantizeLinear',
    domain,
    opsets: [10, latestOpset],
    backward(context) {
      const { node } = context;
      const [g] = context.outputCotangents;
      const [x = '', scale = '', zero = ''] = node.inputs;
      if (g === undefined) return [];
      const emit = emitterFor(context, scale);
      const toScale = (): string => {
        const number = (value: string): string => emit.castTo(value, emit.elementType);
        const level = zero === '' ? number(x) : emit.sub(number(x), number(alongAxis(context, emit, zero)));
        return summedLike(context, emit, { value: emit.mul(g, level), scale });
      };
      return [
        context.wants(0) ? emit.mul(g, alongAxis(context, emit, scale)) : undefined,
        context.wants(1) ? toScale() : undefined,
      ];
    },
  };
}

/** Sums over everything that shares a scale. */
function summedLike(
  context: RuleContext,
  emit: Emitter,
  { value, scale }: { readonly value: string; readonly scale: string },
): string {
  const rank = rankOf(context, context.node.inputs[0] ?? '');
  const isPerAxis = rankOf(context, scale) === 1;
  const axis = isPerAxis ? normalAxis(intAttribute(context.node, 'axis', 1), rank) : -1;
  const others = axesFrom(0, rank).filter((other) => other !== axis);
  return emit.reshapeLike(emit.sum(value, others, false), scale);
}

/**
 * Gradients of QuantizeLinear and DequantizeLinear.
 *
 * Rounding is passed straight through: dx = g/scale where nothing was cut, 0 where it was, and none to the scale.
 * Dequantising is linear, and exact for the scale too.
 *
 * Source: Bengio, Léonard & Courville (2013), "Estimating or Propagating Gradients Through Stochastic Neurons".
 */
export const quantisationRules: readonly GradientRule[] = [
  quantize(''),
  quantize('com.microsoft'),
  dequantize(''),
  dequantize('com.microsoft'),
];

/** Gradient of DynamicQuantizeLinear: g/scale straight through, the scale and zero point taken as they are. */
export const dynamicQuantizeLinearRule: GradientRule = {
  opType: 'DynamicQuantizeLinear',
  domain: '',
  opsets: [11, latestOpset],
  isStraightThrough: true,
  backward(context) {
    const [g] = context.outputCotangents;
    const [, scale = ''] = context.node.outputs;
    return g === undefined ? [] : [emitterFor(context).div(g, scale)];
  },
};
