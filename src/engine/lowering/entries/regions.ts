import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../../onnx/model.js';
import type { Emitter } from '../../gradients/emitter.js';
import { type Composite, lowering } from '../entry.js';

/** One side of the regions: starts and lengths [R, 1], bins along it, and the image's size there, [1] as a float. */
interface Side {
  readonly start: string;
  readonly length: string;
  readonly binCount: number;
  readonly size: string;
  /** Samples per bin; 0 for as many as pixels. */
  readonly sampling: number;
}

/**
 * RoiAlign: samples lie on a grid in each bin and are interpolated, which works along each side on its own.
 *
 * Averages are one matrix per side, Y = A·X·Bᵀ with A [R, bins, H] and B [R, bins, W] made of hats around the samples. The
 * runtime's maximum is that of a sample's four neighbours, each times its share: the shares are not negative, so it is the
 * maximum along one side of the maxima along the other.
 */
export const roiAlign = lowering({ opType: 'RoiAlign', domain: '', first: 10 }, (composite) => {
  const { node, emit, inputs } = composite;
  const [x = '', rois = '', batches = ''] = inputs;
  const images = emit.node('Gather', [x, batches], { axis: 0 });
  const [rows, columns] = [2, 3].map((axis) => {
    const side = sideOf(composite, { x, rois, axis });
    return { side, samples: samplesOf(emit, side) };
  }) as [SampledSide, SampledSide];
  if (stringAttribute(node, 'mode', 'avg') === 'max') {
    const along = emit.transpose(largestAlong(emit, images, columns), [0, 1, 3, 2]);
    return [emit.transpose(largestAlong(emit, along, rows), [0, 1, 3, 2])];
  }
  const [a, b] = [rows, columns].map((sampled) => sampleMatrix(emit, sampled)) as [string, string];
  const along = emit.node('MatMul', [emit.unsqueeze(a, [1]), images]);
  return [emit.node('MatMul', [along, emit.transpose(emit.unsqueeze(b, [1]), [0, 1, 3, 2])])];
});

function sideOf(
  { node, emit }: Composite,
  { x, rois, axis }: { readonly x: string; readonly rois: string; readonly axis: number },
): Side {
  const transform = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel');
  const isHalf = transform === 'half_pixel' && emit.builder.opset >= 16;
  const scale = floatAttribute(node, 'spatial_scale', 1);
  // [x₁, y₁, x₂, y₂]
  const edge = (which: number): string => {
    const own = emit.node('Gather', [rois, emit.ints([which])], { axis: 1 });
    const scaled = emit.scale(own, scale);
    return isHalf ? emit.sub(scaled, emit.scalar(0.5)) : scaled;
  };
  const start = edge(3 - axis);
  const length = emit.sub(edge(5 - axis), start);
  return {
    start,
    length: isHalf ? length : emit.node('Max', [length, emit.scalar(1)]),
    binCount: intAttribute(node, axis === 2 ? 'output_height' : 'output_width', 1),
    size: emit.castTo(emit.shape(x, axis, axis + 1), emit.elementType),
    sampling: intAttribute(node, 'sampling_ratio', 0),
  };
}

/** Samples of every bin along one side: [R, bins, samples]. */
interface Samples {
  /** Where they are, inside the image. */
  readonly inside: string;
  /** Whether they lie on the image or right beside it; what lies farther off is 0. */
  readonly isNear: string;
  /** Whether a bin has so many; undefined where all have the same. */
  readonly isThere: string | undefined;
  /** How many a bin has, as floats. */
  readonly count: string;
}

interface SampledSide {
  readonly side: Side;
  readonly samples: Samples;
}

function floatRange(emit: Emitter, count: string): string {
  const range = emit.node('Range', [emit.intScalar(0), emit.castTo(count, 'int64'), emit.intScalar(1)]);
  return emit.castTo(range, emit.elementType);
}

function samplesOf(emit: Emitter, { start, length, binCount, size, sampling }: Side): Samples {
  const bin = emit.scale(length, 1 / binCount);
  const isFixed = sampling > 0;
  const count = isFixed ? emit.scalar(sampling) : emit.unsqueeze(emit.node('Ceil', [bin]), [2]);
  const most = isFixed ? count : emit.builder.reduce('ReduceMax', count, [0, 1, 2], false);
  const sample = floatRange(emit, most);
  // start + bin·(p + (i + ½)/n)
  const within = emit.div(emit.add(sample, emit.scalar(0.5)), count);
  const bins = emit.unsqueeze(floatRange(emit, emit.intScalar(binCount)), [1]);
  const [start3, bin3] = [emit.unsqueeze(start, [2]), emit.unsqueeze(bin, [2])];
  const place = emit.add(start3, emit.mul(bin3, emit.add(bins, within)));
  const isNear = emit.node('And', [
    emit.node('GreaterOrEqual', [place, emit.scalar(-1)]),
    emit.node('LessOrEqual', [place, size]),
  ]);
  const last = emit.sub(size, emit.scalar(1));
  const inside = emit.node('Max', [emit.node('Min', [place, last]), emit.scalar(0)]);
  return { inside, isNear, isThere: isFixed ? undefined : emit.less(sample, count), count };
}

