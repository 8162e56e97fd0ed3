import { intAttribute, stringAttribute } from '../../../onnx/model.js';
import type { Emitter } from '../../gradients/emitter.js';
import { rankOf } from '../../gradients/staticShapes.js';
import { lowering } from '../entry.js';

/** One spatial axis of the sampled image: how long it is and where between its pixels each sample lies, [N, P]. */
interface SampledAxis {
  /** Length as a float of shape [1]. */
  readonly size: string;
  readonly place: string;
}

type Padding = 'zeros' | 'border' | 'reflection';

/** How samples beyond the edge are made. */
interface Edges {
  readonly emit: Emitter;
  readonly padding: Padding;
  readonly isAligned: boolean;
}

/** One of the pixels that a sample mixes along an axis: its position and its share, [N, P]. */
interface Tap {
  readonly position: string;
  readonly share: string | undefined;
}

/** GridSample: each sample is a sum over the pixels around its place, which are gathered from the flattened image. */
export const gridSample = lowering({ opType: 'GridSample', domain: '', first: 16 }, (composite) => {
  const { context, node, emit, inputs } = composite;
  const [x = '', grid = ''] = inputs;
  const isAligned = intAttribute(node, 'align_corners', 0) === 1;
  const padding = stringAttribute(node, 'padding_mode', 'zeros') as Padding;
  const mode = stringAttribute(node, 'mode', 'bilinear');
  const edges: Edges = { emit, padding, isAligned };
  const axisCount = rankOf(context, x) - 2;
  const places = placesOf(edges, { x, grid, axisCount, isRounded: mode === 'nearest' });
  // The cubic kernel keeps its place beyond a border and reads the border's pixels from there.
  const isFree = mode.endsWith('cubic') && padding === 'border';
  const axes = isFree ? places : withinImage(edges, places);
  const taps = axes.map((axis) => tapsOf(edges, axis, mode));
  const pixels = emit.reshape(x, emit.concat([emit.shape(x, 0, 2), emit.ints([-1])], 0));
  const parts = combinations(taps).map((corner) => cornerPart(edges, { pixels, axes, corner }));
  const sum = parts.reduce((total, part) => emit.add(total, part));
  const shape = emit.concat([emit.shape(x, 0, 2), emit.shape(grid, 1, axisCount + 1)], 0);
  return [emit.reshape(sum, shape)];
});

interface Sampling {
  readonly x: string;
  readonly grid: string;
  readonly axisCount: number;
  readonly isRounded: boolean;
}

/** Grid coordinates from −1 to 1 as places between pixels; the grid's last number belongs to the image's first axis. */
function placesOf(
  { emit, isAligned }: Edges,
  { x, grid, axisCount, isRounded }: Sampling,
): readonly SampledAxis[] {
  const flat = emit.reshape(grid, emit.concat([emit.shape(grid, 0, 1), emit.ints([-1, axisCount])], 0));
  return Array.from({ length: axisCount }, (_, axis) => {
    const size = emit.castTo(emit.shape(x, axis + 2, axis + 3), emit.elementType);
    const own = emit.node('Gather', [flat, emit.intScalar(axisCount - 1 - axis)], { axis: 2 });
    const fromStart = emit.add(own, emit.scalar(1));
    const one = emit.scalar(1);
    const scaled = isAligned
      ? emit.mul(fromStart, emit.sub(size, one))
      : emit.sub(emit.mul(fromStart, size), one);
    const place = emit.scale(scaled, 0.5);
    return { size, place: isRounded ? emit.node('Round', [place]) : place };
  });
}

/** First and last place that belong to the image. */
function boundsOf({ emit, isAligned }: Edges, size: string): readonly [low: string, high: string] {
  const last = emit.sub(size, emit.scalar(1));
  if (isAligned) return [emit.scalar(0), last];
  return [emit.scalar(-0.5), emit.sub(size, emit.scalar(0.5))];
}

/** A sample that is outside along any axis is first moved to the edge, or mirrored, along all of them. */
function withinImage(edges: Edges, axes: readonly SampledAxis[]): readonly SampledAxis[] {
  const { emit, padding } = edges;
  if (padding === 'zeros') return axes;
  if (padding === 'reflection') {
    return axes.map(({ size, place }) => ({ size, place: mirrored(edges, size, place) }));
  }
  const isOutside = axes
    .map(({ size, place }) => {
      const [low, high] = boundsOf(edges, size);
      return emit.node('Or', [emit.less(place, low), emit.greater(place, high)]);
    })
    .reduce((any, one) => emit.node('Or', [any, one]));
  return axes.map(({ size, place }) => ({
    size,
    place: emit.where(isOutside, clamped(emit, size, place), place),
  }));
}

