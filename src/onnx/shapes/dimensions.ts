import type { Dimension } from '../model.js';

// Symbolic sizes are monomials: a whole number times names, written "4*N" or "N*T". That is closed under what Reshape,
// Flatten and Tile do to a batch axis; sums (padding, convolution strides) become unknown instead.

/** A shape: its sizes in order, or null when not even the rank is known. */
export type Shape = readonly Dimension[] | null;

/** Marks a name that stands for a size the file leaves unnamed; it never leaves inference. */
const unnamedMark = '?';

/** Returns the name of the n-th unnamed size. */
export function unnamed(n: number): string {
  return `${unnamedMark}${n}`;
}

/** Returns a dimension for the outside: names of unnamed sizes become null. */
export function publicDimension(dimension: Dimension): Dimension {
  return typeof dimension === 'string' && dimension.includes(unnamedMark) ? null : dimension;
}

interface Monomial {
  readonly factor: number;
  readonly names: readonly string[];
}

function monomialOf(dimension: Dimension): Monomial | undefined {
  if (dimension === null) return undefined;
  if (typeof dimension === 'number') return { factor: dimension, names: [] };
  const parts = dimension.split('*');
  const first = Number(parts[0]);
  return parts.length > 1 && Number.isInteger(first)
    ? { factor: first, names: parts.slice(1) }
    : { factor: 1, names: parts };
}

function dimensionOf({ factor, names }: Monomial): Dimension {
  if (names.length === 0 || factor === 0) return factor;
  return [...(factor === 1 ? [] : [String(factor)]), ...[...names].sort()].join('*');
}

/** Returns the product of sizes; null when one is unknown (but 0 when one is 0). */
export function product(dimensions: readonly Dimension[]): Dimension {
  if (dimensions.includes(0)) return 0;
  let result: Monomial = { factor: 1, names: [] };
  for (const dimension of dimensions) {
    const monomial = monomialOf(dimension);
    if (monomial === undefined) return null;
    result = { factor: result.factor * monomial.factor, names: [...result.names, ...monomial.names] };
  }
  return dimensionOf(result);
}

/** Returns the quotient of two sizes where it is a size for every value of the names; else null. */
export function quotient(dividend: Dimension, divisor: Dimension): Dimension {
  const over = monomialOf(dividend);
  const under = monomialOf(divisor);
  if (over === undefined || under === undefined || under.factor === 0) return null;
  if (over.factor % under.factor !== 0) return null;
  const names = [...over.names];
  for (const name of under.names) {
    const index = names.indexOf(name);
    if (index < 0) return null;
    names.splice(index, 1);
  }
  return dimensionOf({ factor: over.factor / under.factor, names });
}

/** Returns the sum of two sizes where it has a name: with zero, or of plain numbers; else null. */
export function sum(a: Dimension, b: Dimension): Dimension {
  if (a === 0) return b;
  if (b === 0) return a;
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  return null;
}

/** Returns the size that two broadcast sizes give. */
export function broadcastDimension(a: Dimension, b: Dimension): Dimension {
  if (a === b || b === 1) return a;
  if (a === 1) return b;
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  return null;
}

/** Returns the shape of several shapes broadcast together, aligned at the last axis. */
export function broadcastShapes(shapes: readonly Shape[]): Shape {
  let result: readonly Dimension[] | undefined;
  for (const shape of shapes) {
    if (shape === null) return null;
    result = result === undefined ? shape : broadcastTwo(result, shape);
  }
  return result ?? null;
}

function broadcastTwo(a: readonly Dimension[], b: readonly Dimension[]): readonly Dimension[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) =>
    broadcastDimension(fromEnd(a, rank - axis), fromEnd(b, rank - axis)),
  );
}

function fromEnd(shape: readonly Dimension[], distance: number): Dimension {
  return distance > shape.length ? 1 : (shape[shape.length - distance] ?? null);
}

/** Returns an axis counted from the start. */
export function positiveAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** Returns a shape with one size replaced; null when the rank is unknown. */
export function withDimension(shape: Shape, axis: number, dimension: Dimension): Shape {
  return shape === null ? null : shape.map((size, i) => (i === axis ? dimension : size));
}

/** Returns the shape whose every size is a number, or undefined. */
export function concreteShape(shape: Shape): readonly number[] | undefined {
  if (shape === null) return undefined;
  const sizes = shape.filter((size) => typeof size === 'number');
  return sizes.length === shape.length ? sizes : undefined;
}
