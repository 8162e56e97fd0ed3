import {
  channelsOf,
  type ConvChannels,
  kernelOf,
  windowGeometry,
  type WindowGeometry,
} from './convGeometry.js';
import { gatherInWeightOrder, gatherPatches } from './convPatches.js';
import { padded, rowDims, tapMaps, tapOffsets, tapSlice, tapStarts } from './convTaps.js';
import { emitDepthwiseWeightGradient } from './depthwiseWeightGradient.js';
import { type Emitter, emitterFor } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { axesFrom, fixedSize } from './staticShapes.js';
import { ValueNotes } from './valueNotes.js';

/** Input [N, C, …] and output cotangent [N, M, …] of the convolution whose weight's gradient is wanted. */
export interface ConvWeightOperands {
  readonly x: string;
  readonly g: string;
  /** The value whose static sizes are those of g (the output). */
  readonly narrow: string;
  readonly channels: ConvChannels;
  readonly geometry: WindowGeometry;
}

/** Gradients by the result of the Conv and the cotangent. */
const made = new ValueNotes<string>();

/** Appends dW of the Conv in the context for a cotangent of its result; asked again, returns what is there. */
export function weightGradientOf(context: RuleContext, g: string): string {
  const [x = '', weight = ''] = context.node.inputs;
  const [narrow = ''] = context.node.outputs;
  const key = JSON.stringify([narrow, g]);
  const known = made.of(context.builder, key);
  if (known !== undefined) return known;
  const geometry = windowGeometry(context, kernelOf(context, weight), { wide: x, narrow });
  const operands = { x, g, narrow, channels: channelsOf(context, weight), geometry };
  const gradient = emitConvWeightGradient(context, emitterFor(context), operands);
  made.set(context.builder, key, gradient);
  return gradient;
}

/**
 * Appends dW [M, C/G, k …] as a matrix product for each tap of the kernel, or each row of it, on what it meets, channels last,
 * the batch folded into the product: [M, N·Ho·Wo] × [N·Ho·Wo, C].
 *
 * Measured 1.1–1.3 × the convolution's own forward, against 1.8–4.9 × for a Conv with swapped roles. Depthwise and
 * pointwise convolutions and those of few channels have faster forms.
 */
export function emitConvWeightGradient(
  context: RuleContext,
  emit: Emitter,
  operands: ConvWeightOperands,
): string {
  const { group, outPerGroup, inPerGroup } = operands.channels;
  if (inPerGroup === 1 && outPerGroup === 1) return emitDepthwiseWeightGradient(context, emit, operands);
  if (isPointwise(context, operands)) return pointwise(emit, operands);
  const isThin = group === 1 && inPerGroup < thinChannels;
  return isThin ? perKernelRows(context, emit, operands) : perTap(context, emit, operands);
}

/** A plain 1×1 convolution whose maps are larger than its weight. */
function isPointwise(context: RuleContext, { narrow, channels, geometry }: ConvWeightOperands): boolean {
  const { kernel, strides, padsBegin, padsEnd } = geometry;
  const isPlain = [...kernel, ...strides].every((size) => size === 1);
  if (!isPlain || channels.group !== 1 || [...padsBegin, ...padsEnd].some((size) => size !== 0)) return false;
  const { outPerGroup, inPerGroup } = channels;
  const positions = kernel.map((_, axis) => fixedSize(context, narrow, axis + 2) ?? 1);
  const mapSize = positions.reduce((product, size) => product * size, 1) * (outPerGroup + inPerGroup);
  return mapSize >= outPerGroup * inPerGroup;
}

/** Σ over samples of g [M, positions] · xᵀ [positions, C], without turning the maps to channels last. */
function pointwise(emit: Emitter, { x, g, channels, geometry }: ConvWeightOperands): string {
  const { outPerGroup, inPerGroup } = channels;
  const flat = (value: string, size: number): string => emit.reshapeTo(value, [0, size, -1]);
  const turned = emit.transpose(flat(x, inPerGroup), [0, 2, 1]);
  const products = emit.node('MatMul', [flat(g, outPerGroup), turned]);
  return emit.reshapeTo(sumOfSamples(emit, products, outPerGroup * inPerGroup), [
    outPerGroup,
    inPerGroup,
    ...geometry.kernel,
  ]);
}

/** Numbers of a sample from which a product with ones adds samples in a tenth of the time of ReduceSum. */
const manyNumbers = 2048;

function sumOfSamples(emit: Emitter, value: string, size: number): string {
  if (size < manyNumbers) return emit.sum(value, [0], false);
  const ones = emit.ones(emit.shape(value, 0, 1));
  return emit.node('MatMul', [ones, emit.reshapeTo(value, [-1, size])]);
}

/** Input channels of which a product per tap is thinner than a vector of the processor. */
const thinChannels = 8;

/** Columns of a product that fill the registers of its inner loop: 3 × 16. */
const fullColumns = 48;

/**
 * One product for all taps of a row of the kernel, or of some: g [M, positions] · [positions, C · taps], half the time of a product
 * per tap where an image has three channels.
 */
