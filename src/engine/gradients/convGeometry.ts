import { type GraphNode, intAttribute, intsAttribute, stringAttribute } from '../../onnx/model.js';
import { gradientNeeds } from './gradientErrors.js';
import type { SizeContext } from './gradientRule.js';
import { shapeOf } from './staticShapes.js';

/** Window arithmetic of a convolution or pooling, one entry per spatial axis. */
export interface WindowGeometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
}

/** The wide and the narrow side of a window operator: input and output of a Conv or a pool. */
export interface WindowSides {
  readonly wide: string;
  readonly narrow: string;
}

/**
 * Returns the windows of a node with `auto_pad` resolved to explicit pads.
 *
 * @throws UserError when SAME padding depends on sizes that are not known.
 */
export function windowGeometry(
  context: SizeContext,
  kernel: readonly number[],
  sides: WindowSides,
): WindowGeometry {
  const { node } = context;
  const ones = kernel.map(() => 1);
  const strides = intsAttribute(node, 'strides') ?? ones;
  const dilations = intsAttribute(node, 'dilations') ?? ones;
  const base = { kernel, strides, dilations };
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') {
    return { ...base, ...samePads(context, base, { ...sides, isUpper: autoPad === 'SAME_UPPER' }) };
  }
  const zeros = kernel.map(() => 0);
  const pads = autoPad === 'VALID' ? undefined : intsAttribute(node, 'pads');
  return {
    ...base,
    padsBegin: pads?.slice(0, kernel.length) ?? zeros,
    padsEnd: pads?.slice(kernel.length) ?? zeros,
  };
}

type Unpadded = Pick<WindowGeometry, 'kernel' | 'strides' | 'dilations'>;

function samePads(
  context: SizeContext,
  geometry: Unpadded,
  { wide, isUpper }: WindowSides & { readonly isUpper: boolean },
): Pick<WindowGeometry, 'padsBegin' | 'padsEnd'> {
  const padsBegin: number[] = [];
  const padsEnd: number[] = [];
  geometry.kernel.forEach((_, axis) => {
    const total = samePadTotal(context, geometry, { wide, axis });
    const small = Math.floor(total / 2);
    padsBegin.push(isUpper ? small : total - small);
    padsEnd.push(isUpper ? total - small : small);
  });
  return { padsBegin, padsEnd };
}

function samePadTotal(
  context: SizeContext,
  geometry: Unpadded,
  { wide, axis }: { readonly wide: string; readonly axis: number },
): number {
  const stride = geometry.strides[axis] ?? 1;
  const extent = windowExtent(geometry, axis);
  if (stride === 1) return extent - 1;
  const size = shapeOf(context, wide)[axis + 2];
  if (typeof size !== 'number') throw gradientNeeds(context.node, `the height and width of "${wide}"`);
  return Math.max((Math.ceil(size / stride) - 1) * stride + extent - size, 0);
}

/** Returns how many positions of the wide side one window spans: d·(k − 1) + 1. */
export function windowExtent(geometry: Pick<WindowGeometry, 'kernel' | 'dilations'>, axis: number): number {
  return (geometry.dilations[axis] ?? 1) * ((geometry.kernel[axis] ?? 1) - 1) + 1;
}

/** Returns the kernel sizes of a convolution from its attribute or its weight. */
export function kernelOf(context: SizeContext, weight: string): readonly number[] {
  const given = intsAttribute(context.node, 'kernel_shape');
  if (given !== undefined) return given;
  return shapeOf(context, weight)
    .slice(2)
    .map((size) => sizeOfWeight(context.node, weight, size));
}

/** Groups and channels of a convolution's weight [M, C/G, k …]. */
export interface ConvChannels {
  readonly group: number;
  /** M/G */
  readonly outPerGroup: number;
  /** C/G */
  readonly inPerGroup: number;
}

/** Returns the channel counts of a Conv, or of the Conv that a ConvTranspose is the transpose of. */
export function channelsOf(context: SizeContext, weight: string): ConvChannels {
  const group = intAttribute(context.node, 'group', 1);
  const [out = null, inner = null] = shapeOf(context, weight);
  return {
    group,
    outPerGroup: sizeOfWeight(context.node, weight, out) / group,
    inPerGroup: sizeOfWeight(context.node, weight, inner),
  };
}

function sizeOfWeight(node: GraphNode, weight: string, size: number | string | null): number {
  if (typeof size !== 'number') throw gradientNeeds(node, `the shape of the weight "${weight}"`);
  return size;
}