/** The share of each position in each bin's average: [R, bins, size]. */
function sampleMatrix(emit: Emitter, { side, samples }: SampledSide): string {
  const { inside, isNear, isThere, count } = samples;
  const position = floatRange(emit, emit.squeeze(side.size, [0]));
  const distance = emit.node('Abs', [emit.sub(emit.unsqueeze(inside, [3]), position)]);
  const hat = emit.node('Relu', [emit.sub(emit.scalar(1), distance)]);
  const isCounted = isThere === undefined ? isNear : emit.node('And', [isNear, isThere]);
  const shares = emit.sum(emit.maskWhere(emit.unsqueeze(isCounted, [3]), hat), [2], false);
  return emit.div(shares, isThere === undefined ? count : emit.node('Max', [count, emit.scalar(1)]));
}

/** The largest of what the samples' neighbours on the last axis weigh, per bin: [R, C, H, W] → [R, C, H, bins]. */
function largestAlong(emit: Emitter, images: string, { side, samples }: SampledSide): string {
  const { inside, isNear, isThere, count } = samples;
  const low = emit.node('Floor', [inside]);
  const high = emit.node('Min', [emit.add(low, emit.scalar(1)), emit.sub(side.size, emit.scalar(1))]);
  const share = emit.sub(inside, low);
  // [R, bins, neighbours of all samples]
  const places = emit.castTo(emit.concat([low, high], 2), 'int64');
  const masked = [emit.sub(emit.scalar(1), share), share].map((value) => emit.maskWhere(isNear, value));
  const shares = emit.concat(masked, 2);
  const flat = emit.reshapeTo(places, [0, 1, 1, -1]);
  const shape = emit.concat([emit.shape(images, 0, 3), emit.shape(flat, 3)], 0);
  const neighbours = emit.node('GatherElements', [images, emit.node('Expand', [flat, shape])], { axis: 3 });
  const weighed = emit.mul(neighbours, emit.reshapeTo(shares, [0, 1, 1, -1]));
  const perBin = emit.reshapeTo(weighed, [0, 0, 0, side.binCount, -1]);
  if (isThere === undefined) return emit.builder.reduce('ReduceMax', perBin, [4], false);
  const isOwn = emit.unsqueeze(emit.concat([isThere, isThere], 2), [1, 2]);
  const largest = emit.builder.reduce(
    'ReduceMax',
    emit.where(isOwn, perBin, emit.scalar(lowest)),
    [4],
    false,
  );
  // A bin without samples is 0.
  const hasSamples = emit.greater(emit.squeeze(count, [2]), emit.scalar(0));
  return emit.keepWhere(emit.unsqueeze(hasSamples, [1, 2]), largest);
}

/** MaxRoiPool: the maximum of each bin, first along the rows and then along the columns. */
export const maxRoiPool = lowering({ opType: 'MaxRoiPool', domain: '' }, (composite) => {
  const { node, emit, inputs } = composite;
  const [x = '', rois = ''] = inputs;
  const [height = 1, width = 1] = intsAttribute(node, 'pooled_shape') ?? [];
  const batch = emit.castTo(
    emit.squeeze(emit.node('Gather', [rois, emit.ints([0])], { axis: 1 }), [1]),
    'int64',
  );
  const images = emit.node('Gather', [x, batch], { axis: 0 });
  const columns = binsOf(composite, { x, rois, axis: 3, binCount: width });
  const rows = binsOf(composite, { x, rois, axis: 2, binCount: height });
  const largest = (value: string, isIn: string, axis: number): string =>
    emit.builder.reduce('ReduceMax', emit.where(isIn, value, emit.scalar(lowest)), [axis], true);
  const byColumn = emit.concat(
    columns.map((isIn) => largest(images, emit.unsqueeze(isIn, [1, 2]), 3)),
    3,
  );
  const byRow = emit.concat(
    rows.map((isIn) => largest(byColumn, emit.unsqueeze(isIn, [1, 3]), 2)),
    2,
  );
  // An empty bin is 0.
  return [emit.keepWhere(emit.greater(byRow, emit.scalar(lowest / 2)), byRow)];
});

/** Far below every activation, and still a float16. */
const lowest = -6e4;

interface PooledSide {
  readonly x: string;
  readonly rois: string;
  readonly axis: number;
  readonly binCount: number;
}

/** Per bin along one side, whether a position is in it: [R, size]. */
function binsOf({ node, emit }: Composite, { x, rois, axis, binCount }: PooledSide): readonly string[] {
  const scale = floatAttribute(node, 'spatial_scale', 1);
  // [batch, x₁, y₁, x₂, y₂]; halves are rounded up, as in C.
  const edge = (which: number): string => {
    const own = emit.scale(emit.node('Gather', [rois, emit.ints([which])], { axis: 1 }), scale);
    return emit.node('Floor', [emit.add(own, emit.scalar(0.5))]);
  };
  const start = edge(4 - axis);
  const length = emit.node('Max', [
    emit.add(emit.sub(edge(6 - axis), start), emit.scalar(1)),
    emit.scalar(1),
  ]);
  const bin = emit.scale(length, 1 / binCount);
  const count = emit.squeeze(emit.shape(x, axis, axis + 1), [0]);
  const range = emit.node('Range', [emit.intScalar(0), count, emit.intScalar(1)]);
  const position = emit.sub(emit.castTo(range, emit.elementType), start);
  return Array.from({ length: binCount }, (_, i) => {
    const first = emit.node('Floor', [emit.scale(bin, i)]);
    const end = emit.node('Ceil', [emit.scale(bin, i + 1)]);
    return emit.node('And', [emit.node('GreaterOrEqual', [position, first]), emit.less(position, end)]);
  });
}
