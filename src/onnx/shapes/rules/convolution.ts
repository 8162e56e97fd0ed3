import {
  type Dimension,
  floatAttribute,
  type GraphNode,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from '../../model.js';
import { product, type Shape, sum } from '../dimensions.js';
import { tensorFact } from '../facts.js';
import {
  elementOf,
  type InferRule,
  like,
  type NodeView,
  numbersOf,
  type RuleEntries,
  shapeOf,
} from '../rule.js';

/** A window that slides over one axis. */
interface Window {
  readonly size: Dimension;
  readonly stride: number;
  readonly dilation: number;
  /** Padding before and after, together. */
  readonly padding: number;
  readonly autoPad: string;
  readonly roundUp: boolean;
  /** Padding before; with `roundUp` a window must start inside the input or this padding. */
  readonly paddingBefore: number;
}

function windowOf(node: GraphNode, axis: number, spatialRank: number, size: Dimension): Window {
  const pads = intsAttribute(node, 'pads');
  const paddingBefore = pads?.[axis] ?? 0;
  return {
    size,
    stride: intsAttribute(node, 'strides')?.[axis] ?? 1,
    dilation: intsAttribute(node, 'dilations')?.[axis] ?? 1,
    padding: paddingBefore + (pads?.[axis + spatialRank] ?? 0),
    autoPad: stringAttribute(node, 'auto_pad', 'NOTSET'),
    roundUp: intAttribute(node, 'ceil_mode', 0) !== 0,
    paddingBefore,
  };
}

function slide(input: Dimension, window: Window): Dimension {
  const { stride, autoPad } = window;
  if (autoPad.startsWith('SAME')) {
    if (stride === 1) return input;
    return typeof input === 'number' ? Math.ceil(input / stride) : null;
  }
  if (typeof window.size !== 'number') return null;
  const extent = (window.size - 1) * window.dilation + 1;
  const padding = autoPad === 'VALID' ? 0 : window.padding;
  if (typeof input !== 'number') return stride === 1 && padding === extent - 1 ? input : null;
  const steps = (input + padding - extent) / stride;
  if (!window.roundUp) return Math.max(Math.floor(steps) + 1, 0);
  const count = Math.ceil(steps) + 1;
  // A last window that would start in the padding after the input is left out.
  return (count - 1) * stride >= input + window.paddingBefore ? count - 1 : count;
}

function slideAll(view: NodeView, shape: Shape, kernel: readonly Dimension[] | null): Dimension[] | null {
  if (shape === null) return null;
  const spatial = shape.slice(2);
  return spatial.map((size, axis) =>
    slide(size, windowOf(view.node, axis, spatial.length, kernel?.[axis] ?? null)),
  );
}

function kernelOf(view: NodeView, weight: Shape): readonly Dimension[] | null {
  return intsAttribute(view.node, 'kernel_shape') ?? weight?.slice(2) ?? null;
}

/** Returns the shape of a convolution: `[N, M, …]`, given the positions of its operands. */
export function convolutionShape(view: NodeView, data: number, filters: number): Shape {
  const weight = shapeOf(view, filters);
  const shape = shapeOf(view, data);
  if (shape === null) {
    return weight === null ? null : [null, weight[0] ?? null, ...weight.slice(2).map(() => null)];
  }
  const spatial = slideAll(view, shape, kernelOf(view, weight));
  return [shape[0] ?? null, weight?.[0] ?? null, ...(spatial ?? [])];
}

const convolution: InferRule = (view) => [like(view, 0, convolutionShape(view, 0, 1))];
const integerConvolution: InferRule = (view) => [tensorFact('int32', convolutionShape(view, 0, 1))];
const quantisedConvolution: InferRule = (view) => [
  tensorFact(elementOf(view, 7), convolutionShape(view, 0, 3)),
];

const transposed: InferRule = (view) => {
  const { node } = view;
  const weight = shapeOf(view, 1);
  const shape = shapeOf(view, 0);
  if (shape === null) return [like(view, 0, null)];
  const channels = product([weight?.[1] ?? null, intAttribute(node, 'group', 1)]);
  const kernel = kernelOf(view, weight);
  const given = intsAttribute(node, 'output_shape');
  const spatial = shape.slice(2).map((size, axis, sizes): Dimension => {
    // `output_shape` holds the spatial sizes; some exporters write batch and channels before them.
    const fixed = given?.[given.length - sizes.length + axis];
    if (fixed !== undefined) return fixed;
    const window = windowOf(node, axis, sizes.length, kernel?.[axis] ?? null);
    return unslide(size, window, intsAttribute(node, 'output_padding')?.[axis] ?? 0);
  });
  return [like(view, 0, [shape[0] ?? null, channels, ...spatial])];
};

function unslide(size: Dimension, window: Window, outputPadding: number): Dimension {
  const { stride, dilation, autoPad } = window;
  if (autoPad.startsWith('SAME')) return product([size, stride]);
  if (typeof window.size !== 'number') return null;
  const padding = autoPad === 'VALID' ? 0 : window.padding;
  const extra = outputPadding + (window.size - 1) * dilation + 1 - padding - stride;
  return sum(product([size, stride]), extra);
}

const pooling: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const spatial = slideAll(view, shape, intsAttribute(view.node, 'kernel_shape') ?? null);
  const pooled: Shape = shape === null || spatial === null ? null : [...shape.slice(0, 2), ...spatial];
  return [like(view, 0, pooled), tensorFact('int64', pooled)];
};

