import { floatAttribute, intAttribute } from '../../../onnx/model.js';
import { emitChannelScale } from '../channelScale.js';
import { weightGradientOf } from '../convWeightGradient.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { formUnsupported } from '../gradientErrors.js';
import { type GradientRule, type InputCotangent, latestOpset, type RuleContext } from '../gradientRule.js';
import { axesFrom, normalAxis, rankOf, shapeOf } from '../staticShapes.js';

/** x̂ = (x − mean)/σ over some axes, with the operands of y = scale·x̂ + bias. */
interface Normalized {
  readonly emit: Emitter;
  readonly x: string;
  readonly axes: readonly number[];
  readonly epsilon: number;
  /** Whether the mean is subtracted (not in RMS normalisation). */
  readonly isCentred: boolean;
}

/** Appends x̂ and 1/σ. */
function standardize({ emit, x, axes, epsilon, isCentred }: Normalized): {
  readonly standard: string;
  readonly inverse: string;
} {
  const centred = isCentred ? emit.sub(x, emit.mean(x, axes)) : x;
  const variance = emit.mean(emit.square(centred), axes);
  const deviation = emit.node('Sqrt', [emit.add(variance, emit.scalar(epsilon))]);
  const inverse = emit.node('Reciprocal', [deviation]);
  return { standard: emit.mul(centred, inverse), inverse };
}

/** dx = (u − mean(u) − x̂·mean(u·x̂))/σ with u = g·scale; without the middle term when nothing was centred. */
function throughStandard(
  { emit, axes, isCentred }: Normalized,
  { standard, inverse }: { readonly standard: string; readonly inverse: string },
  u: string,
): string {
  const along = emit.mul(standard, emit.mean(emit.mul(u, standard), axes));
  const centred = isCentred ? emit.sub(u, emit.mean(u, axes)) : u;
  return emit.mul(emit.sub(centred, along), inverse);
}

function layerNormLike(opType: string, first: number, isCentred: boolean): GradientRule {
  return {
    opType,
    domain: '',
    opsets: [first, latestOpset],
    backward(context) {
      const { node, outputCotangents } = context;
      const [g, ...statistics] = outputCotangents;
      if (statistics.some((cotangent) => cotangent !== undefined)) {
        throw formUnsupported(node, 'a target that reads its mean or deviation');
      }
      if (g === undefined) return [];
      const emit = emitterFor(context);
      const [x = '', scale = ''] = node.inputs;
      const shape = shapeOf(context, x);
      const axes = axesFrom(normalAxis(intAttribute(node, 'axis', -1), shape.length), shape.length);
      const normal = { emit, x, axes, epsilon: floatAttribute(node, 'epsilon', 1e-5), isCentred };
      const parts = standardize(normal);
      const toInput = (): string => throughStandard(normal, parts, emit.mul(g, scale));
      return [
        context.wants(0) ? toInput() : undefined,
        context.wants(1) ? { value: emit.mul(g, parts.standard), shape } : undefined,
        context.wants(2) ? { value: g, shape } : undefined,
      ];
    },
  };
}

/** Gradient of LayerNormalization. */
export const layerNormalizationRule = layerNormLike('LayerNormalization', 17, true);

/** Gradient of RMSNormalization. */
export const rmsNormalizationRule = layerNormLike('RMSNormalization', 23, false);

/** Gradient of ONNX Runtime's older name of RMSNormalization, which it keeps in the domain of ai.onnx. */
export const simplifiedLayerNormalizationRule = layerNormLike('SimplifiedLayerNormalization', 1, false);

/** [C] → [C, 1, …], to broadcast along axis 1 of a tensor of that rank. */
function perChannel(emit: Emitter, value: string, rank: number): string {
  return emit.unsqueeze(value, axesFrom(1, rank - 1));
}

/** Sums over everything but the channels. */
function sumPerChannel(emit: Emitter, value: string, rank: number): string {
  return emit.sum(value, [0, ...axesFrom(2, rank)], false);
}

