import { type Dimension, intAttribute, intsAttribute } from '../../model.js';
import { positiveAxis, type Shape, sum, withDimension } from '../dimensions.js';
import { type Entry, type Fact, knownFact, type KnownValue, tensorFact } from '../facts.js';
import {
  axisWithin,
  elementOf,
  hasInput,
  type InferRule,
  like,
  listOf,
  type NodeView,
  numbersOf,
  type RuleEntries,
  shapeOf,
  unknownShape,
  valueOf,
} from '../rule.js';
import { rearranged, take } from '../smallValues.js';

const gather: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const indices = shapeOf(view, 1);
  const axis = axisWithin(intAttribute(view.node, 'axis', 0), shape);
  if (shape === null || indices === null || axis === undefined) return [like(view, 0, null)];
  const sizes = [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)];
  const [data, index] = [valueOf(view, 0), valueOf(view, 1)];
  const value = data === undefined || index === undefined ? undefined : take(data, index);
  return [value === undefined ? like(view, 0, sizes) : knownFact(elementOf(view, 0), value)];
};

/** Gathers `[…batch, …outer]` rows by index tuples in the last axis of the indices. */
const gatherTuples: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const indices = shapeOf(view, 1);
  const depth = indices?.[indices.length - 1];
  if (shape === null || indices === null || typeof depth !== 'number') return [like(view, 0, null)];
  const batch = intAttribute(view.node, 'batch_dims', 0);
  return [like(view, 0, [...indices.slice(0, -1), ...shape.slice(batch + depth)])];
};

const compress: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const flags = numbersOf(view, 1);
  const count = flags?.filter((flag) => flag !== 0).length ?? view.freshDimension();
  if (!view.node.attributes.has('axis')) return [like(view, 0, [count])];
  const axis = axisWithin(intAttribute(view.node, 'axis', 0), shape);
  return [like(view, 0, axis === undefined ? null : withDimension(shape, axis, count))];
};

/** Exporters write this or more for "to the end". */
const farEnd = 2 ** 31 - 1;

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

function cutDimension(size: Dimension, { start, end, step }: Range): Dimension {
  if (typeof size === 'number') {
    return Math.max(Math.ceil(cutBounds(size, { start, end, step }).span / step), 0);
  }
  // Named sizes: everything, or the first so many (which the axis may not have), stay what they are or are unknown.
  const isWhole = start === 0 && step === 1 && end >= farEnd;
  const isReversed = start === -1 && step === -1 && end <= -farEnd;
  return isWhole || isReversed ? size : null;
}

function cutBounds(size: number, { start, end, step }: Range): { first: number; span: number } {
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (at: number): number => Math.min(Math.max(positiveAxis(at, size), low), high);
  const first = Math.max(clamp(start), 0);
  return { first: step > 0 ? clamp(start) : first, span: clamp(end) - clamp(start) };
}

interface SliceLists {
  readonly starts: readonly (number | null)[];
  readonly ends: readonly (number | null)[];
  readonly axes: readonly number[];
  readonly steps: readonly (number | null)[];
}

function sliceLists(view: NodeView, rank: number): SliceLists | undefined {
  const read = (name: string, index: number): readonly (number | null)[] | undefined =>
    intsAttribute(view.node, name) ??
    valueOf(view, index)?.entries.map((e) => (typeof e === 'number' ? e : null));
  const axesList = listOf(view, 'axes', 3);
  if (axesList === 'unknown') return undefined;
  const inputShape = shapeOf(view, 1)?.[0];
  const starts = read('starts', 1);
  const ends = read('ends', 2);
  const count = starts?.length ?? ends?.length ?? (typeof inputShape === 'number' ? inputShape : rank);
  const blank = Array.from({ length: count }, () => null);
  const axes = axesList === 'absent' ? Array.from({ length: count }, (_, i) => i) : axesList;
  const steps = hasInput(view, 4) ? (read('steps', 4) ?? blank) : Array.from({ length: count }, () => 1);
  return { starts: starts ?? blank, ends: ends ?? blank, axes, steps };
}