/** Pools levels; the channels stand last where the node says so. */
const quantisedPooling: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const isLast = intAttribute(view.node, 'channels_last', 0) !== 0;
  if (!isLast || shape === null) return pooling(view).slice(0, 1);
  const [n = null, c = null] = [shape[0], shape.at(-1)];
  const kernel = intsAttribute(view.node, 'kernel_shape') ?? null;
  const spatial = slideAll(view, [n, c, ...shape.slice(1, -1)], kernel);
  return [like(view, 0, spatial === null ? null : [n, ...spatial, c])];
};

const globalPooling: InferRule = (view) => [
  like(view, 0, shapeOf(view, 0)?.map((size, axis) => (axis < 2 ? size : 1)) ?? null),
];

const unpooling: InferRule = (view) => {
  const given = numbersOf(view, 2);
  const shape = shapeOf(view, 0);
  if (view.inputs[2] !== undefined) {
    return [like(view, 0, given ?? shape?.map(() => null) ?? null)];
  }
  const kernel = intsAttribute(view.node, 'kernel_shape');
  const spatial = shape?.slice(2).map((size, axis, sizes): Dimension => {
    const window = windowOf(view.node, axis, sizes.length, kernel?.[axis] ?? null);
    return unslide(size, window, 0);
  });
  return [like(view, 0, shape === null || spatial === undefined ? null : [...shape.slice(0, 2), ...spatial])];
};

/** `[R, C, pooled height, pooled width]` for R regions. */
const regionPooling: InferRule = (view) => {
  const { node } = view;
  const pooled = intsAttribute(node, 'pooled_shape');
  const height = pooled?.[0] ?? intAttribute(node, 'output_height', 1);
  const width = pooled?.[1] ?? intAttribute(node, 'output_width', 1);
  return [like(view, 0, [shapeOf(view, 1)?.[0] ?? null, shapeOf(view, 0)?.[1] ?? null, height, width])];
};

function resampled(shape: Shape, scale: (axis: number) => number | undefined): Shape {
  return (
    shape?.map((size, axis) => {
      const factor = scale(axis);
      if (factor === 1) return size;
      return typeof size === 'number' && factor !== undefined ? Math.floor(size * factor) : null;
    }) ?? null
  );
}

const upsample: InferRule = (view) => {
  const attribute = view.node.attributes.get('scales');
  const sides = ['height_scale', 'width_scale'].map((name) => floatAttribute(view.node, name, 1));
  const given = attribute?.kind === 'floats' ? attribute.value : numbersOf(view, 1);
  const scales = view.node.attributes.has('height_scale') ? [1, 1, ...sides] : given;
  return [
    like(
      view,
      0,
      resampled(shapeOf(view, 0), (axis) => scales?.[axis]),
    ),
  ];
};