/** Gradient of InstanceNormalization. */
export const instanceNormalizationRule: GradientRule = {
  opType: 'InstanceNormalization',
  domain: '',
  opsets: [6, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    const [x = '', scale = ''] = context.node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const rank = rankOf(context, x);
    const epsilon = floatAttribute(context.node, 'epsilon', 1e-5);
    const normal = { emit, x, axes: axesFrom(2, rank), epsilon, isCentred: true };
    const parts = standardize(normal);
    const scaled = (): string => emit.mul(g, perChannel(emit, scale, rank));
    return [
      context.wants(0) ? throughStandard(normal, parts, scaled()) : undefined,
      context.wants(1) ? sumPerChannel(emit, emit.mul(g, parts.standard), rank) : undefined,
      context.wants(2) ? sumPerChannel(emit, g, rank) : undefined,
    ];
  },
};

/** What a form of GroupNormalization is told apart by. */
interface GroupForm {
  readonly opsets: readonly [first: number, last: number];
  /** Whether scale and bias are one per group, not per channel. */
  readonly isPerGroup: boolean;
}

function groupNormalization({ opsets, isPerGroup }: GroupForm): GradientRule {
  return {
    opType: 'GroupNormalization',
    domain: '',
    opsets,
    backward(context) {
      const { node } = context;
      const [g] = context.outputCotangents;
      const [x = '', scale = ''] = node.inputs;
      if (g === undefined) return [];
      const emit = emitterFor(context);
      const rank = rankOf(context, x);
      const grouped = (value: string): string =>
        emit.reshapeTo(value, [0, intAttribute(node, 'num_groups', 1), -1]);
      const epsilon = floatAttribute(node, 'epsilon', 1e-5);
      const normal = { emit, x: grouped(x), axes: [2], epsilon, isCentred: true };
      const parts = standardize(normal);
      const scaled = (): string =>
        isPerGroup
          ? emit.mul(grouped(g), emit.unsqueeze(scale, [1]))
          : grouped(emit.mul(g, perChannel(emit, scale, rank)));
      const total = (value: string): string =>
        isPerGroup ? emit.sum(grouped(value), [0, 2], false) : sumPerChannel(emit, value, rank);
      return [
        context.wants(0) ? emit.reshapeLike(throughStandard(normal, parts, scaled()), x) : undefined,
        context.wants(1) ? total(emit.mul(g, emit.reshapeLike(parts.standard, x))) : undefined,
        context.wants(2) ? total(g) : undefined,
      ];
    },
  };
}

/** Gradients of GroupNormalization: one scale per group up to opset 20, one per channel after. */
export const groupNormalizationRules: readonly GradientRule[] = [
  groupNormalization({ opsets: [18, 20], isPerGroup: true }),
  groupNormalization({ opsets: [21, latestOpset], isPerGroup: false }),
];

/**
 * Gradient of BatchNormalization: in a trained model an affine map with fixed mean and variance; in training mode that of
 * standardising over the batch and the positions of each channel.
 */
export const batchNormalizationRule: GradientRule = {
  opType: 'BatchNormalization',
  domain: '',
  opsets: [9, latestOpset],
  backward(context) {
    const [g, ...statistics] = context.outputCotangents;
    if (statistics.some((cotangent) => cotangent !== undefined)) {
      throw formUnsupported(context.node, 'a target that reads its running mean or variance');
    }
    if (g === undefined) return [];
    const isTraining = intAttribute(context.node, 'training_mode', 0) === 1;
    return isTraining ? batchStandardCotangents(context, g) : batchNormCotangents(context, g);
  },
};

function batchStandardCotangents(context: RuleContext, g: string): readonly InputCotangent[] {
  const { node } = context;
  const [x = '', scale = ''] = node.inputs;
  const emit = emitterFor(context);
  const rank = rankOf(context, x);
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const normal = { emit, x, axes: [0, ...axesFrom(2, rank)], epsilon, isCentred: true };
  const parts = standardize(normal);
  return [
    context.wants(0) ? throughStandard(normal, parts, emit.mul(g, perChannel(emit, scale, rank))) : undefined,
    context.wants(1) ? sumPerChannel(emit, emit.mul(g, parts.standard), rank) : undefined,
    context.wants(2) ? sumPerChannel(emit, g, rank) : undefined,
  ];
}

