import { type Dimension, intAttribute, intsAttribute } from '../../model.js';
import {
  broadcastShapes,
  concreteShape,
  positiveAxis,
  product,
  quotient,
  type Shape,
} from '../dimensions.js';
import { type Entry, type Fact, type KnownValue, knownFact, sizesFact } from '../facts.js';
import {
  allNumbers,
  axisWithin,
  elementOf,
  hasInput,
  type InferRule,
  like,
  listOf,
  type NodeView,
  type RuleEntries,
  shapeOf,
  valueOf,
} from '../rule.js';
import { rearranged, stretch } from '../smallValues.js';
import { concatenated, elementCount } from './products.js';

/** Carries known elements over to an output with the same elements in the same order. */
function sameElements(view: NodeView, shape: Shape): Fact {
  const value = valueOf(view, 0);
  const dims = concreteShape(shape);
  if (value === undefined || dims === undefined) return like(view, 0, shape);
  return knownFact(elementOf(view, 0), { dims, entries: value.entries });
}

const shapeRule: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  if (shape === null) return [{ type: { kind: 'tensor', elementType: 'int64', shape: [null] } }];
  const rank = shape.length;
  const clamp = (at: number): number => Math.min(Math.max(positiveAxis(at, rank), 0), rank);
  const start = clamp(intAttribute(view.node, 'start', 0));
  return [sizesFact(shape.slice(start, clamp(intAttribute(view.node, 'end', rank))))];
};

const size: InferRule = (view) => [
  knownFact('int64', { dims: [], entries: [elementCount(shapeOf(view, 0))] }),
];

function reshaped(shape: Shape, target: readonly Entry[], zeroIsSize: boolean): Shape {
  const sizes = target.map((entry, axis): Dimension =>
    entry === 0 && !zeroIsSize ? (shape?.[axis] ?? null) : entry,
  );
  const hole = sizes.indexOf(-1);
  const others = sizes.filter((_, axis) => axis !== hole);
  const total = elementCount(shape);
  if (hole >= 0) {
    return sizes.map((entry, axis) => (axis === hole ? quotient(total, product(others)) : entry));
  }
  // One size that is not known follows from the rest.
  const gap = sizes.indexOf(null);
  if (gap < 0 || gap !== sizes.lastIndexOf(null)) return sizes;
  const rest = product(sizes.filter((_, axis) => axis !== gap));
  const missing = rest === 0 ? null : quotient(total, rest);
  // A computed entry may be −1 as well as the size itself; both mean the same size.
  return sizes.map((entry, axis) => (axis === gap ? missing : entry));
}

const reshape: InferRule = (view) => {
  const attribute = intsAttribute(view.node, 'shape');
  const target = view.opset < 5 && attribute !== undefined ? attribute : valueOf(view, 1)?.entries;
  const zeroIsSize = intAttribute(view.node, 'allowzero', 0) !== 0;
  if (target !== undefined) return [sameElements(view, reshaped(shapeOf(view, 0), target, zeroIsSize))];
  const length = shapeOf(view, 1)?.[0];
  return [like(view, 0, typeof length === 'number' ? Array.from({ length }, () => null) : null)];
};

const flatten: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  if (shape === null) return [like(view, 0, [null, null])];
  const axis = positiveAxis(intAttribute(view.node, 'axis', 1), shape.length);
  return [sameElements(view, [product(shape.slice(0, axis)), product(shape.slice(axis))])];
};

const squeeze: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const axes = listOf(view, 'axes', 1);
  if (shape === null || axes === 'unknown') return [like(view, 0, null)];
  if (axes === 'absent') {
    const known = shape.every((size) => typeof size === 'number');
    return [
      known
        ? sameElements(
            view,
            shape.filter((size) => size !== 1),
          )
        : like(view, 0, null),
    ];
  }
  const dropped = new Set(axes.map((axis) => positiveAxis(axis, shape.length)));
  return [
    sameElements(
      view,
      shape.filter((_, axis) => !dropped.has(axis)),
    ),
  ];
};