const resize: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const [scalesAt, sizesAt] = view.opset < 11 ? [1, 3] : [2, 3];
  const axes = intsAttribute(view.node, 'axes')?.map((axis) =>
    axis < 0 ? axis + (shape?.length ?? 0) : axis,
  );
  const place = (axis: number): number => (axes === undefined ? axis : axes.indexOf(axis));
  const sizes = view.inputs[sizesAt]?.value?.entries;
  if (view.inputs[sizesAt] !== undefined) {
    const policy = stringAttribute(view.node, 'keep_aspect_ratio_policy', 'stretch');
    if (policy !== 'stretch') return [like(view, 0, shape?.map(() => null) ?? null)];
    const at = (size: Dimension, axis: number): Dimension =>
      place(axis) < 0 ? size : (sizes?.[place(axis)] ?? null);
    return [like(view, 0, shape?.map(at) ?? sizes ?? null)];
  }
  const scales = numbersOf(view, scalesAt);
  return [
    like(
      view,
      0,
      resampled(shape, (axis) => (place(axis) < 0 ? 1 : scales?.[place(axis)])),
    ),
  ];
};

/** `[N, C, H, W]` to `[N, C / (b·b), H·b, W·b]`. */
const depthToSpace: InferRule = (view) => {
  const block = intAttribute(view.node, 'blocksize', 1);
  const [n = null, c = null, h = null, w = null] = shapeOf(view, 0) ?? [];
  const channels = typeof c === 'number' ? c / (block * block) : null;
  return [like(view, 0, [n, channels, product([h, block]), product([w, block])])];
};

/** `[N, C, H, W]` to `[N, C·b·b, H / b, W / b]`. */
const spaceToDepth: InferRule = (view) => {
  const block = intAttribute(view.node, 'blocksize', 1);
  const [n = null, c = null, h = null, w = null] = shapeOf(view, 0) ?? [];
  const split = (size: Dimension): Dimension => (typeof size === 'number' ? size / block : null);
  return [like(view, 0, [n, product([c, block * block]), split(h), split(w)])];
};

const gridSample: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const grid = shapeOf(view, 1);
  if (shape === null) return [like(view, 0, null)];
  const spatial = grid?.slice(1, -1) ?? shape.slice(2).map(() => null);
  return [like(view, 0, [...shape.slice(0, 2), ...spatial])];
};

const affineGrid: InferRule = (view) => {
  const size = view.inputs[1]?.value?.entries;
  if (size === undefined) return [like(view, 0, null)];
  const [n = null, , ...spatial] = size;
  return [like(view, 0, [n, ...spatial, spatial.length])];
};

const columnsToImage: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const image = view.inputs[1]?.value?.entries;
  const block = numbersOf(view, 2);
  const columns = shape?.[1];
  const channels =
    typeof columns === 'number' && block !== undefined ? columns / block.reduce((a, b) => a * b, 1) : null;
  return [like(view, 0, image === undefined ? null : [shape?.[0] ?? null, channels, ...image])];
};

/** Convolutions, pooling and resampling: `[N, C, …]`, any number of spatial axes. */
export const convolutionRules: RuleEntries = [
  ['Conv DeformConv com.microsoft:FusedConv', convolution],
  ['ConvInteger', integerConvolution],
  ['QLinearConv', quantisedConvolution],
  ['ConvTranspose', transposed],
  ['AveragePool MaxPool LpPool', pooling],
  ['com.microsoft:QLinearAveragePool', quantisedPooling],
  ['GlobalAveragePool GlobalLpPool GlobalMaxPool', globalPooling],
  ['MaxUnpool', unpooling],
  ['MaxRoiPool RoiAlign', regionPooling],
  ['Upsample', upsample],
  ['Resize', resize],
  ['DepthToSpace', depthToSpace],
  ['SpaceToDepth', spaceToDepth],
  ['GridSample', gridSample],
  ['AffineGrid', affineGrid],
  ['Col2Im', columnsToImage],
];