const slice: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  if (shape === null) return [like(view, 0, null)];
  const lists = sliceLists(view, shape.length);
  if (lists === undefined) return [like(view, 0, unknownShape(shape.length))];
  const sizes = [...shape];
  for (const [i, at] of lists.axes.entries()) {
    const axis = positiveAxis(at, shape.length);
    const range = rangeOf(lists, i);
    sizes[axis] =
      range === undefined ? endsAtSize(view, i, sizes[axis]) : cutDimension(sizes[axis] ?? null, range);
  }
  const value = slicedValue(view, lists);
  return [value === undefined ? like(view, 0, sizes) : knownFact(elementOf(view, 0), value)];
};

/** Slicing an axis from 0 to its own named size, or to a name, gives that size. */
function endsAtSize(view: NodeView, i: number, size: Dimension | undefined): Dimension {
  const start = valueOf(view, 1)?.entries[i];
  const end = valueOf(view, 2)?.entries[i];
  const step = hasInput(view, 4) ? valueOf(view, 4)?.entries[i] : 1;
  return start === 0 && step === 1 && typeof end === 'string' && end === size ? end : null;
}

function rangeOf(lists: SliceLists, i: number): Range | undefined {
  const [start, end, step] = [lists.starts[i] ?? null, lists.ends[i] ?? null, lists.steps[i] ?? null];
  return start === null || end === null || step === null || step === 0 ? undefined : { start, end, step };
}

function slicedValue(view: NodeView, lists: SliceLists): KnownValue | undefined {
  const value = valueOf(view, 0);
  if (value === undefined) return undefined;
  const dims = [...value.dims];
  const firsts = dims.map(() => 0);
  const steps = dims.map(() => 1);
  for (const [i, at] of lists.axes.entries()) {
    const axis = positiveAxis(at, dims.length);
    const size = value.dims[axis] ?? 0;
    const range = rangeOf(lists, i);
    if (range === undefined) return undefined;
    dims[axis] = Number(cutDimension(size, range));
    firsts[axis] = cutBounds(size, range).first;
    steps[axis] = range.step;
  }
  return rearranged(value, dims, (index) =>
    index.map((at, axis) => (firsts[axis] ?? 0) + at * (steps[axis] ?? 1)),
  );
}

const split: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const outputs = view.node.outputs.length;
  const axis = axisWithin(intAttribute(view.node, 'axis', 0), shape);
  if (axis === undefined) return view.node.outputs.map(() => like(view, 0, shape?.map(() => null) ?? null));
  const sizes = splitSizes(view, shape?.[axis] ?? null, outputs);
  const value = valueOf(view, 0);
  let start = 0;
  return view.node.outputs.map((_, i): Fact => {
    const size = sizes[i] ?? null;
    const from = start;
    start += typeof size === 'number' ? size : NaN;
    if (value?.dims.length === 1 && typeof size === 'number' && Number.isFinite(start)) {
      return knownFact(elementOf(view, 0), { dims: [size], entries: value.entries.slice(from, start) });
    }
    return like(view, 0, withDimension(shape, axis, size));
  });
};

function splitSizes(view: NodeView, total: Dimension, outputs: number): readonly Dimension[] {
  const given = intsAttribute(view.node, 'split') ?? valueOf(view, 1)?.entries;
  if (given !== undefined) return given;
  if (hasInput(view, 1) || typeof total !== 'number') {
    return outputs === 1 && !hasInput(view, 1) ? [total] : [];
  }
  const part = Math.ceil(total / outputs);
  return Array.from({ length: outputs }, (_, i) => Math.max(Math.min(part, total - i * part), 0));
}

