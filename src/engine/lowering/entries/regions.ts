import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../../onnx/model.js';
import type { Emitter } from '../../gradients/emitter.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
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
 * RoiAlign by averages: samples lie on a grid in each bin, so that interpolating and averaging is one matrix per side,
 * Y = A·X·Bᵀ with A [R, bins, H] and B [R, bins, W] made of hats around the samples.
 */
export const roiAlign = lowering({ opType: 'RoiAlign', domain: '', first: 10 }, (composite) => {
  const { node, emit, inputs } = composite;
  const [x = '', rois = '', batches = ''] = inputs;
  if (stringAttribute(node, 'mode', 'avg') !== 'avg') throw formUnsupported(node, 'mode=max');
  const images = emit.node('Gather', [x, batches], { axis: 0 });
  const matrix = (axis: number): string => sampleMatrix(emit, sideOf(composite, { x, rois, axis }));
  const [rows, columns] = [matrix(2), matrix(3)];
  const along = emit.node('MatMul', [emit.unsqueeze(rows, [1]), images]);
  return [emit.node('MatMul', [along, emit.transpose(emit.unsqueeze(columns, [1]), [0, 1, 3, 2])])];
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

/** The share of each position in each bin's average: [R, bins, size]. */
function sampleMatrix(emit: Emitter, { start, length, binCount, size, sampling }: Side): string {
  const bin = emit.scale(length, 1 / binCount);
  const counts = sampling > 0 ? emit.scalar(sampling) : emit.node('Ceil', [bin]);
  const most = sampling > 0 ? emit.scalar(sampling) : emit.builder.reduce('ReduceMax', counts, [0, 1], false);
  const floats = (count: string): string =>
    emit.castTo(
      emit.node('Range', [emit.intScalar(0), emit.castTo(count, 'int64'), emit.intScalar(1)]),
      emit.elementType,
    );
  const sample = floats(most);
  // [R, bins, samples]: start + bin·(p + (i + ½)/n)
  const per3 = (value: string): string =>
    sampling > 0 && value === counts ? value : emit.unsqueeze(value, [2]);
  const within = emit.div(emit.add(sample, emit.scalar(0.5)), per3(counts));
  const bins = emit.unsqueeze(floats(emit.intScalar(binCount)), [1]);
  const place = emit.add(per3(start), emit.mul(per3(bin), emit.add(bins, within)));
  const isNear = emit.node('And', [
    emit.node('GreaterOrEqual', [place, emit.scalar(-1)]),
    emit.node('LessOrEqual', [place, size]),
  ]);
  const isCounted = sampling > 0 ? isNear : emit.node('And', [isNear, emit.less(sample, per3(counts))]);
  const inside = emit.node('Max', [
    emit.node('Min', [place, emit.sub(size, emit.scalar(1))]),
    emit.scalar(0),
  ]);
  const position = floats(emit.squeeze(size, [0]));
  const distance = emit.node('Abs', [emit.sub(emit.unsqueeze(inside, [3]), position)]);
  const hat = emit.node('Relu', [emit.sub(emit.scalar(1), distance)]);
  const shares = emit.sum(emit.maskWhere(emit.unsqueeze(isCounted, [3]), hat), [2], false);
  return emit.div(shares, sampling > 0 ? counts : emit.node('Max', [per3(counts), emit.scalar(1)]));
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