function batchNormCotangents(context: RuleContext, g: string): readonly InputCotangent[] {
  const { node } = context;
  const [x = '', scale = '', , mean = '', variance = ''] = node.inputs;
  const emit = emitterFor(context);
  const rank = rankOf(context, x);
  const shifted = emit.add(variance, emit.scalar(floatAttribute(node, 'epsilon', 1e-5)));
  const inverse = emit.node('Reciprocal', [emit.node('Sqrt', [shifted])]);
  const slope = emit.mul(scale, inverse);
  const isFixed = context.isConstant(scale) && context.isConstant(variance);
  const total = sumPerChannel(emit, g, rank);
  const centred = (): string => centredSum(context, emit, { g, total, x, mean, rank });
  // dvar = −½·scale·Σ g·(x − mean)·(var + ε)^(−3/2)
  const toVariance = (): string =>
    emit.scale(emit.mul(centred(), emit.mul(slope, emit.square(inverse))), -0.5);
  return [
    context.wants(0) ? emitChannelScale(emit, { unscaled: g, factor: slope, isFixed }, rank) : undefined,
    context.wants(1) ? emit.mul(centred(), inverse) : undefined,
    context.wants(2) ? total : undefined,
    context.wants(3) ? emit.neg(emit.mul(total, slope)) : undefined,
    context.wants(4) ? toVariance() : undefined,
  ];
}

interface CentredSum {
  readonly g: string;
  /** Σ g per channel. */
  readonly total: string;
  readonly x: string;
  readonly mean: string;
  readonly rank: number;
}

/**
 * Σ g·(x − mean) per channel.
 *
 * Where x = W ∗ a + b is a convolution whose weight's gradient is taken too, Σ g·x = ⟨W, Σ g ∗ a⟩ + b·Σ g needs no pass over
 * the maps, nor x itself: the runtime can then fold the normalisation into the convolution as it does without gradients.
 */
function centredSum(context: RuleContext, emit: Emitter, { g, total, x, mean, rank }: CentredSum): string {
  const conv = context.producerOf(x);
  const [, weight = '', bias = ''] = conv?.inputs ?? [];
  if (conv?.opType !== 'Conv' || conv.domain !== '' || !context.isActive(weight)) {
    return sumPerChannel(emit, emit.mul(g, emit.sub(x, perChannel(emit, mean, rank))), rank);
  }
  const products = emit.mul(weight, weightGradientOf({ ...context, node: conv }, g));
  const offset = bias === '' ? emit.neg(mean) : emit.sub(bias, mean);
  return emit.add(emit.sum(products, axesFrom(1, rank), false), emit.mul(offset, total));
}

/**
 * Gradient of LRN, y = x·D^(−β) with D = bias + α·mean of x² over neighbouring channels:
 * dx = g·D^(−β) − 2αβ·x·Σ over the windows that contain x of (g·x·D^(−β−1))/size.
 */
export const lrnRule: GradientRule = {
  opType: 'LRN',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    const [x = ''] = node.inputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const size = intAttribute(node, 'size', 1);
    const alpha = floatAttribute(node, 'alpha', 1e-4);
    const beta = floatAttribute(node, 'beta', 0.75);
    const before = Math.floor((size - 1) / 2);
    const after = size - 1 - before;
    const squares = channelMean(emit, emit.square(x), { size, before, after });
    const base = emit.add(emit.scale(squares, alpha), emit.scalar(floatAttribute(node, 'bias', 1)));
    const factor = emit.node('Pow', [base, emit.scalar(-beta)]);
    const inner = emit.div(emit.mul(emit.mul(g, x), factor), base);
    // The windows that contain a channel are its own window mirrored.
    const spread = channelMean(emit, inner, { size, before: after, after: before });
    return [emit.sub(emit.mul(g, factor), emit.scale(emit.mul(x, spread), 2 * alpha * beta))];
  },
};

/** Mean over a window of channels, zeros outside; as an average pool over [N, 1, C, positions]. */
function channelMean(
  emit: Emitter,
  value: string,
  { size, before, after }: { readonly size: number; readonly before: number; readonly after: number },
): string {
  const channels = emit.shape(value, 1, 2);
  const shape = emit.concat([emit.shape(value, 0, 1), emit.ints([1]), channels, emit.ints([-1])], 0);
  const pooled = emit.node('AveragePool', [emit.reshape(value, shape)], {
    kernel_shape: [size, 1],
    pads: [before, 0, after, 0],
    count_include_pad: 1,
  });
  return emit.reshapeLike(pooled, value);
}