function perKernelRows(context: RuleContext, emit: Emitter, operands: ConvWeightOperands): string {
  const { channels, geometry } = operands;
  const { outPerGroup, inPerGroup } = channels;
  const length = geometry.kernel.at(-1) ?? 1;
  const tapCount = length * Math.max(1, Math.floor(fullColumns / (inPerGroup * length)));
  const g = emit.reshapeTo(operands.g, [0, outPerGroup, -1]);
  const taps = tapMaps(context, emit, operands);
  const firstPosition = -geometry.kernel.length;
  const products = Array.from({ length: Math.ceil(taps.length / tapCount) }, (_, i) => {
    const met = taps.slice(i * tapCount, (i + 1) * tapCount);
    const dims = rowDims(context, operands, [inPerGroup * met.length]);
    const columns = emit.reshapeTo(emit.concat(met, firstPosition), dims);
    const product = emit.node('MatMul', [g, emit.transpose(columns, [0, 2, 1])]);
    return emit.reshapeTo(product, [0, outPerGroup, inPerGroup, met.length]);
  });
  // [N, M, C, k …] summed over the samples
  return emit.reshapeTo(emit.sum(emit.concat(products, 3), [0], false), [
    outPerGroup,
    inPerGroup,
    ...geometry.kernel,
  ]);
}

function perTap(context: RuleContext, emit: Emitter, operands: ConvWeightOperands): string {
  const sides = { wide: operands.x, narrow: operands.narrow };
  const windows = { ...operands, maps: operands.x, sides };
  if (isWeightLarger(context, operands)) {
    const met = gatherInWeightOrder(context, emit, windows);
    if (met !== undefined) return inOneProduct(emit, operands, met);
  }
  const patches = gatherPatches(context, emit, { ...windows, isWhole: false });
  return patches === undefined
    ? bySlices(context, emit, operands)
    : byPatches(emit, { ...operands, patches });
}

/** From what all taps meet in the order of the weight, [o · N, C · taps]. */
function inOneProduct(emit: Emitter, { g, channels, geometry }: ConvWeightOperands, met: string): string {
  const { outPerGroup, inPerGroup } = channels;
  // [N, M, o …] → [M, o · N]
  const maps = emit.transpose(emit.reshapeTo(g, [0, outPerGroup, -1]), [1, 2, 0]);
  const product = emit.node('MatMul', [emit.reshapeTo(maps, [outPerGroup, -1]), met]);
  return emit.reshapeTo(product, [outPerGroup, inPerGroup, ...geometry.kernel]);
}

interface PatchOperands extends ConvWeightOperands {
  readonly patches: readonly string[];
}

/** From what the taps meet, [N · o, taps · C]: one product for all taps, or one for each row of the kernel. */
function byPatches(emit: Emitter, operands: PatchOperands): string {
  const { g, channels, patches } = operands;
  const { outPerGroup } = channels;
  // [N, M, o …] → [M, N · o]
  const maps = emit.transpose(emit.reshapeTo(g, [0, outPerGroup, -1]), [1, 0, 2]);
  const rows = emit.reshapeTo(maps, [outPerGroup, -1]);
  const products = patches.map((met) => emit.node('MatMul', [rows, met]));
  return inWeightOrder(emit, products, operands);
}

/** Where sizes are open or the channels grouped. */
function bySlices(context: RuleContext, emit: Emitter, operands: ConvWeightOperands): string {
  const { g, channels, geometry } = operands;
  const { group, outPerGroup } = channels;
  const spatial = axesFrom(2, geometry.kernel.length + 2);
  // [N, M, o …] → [G, M/G, N·o]
  const rows = emit.reshapeTo(
    emit.transpose(g, [1, 0, ...spatial]),
    group === 1 ? [outPerGroup, -1] : [group, outPerGroup, -1],
  );
  const source = emit.transpose(padded(emit, operands.x, geometry), [0, ...spatial, 1]);
  const products = tapOffsets(geometry.kernel).map((tap) => {
    const slice = tapSlice(context, emit, {
      ...operands,
      source,
      starts: tapStarts(geometry, tap),
      strides: geometry.strides,
      firstAxis: 1,
    });
    return emit.node('MatMul', [rows, columns(emit, slice, channels)]);
  });
  return inWeightOrder(emit, products, operands);
}

/**
 * Products of some taps each, [M, taps · C/G] or [G, M/G, C/G] → [M, C/G, k …], every tap's numbers dealt in by Concat.
 *
 * A Transpose of [M, taps, C/G] would be as many small ones, each of which the runtime shares among its threads: on two, 256² × 9
 * weights take three times as long, or ten where the cores share no cache.
 */
function inWeightOrder(
  emit: Emitter,
  products: readonly string[],
  { channels, geometry }: ConvWeightOperands,
): string {
  const { group, outPerGroup, inPerGroup } = channels;
  const outCount = group * outPerGroup;
  const tapCount = tapOffsets(geometry.kernel).length / products.length;
  const taps = products.flatMap((product) =>
    emit.split(emit.reshapeTo(product, [outCount, tapCount, inPerGroup, 1]), 1, tapCount),
  );
  return emit.reshapeTo(emit.concat(taps, 3), [outCount, inPerGroup, ...geometry.kernel]);
}

/** Batch that decides between two orders of the same work; either is right for every batch. */
const assumedBatchSize = 16;

/** Whether turning K·M·C products to weight order costs more than turning K·N·o·C inputs. */
function isWeightLarger(context: RuleContext, { narrow, channels, geometry }: ConvWeightOperands): boolean {
  const sizes = geometry.kernel.map((_, axis) => fixedSize(context, narrow, axis + 2));
  if (sizes.includes(undefined)) return false;
  const positions = sizes.reduce<number>((product, size) => product * (size ?? 1), 1);
  return positions * assumedBatchSize <= channels.outPerGroup;
}

/** [N, o …, C] → [N·o, C], or [G, N·o, C/G] */
function columns(emit: Emitter, slice: string, { group, inPerGroup }: ConvChannels): string {
  if (group === 1) return emit.reshapeTo(slice, [-1, inPerGroup]);
  return emit.transpose(emit.reshapeTo(slice, [-1, group, inPerGroup]), [1, 0, 2]);
}
