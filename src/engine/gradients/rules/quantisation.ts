import { dataTypeOfCode, type DataType } from '../../../onnx/dataTypes.js';
import { intAttribute } from '../../../onnx/model.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { emitIsUncut } from '../quantisedRange.js';
import { axesFrom, normalAxis, rankOf } from '../staticShapes.js';

/** How many neighbours share a scale; 0 without blocks. */
function blockSize({ node }: RuleContext): number {
  return intAttribute(node, 'block_size', 0);
}

/** Along which axis x has scales of its own. */
function axisOf(context: RuleContext): { readonly axis: number; readonly rank: number } {
  const { node } = context;
  const rank = rankOf(context, node.inputs[0] ?? '');
  return { axis: normalAxis(intAttribute(node, 'axis', 1), rank), rank };
}

/** Numbers for scale or zero point: one, one per position of an axis or one per block of it, shaped to broadcast against x. */
function alongAxis(context: RuleContext, emit: Emitter, value: string): string {
  if (blockSize(context) > 0) return overBlocks(context, emit, emit.castTo(value, emit.elementType));
  if (rankOf(context, value) !== 1) return value;
  const { axis, rank } = axisOf(context);
  // A single number of shape [1] fits anywhere.
  if (rank === 0 || axis >= rank) return value;
  return emit.unsqueeze(
    value,
    axesFrom(axis + 1, rank).map((_, i) => i + 1),
  );
}

/** Each number as often as its block is long; the last block may be cut: [… blocks …] → [… n …]. */
function overBlocks(context: RuleContext, emit: Emitter, value: string): string {
  const [{ axis, rank }, size] = [axisOf(context), blockSize(context)];
  const [x = ''] = context.node.inputs;
  const repeats = axesFrom(0, rank + 1).map((at) => (at === axis + 1 ? size : 1));
  const tiled = emit.node('Tile', [emit.unsqueeze(value, [axis + 1]), emit.ints(repeats)]);
  const all = emit.reshape(
    tiled,
    emit.concat([emit.shape(value, 0, axis), emit.ints([-1]), emit.shape(value, axis + 1)], 0),
  );
  return emit.node('Slice', [all, emit.ints([0]), emit.shape(x, axis, axis + 1), emit.ints([axis])]);
}

/** Sums over each block: [… n …] → [… blocks …]. */
function summedOverBlocks(context: RuleContext, emit: Emitter, value: string): string {
  const [{ axis, rank }, size] = [axisOf(context), blockSize(context)];
  const missing = emit.sub(
    emit.mul(emit.shape(context.node.inputs[1] ?? '', axis, axis + 1), emit.ints([size])),
    emit.shape(value, axis, axis + 1),
  );
  const none = (count: number): readonly string[] =>
    count === 0 ? [] : [emit.ints(new Array<number>(count).fill(0))];
  const pads = emit.concat([...none(rank + axis), missing, ...none(rank - 1 - axis)], 0);
  const padded = emit.node('Pad', [value, pads]);
  const cut = emit.concat(
    [emit.shape(padded, 0, axis), emit.ints([-1, size]), emit.shape(padded, axis + 1)],
    0,
  );
  return emit.sum(emit.reshape(padded, cut), [axis + 1], false);
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
  if (blockSize(context) > 0) return summedOverBlocks(context, emit, value);
  const { axis, rank } = axisOf(context);
  const isPerAxis = rankOf(context, scale) === 1;
  const others = axesFrom(0, rank).filter((other) => !isPerAxis || other !== axis);
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
