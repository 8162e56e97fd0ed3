import { inlineValue } from '../loadTensor.js';
import { type DataType } from '../dataTypes.js';
import type { Dimension, Tensor, ValueType } from '../model.js';
import { elementCountOf } from '../tensorValue.js';
import type { Shape } from './dimensions.js';

/** An element of a known small tensor: a number, a named size, or null when it is not known. */
export type Entry = Dimension;

/** A small tensor whose elements are known before any run, such as a shape that a Reshape reads. */
export interface KnownValue {
  readonly dims: readonly number[];
  readonly entries: readonly Entry[];
}

/** What is known about a value. */
export interface Fact {
  readonly type: ValueType;
  readonly value?: KnownValue;
}

/** Larger tensors are data, not shapes: their elements are not followed. */
export const maxKnownElements = 1024;

/** What is known about a value of which nothing is known. */
export const unknownFact: Fact = { type: { kind: 'unknown' } };

/** Returns the fact of a tensor; element type `undefined` where that is unknown. */
export function tensorFact(elementType: DataType, shape: Shape, value?: KnownValue): Fact {
  const type: ValueType = { kind: 'tensor', elementType, shape };
  return value === undefined || value.entries.length > maxKnownElements ? { type } : { type, value };
}

/** Returns the fact of a tensor with known elements. */
export function knownFact(elementType: DataType, value: KnownValue): Fact {
  return tensorFact(elementType, value.dims, value);
}

/** Returns the fact of a one-dimensional int64 tensor of sizes. */
export function sizesFact(entries: readonly Entry[]): Fact {
  return knownFact('int64', { dims: [entries.length], entries });
}

/** Returns the fact of a constant; its elements are included when they are few, numeric and in memory. */
export function constantFact(tensor: Tensor): Fact {
  const { elementType, dims } = tensor;
  const isSmall = elementCountOf(dims) <= maxKnownElements;
  const numeric = /^(float(32|64)|u?int\d+|bool)$/u.test(elementType);
  const value = isSmall && numeric ? inlineValue(tensor) : undefined;
  if (value === undefined) return tensorFact(elementType, dims);
  return knownFact(elementType, { dims, entries: Array.from(value.data, Number) });
}
