import type { Dimension } from '../../onnx/model.js';
import { toFloat64 } from '../../onnx/tensorValue.js';
import type { Emitter } from './emitter.js';
import { formUnsupported, gradientNeeds } from './gradientErrors.js';
import type { NodeContext, SizeContext } from './gradientRule.js';

/** Returns the shape of a value as far as it is known before running, or null when not even the rank is. */
export function shapeIfKnown(context: SizeContext, value: string): readonly Dimension[] | null {
  const type = context.typeOf(value);
  return type.kind === 'tensor' ? type.shape : null;
}

/**
 * Returns the shape of a value; its rank is known, its sizes where they are.
 *
 * @throws UserError when the rank is unknown.
 */
export function shapeOf(context: SizeContext, value: string): readonly Dimension[] {
  const shape = shapeIfKnown(context, value);
  if (shape === null) throw gradientNeeds(context.node, `the rank of "${value}"`);
  return shape;
}

/** Returns the rank of a value. */
export function rankOf(context: SizeContext, value: string): number {
  return shapeOf(context, value).length;
}

/**
 * Returns a size that may be written into the graph, or undefined.
 *
 * The first axis is left to run time whatever was measured: it is the batch, and the last batch is smaller.
 */
export function fixedSize(context: SizeContext, value: string, axis: number): number | undefined {
  if (axis === 0 && !context.isConstant(value)) return undefined;
  const size = shapeIfKnown(context, value)?.[axis];
  return typeof size === 'number' ? size : undefined;
}

/** Returns the sizes behind batch and channels of a value with so many spatial axes, undefined where one is open. */
export function spatialSizes(
  context: SizeContext,
  value: string,
  axisCount: number,
): readonly number[] | undefined {
  const sizes = Array.from({ length: axisCount }, (_, axis) => fixedSize(context, value, axis + 2));
  return sizes.every((size) => size !== undefined) ? sizes : undefined;
}

/** Returns one size of a value as int64 of shape [1]: a constant where it is fixed, else read at run time. */
export function emitSize(
  context: NodeContext,
  emit: Emitter,
  where: { readonly value: string; readonly axis: number },
): string {
  const size = fixedSize(context, where.value, where.axis);
  return size === undefined ? emit.shape(where.value, where.axis, where.axis + 1) : emit.ints([size]);
}

/** Reshapes a value to the shape of another, without reading that at run time where all sizes but one are fixed. */
export function emitReshapeLike(context: NodeContext, emit: Emitter, value: string, like: string): string {
  const sizes = shapeIfKnown(context, like)?.map((_, axis) => fixedSize(context, like, axis) ?? -1);
  // An open size cannot be worked out beside an axis without elements.
  const isOpen = sizes === undefined || sizes.includes(0) || sizes.filter((size) => size < 0).length > 1;
  return isOpen ? emit.reshapeLike(value, like) : emit.reshapeTo(value, sizes);
}

/** Returns a non-negative axis. */
export function normalAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/**
 * Returns the integers of a constant operand (axes, repeats), or undefined when the operand is omitted.
 *
 * @throws UserError when it is computed at run time.
 */
export function constantInts(context: NodeContext, index: number): readonly number[] | undefined {
  const name = context.node.inputs[index];
  if (name === undefined || name === '') return undefined;
  const value = context.constantOf(name);
  if (value === undefined) {
    throw formUnsupported(context.node, `operand ${index} ("${name}") computed while running`);
  }
  return Array.from(toFloat64(value));
}

/** Returns all axes from `start` on. */
export function axesFrom(start: number, rank: number): readonly number[] {
  return Array.from({ length: Math.max(0, rank - start) }, (_, i) => start + i);
}