const pad: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  if (shape === null) return [like(view, 0, null)];
  const given: readonly Entry[] | undefined =
    intsAttribute(view.node, 'pads') ?? intsAttribute(view.node, 'paddings') ?? valueOf(view, 1)?.entries;
  const axes = hasInput(view, 3) ? numbersOf(view, 3) : shape.map((_, axis) => axis);
  if (given === undefined || axes === undefined) return [like(view, 0, unknownShape(shape.length))];
  const sizes = [...shape];
  for (const [i, at] of axes.entries()) {
    const axis = positiveAxis(at, shape.length);
    const before = given[i] ?? null;
    sizes[axis] = sum(sum(sizes[axis] ?? null, before), given[i + axes.length] ?? null);
  }
  return [like(view, 0, sizes)];
};

const topK: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const axis = axisWithin(intAttribute(view.node, 'axis', -1), shape);
  const count = view.node.attributes.has('k')
    ? intAttribute(view.node, 'k', 0)
    : (valueOf(view, 1)?.entries[0] ?? null);
  const sizes = axis === undefined ? null : withDimension(shape, axis, count);
  return [like(view, 0, sizes), tensorFact('int64', sizes)];
};

const nonZero: InferRule = (view) => [
  tensorFact('int64', [shapeOf(view, 0)?.length ?? null, view.freshDimension()]),
];

const unique: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const count = view.freshDimension();
  const listed = [tensorFact('int64', [count]), tensorFact('int64', [null]), tensorFact('int64', [count])];
  if (!view.node.attributes.has('axis')) return [like(view, 0, [count]), ...listed];
  const axis = axisWithin(intAttribute(view.node, 'axis', 0), shape);
  return [like(view, 0, axis === undefined ? null : withDimension(shape, axis, count)), ...listed];
};

const oneHot: InferRule = (view) => {
  const indices = shapeOf(view, 0);
  if (indices === null) return [like(view, 2, null)];
  const axis = positiveAxis(intAttribute(view.node, 'axis', -1), indices.length + 1);
  const depth = valueOf(view, 1)?.entries[0] ?? null;
  return [like(view, 2, [...indices.slice(0, axis), depth, ...indices.slice(axis)])];
};

/** Boxes kept: `[kept, 3]` of (batch, class, box). */
const suppression: InferRule = (view) => [tensorFact('int64', [view.freshDimension(), 3])];

const cropOrPad: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const target = valueOf(view, 1)?.entries;
  const axes = intsAttribute(view.node, 'axes') ?? shape?.map((_, axis) => axis) ?? [];
  const sizes = shape === null ? null : [...shape];
  for (const [i, axis] of axes.entries()) {
    if (sizes !== null) sizes[positiveAxis(axis, sizes.length)] = target?.[i] ?? null;
  }
  return [like(view, 0, sizes)];
};

const splitToSequence: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const axis = axisWithin(intAttribute(view.node, 'axis', 0), shape);
  const keeps = hasInput(view, 1) || intAttribute(view.node, 'keepdims', 1) !== 0;
  const size = hasInput(view, 1) ? null : 1;
  const part: Shape =
    axis === undefined
      ? null
      : keeps
        ? withDimension(shape, axis, size)
        : (shape?.filter((_, i) => i !== axis) ?? null);
  return [{ type: { kind: 'sequence', element: like(view, 0, part).type } }];
};

/** Stop words are dropped, so only the rank and a batch of one are known. */
const normalisedText: InferRule = (view) => [
  tensorFact('string', shapeOf(view, 0)?.map((size, axis) => (axis === 0 && size === 1 ? 1 : null)) ?? null),
];

const gatherLike: InferRule = (view) => [like(view, 0, shapeOf(view, 1))];

/** Operators that pick, cut or pad along axes. */
export const selectionRules: RuleEntries = [
  ['Gather', gather],
  ['GatherElements', gatherLike],
  ['GatherND com.microsoft:GatherND', gatherTuples],
  ['Compress', compress],
  ['Slice', slice],
  ['Split', split],
  ['SplitToSequence', splitToSequence],
  ['Pad com.microsoft:Pad', pad],
  ['TopK', topK],
  ['NonZero', nonZero],
  ['Unique com.microsoft:Unique', unique],
  ['OneHot', oneHot],
  ['NonMaxSuppression', suppression],
  ['CenterCropPad', cropOrPad],
  ['StringNormalizer', normalisedText],
];