function clamped(emit: Emitter, size: string, place: string): string {
  return emit.node('Max', [emit.node('Min', [place, emit.sub(size, emit.scalar(1))]), emit.scalar(0)]);
}

/** A triangle wave between the bounds: low + R − |(place − low) mod 2R − R|. */
function mirrored(edges: Edges, size: string, place: string): string {
  const { emit } = edges;
  const [low, high] = boundsOf(edges, size);
  // One aligned pixel has no width to mirror in.
  const range = emit.node('Max', [emit.sub(high, low), emit.scalar(1e-6)]);
  const period = emit.scale(range, 2);
  const from = emit.sub(place, low);
  const within = emit.sub(from, emit.mul(emit.node('Floor', [emit.div(from, period)]), period));
  const folded = emit.sub(range, emit.node('Abs', [emit.sub(within, range)]));
  return emit.add(low, folded);
}

function tapsOf({ emit }: Edges, { place }: SampledAxis, mode: string): readonly Tap[] {
  if (mode === 'nearest') return [{ position: place, share: undefined }];
  const floor = emit.node('Floor', [place]);
  const beyond = emit.sub(place, floor);
  const at = (offset: number): string => (offset === 0 ? floor : emit.add(floor, emit.scalar(offset)));
  if (mode === 'bilinear' || mode === 'linear') {
    return [
      { position: at(0), share: emit.sub(emit.scalar(1), beyond) },
      { position: at(1), share: beyond },
    ];
  }
  return [-1, 0, 1, 2].map((offset) => ({ position: at(offset), share: cubicShare(emit, beyond, offset) }));
}

/** Sharpness of the cubic kernel that ONNX fixes for GridSample. */
const sharpness = -0.75;

/** Keys' kernel at the distance d = |beyond − offset|: cubic in d, one piece for d ≤ 1 and one for 1 < d < 2. */
function cubicShare(emit: Emitter, beyond: string, offset: number): string {
  const distance = offset > 0 ? emit.sub(emit.scalar(offset), beyond) : emit.sub(beyond, emit.scalar(offset));
  const a = sharpness;
  const coefficients = offset === 0 || offset === 1 ? [a + 2, -(a + 3), 0, 1] : [a, -5 * a, 8 * a, -4 * a];
  const [first = 0, ...rest] = coefficients;
  return rest.reduce((sum, next) => emit.add(emit.mul(sum, distance), emit.scalar(next)), emit.scalar(first));
}

/** Every choice of one tap per axis. */
function combinations(taps: readonly (readonly Tap[])[]): readonly (readonly Tap[])[] {
  return taps.reduce<readonly (readonly Tap[])[]>(
    (chosen, axis) => chosen.flatMap((corner) => axis.map((tap) => [...corner, tap])),
    [[]],
  );
}

interface Corner {
  /** [N, C, pixels] */
  readonly pixels: string;
  readonly axes: readonly SampledAxis[];
  readonly corner: readonly Tap[];
}

/** The pixels at one corner of each sample, times its share: [N, C, P]. */
function cornerPart(edges: Edges, { pixels, axes, corner }: Corner): string {
  const { emit, padding } = edges;
  let index: string | undefined;
  const factors: string[] = [];
  corner.forEach(({ position, share }, axis) => {
    const { size } = axes[axis] ?? { size: '' };
    const mirror = padding === 'reflection' ? mirrored(edges, size, position) : position;
    const inside = clamped(emit, size, mirror);
    if (padding === 'zeros') {
      // A position is inside where clamping leaves it where it is.
      factors.push(emit.castTo(emit.node('Equal', [inside, position]), emit.elementType));
    }
    if (share !== undefined) factors.push(share);
    index = index === undefined ? inside : emit.add(emit.mul(index, size), inside);
  });
  // Halves come from mirroring at the edges of pixels, and mean the pixel they lie in.
  const whole = emit.castTo(emit.node('Round', [index ?? '']), 'int64');
  const shape = emit.concat([emit.shape(pixels, 0, 2), emit.shape(whole, 1, 2)], 0);
  const places = emit.node('Expand', [emit.unsqueeze(whole, [1]), shape]);
  const read = emit.node('GatherElements', [pixels, places], { axis: 2 });
  const [factor, ...more] = factors;
  if (factor === undefined) return read;
  return emit.mul(
    read,
    emit.unsqueeze(
      more.reduce((product, next) => emit.mul(product, next), factor),
      [1],
    ),
  );
}