const unsqueeze: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const axes = listOf(view, 'axes', 1);
  if (shape === null || typeof axes === 'string') return [like(view, 0, null)];
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => positiveAxis(axis, rank)));
  let next = 0;
  const sizes = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (shape[next++] ?? null)));
  return [sameElements(view, sizes)];
};

const transpose: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  if (shape === null) return [like(view, 0, null)];
  const order = intsAttribute(view.node, 'perm') ?? shape.map((_, axis) => shape.length - 1 - axis);
  const sizes = order.map((axis) => shape[axis] ?? null);
  const value = valueOf(view, 0);
  const dims = concreteShape(sizes);
  if (value === undefined || dims === undefined) return [like(view, 0, sizes)];
  const source = (index: readonly number[]): number[] =>
    order.map((_, axis) => index[order.indexOf(axis)] ?? 0);
  return [knownFact(elementOf(view, 0), rearranged(value, dims, source))];
};

const concat: InferRule = (view) => {
  const shapes = view.inputs.map((_, i) => shapeOf(view, i));
  const known = shapes.find((shape) => shape !== null) ?? null;
  // Before opset 4 the axis is optional.
  const axis = axisWithin(intAttribute(view.node, 'axis', 1), known);
  if (known === null || axis === undefined) return [like(view, 0, null)];
  const sizes = known.map((_, i): Dimension => {
    const along = shapes.map((shape) => shape?.[i] ?? null);
    return i === axis ? concatenated(along) : preferred(along);
  });
  const value = known.length === 1 ? joined(view.inputs) : undefined;
  return [value === undefined ? like(view, 0, sizes) : knownFact(elementOf(view, 0), value)];
};

/** Of sizes that must be equal, the one that says most. */
function preferred(sizes: readonly Dimension[]): Dimension {
  return (
    sizes.find((size) => typeof size === 'number') ?? sizes.find((size) => typeof size === 'string') ?? null
  );
}

function joined(inputs: readonly (Fact | undefined)[]): KnownValue | undefined {
  const entries: Entry[] = [];
  for (const input of inputs) {
    const type = input?.type;
    if (input?.value !== undefined) entries.push(...input.value.entries);
    else if (type?.kind === 'tensor' && typeof type.shape?.[0] === 'number' && type.shape[0] <= 64) {
      for (let i = 0; i < type.shape[0]; i++) entries.push(null);
    } else return undefined;
  }
  return { dims: [entries.length], entries };
}

const expand: InferRule = (view) => {
  const target = valueOf(view, 1)?.entries;
  if (target === undefined) {
    const length = shapeOf(view, 1)?.[0];
    const rank = Math.max(typeof length === 'number' ? length : -1, shapeOf(view, 0)?.length ?? Infinity);
    const isKnown = Number.isFinite(rank) && typeof length === 'number';
    return [like(view, 0, isKnown ? Array.from({ length: rank }, () => null) : null)];
  }
  const shape = broadcastShapes([shapeOf(view, 0), target]);
  const value = valueOf(view, 0);
  const dims = concreteShape(shape);
  const isSmall = dims !== undefined && product(dims) !== null && Number(product(dims)) <= 64;
  if (value === undefined || !isSmall) return [like(view, 0, shape)];
  return [knownFact(elementOf(view, 0), { dims, entries: stretch(value, dims) })];
};

const tile: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  if (view.opset < 6 && hasInput(view, 2)) {
    const count = allNumbers(valueOf(view, 1)?.entries)?.[0];
    const axis = allNumbers(valueOf(view, 2)?.entries)?.[0];
    const sizes = shape?.map((size, i) => (i === axis ? product([size, count ?? null]) : size)) ?? null;
    return [like(view, 0, axis === undefined ? (shape?.map(() => null) ?? null) : sizes)];
  }
  const repeats = valueOf(view, 1)?.entries;
  return [like(view, 0, shape?.map((size, axis) => product([size, repeats?.[axis] ?? null])) ?? null)];
};

/** Operators that rearrange elements; known elements pass through where their order is kept. */
export const structureRules: RuleEntries = [
  ['Shape', shapeRule],
  ['Size', size],
  ['Reshape', reshape],
  ['Flatten', flatten],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Expand', expand],
  ['Tile', tile],
];
