import type { GraphBuilder } from '../graph/graphBuilder.js';
import { dataTypeFacts } from '../../onnx/dataTypes.js';

/** A value to reduce and the axes that go; the other axes stay, in their order. */
export interface Reduction {
  /** Name of a float32 value. */
  readonly value: string;
  /** Axes to reduce; none leaves the value as it is. */
  readonly axes: readonly number[];
}

/** How many elements to count, per kept index. */
export type Condition =
  | { readonly kind: 'greater' | 'at-most' | 'at-least'; readonly bound: string }
  | { readonly kind: 'outside'; readonly low: string; readonly high: string }
  | { readonly kind: 'equal'; readonly to: string }
  | { readonly kind: 'nan' }
  | { readonly kind: 'infinite' };

const reducers = {
  maximum: 'ReduceMax',
  minimum: 'ReduceMin',
  sum: 'ReduceSum',
  sumOfSquares: 'ReduceSumSquare',
} as const;

/** A statistic that is one reduction. */
export type Reducer = keyof typeof reducers;

/** Appends a reduction and returns the value that holds it, `[kept axes…]`. */
export function appendReduction(builder: GraphBuilder, reducer: Reducer, { value, axes }: Reduction): string {
  if (axes.length > 0) return builder.reduce(reducers[reducer], value, axes, false);
  return reducer === 'sumOfSquares' ? builder.node('Mul', [value, value]) : value;
}

/**
 * Appends a count of the elements for which a condition holds, as float32 `[kept axes…]`: exact up to 2²⁴ per entry.
 *
 * With a `mask` (bool, broadcastable), only elements where it is true are counted. Comparisons are false for NaN.
 */
export function appendCount(
  builder: GraphBuilder,
  condition: Condition,
  reduction: Reduction,
  mask?: string,
): string {
  const holds = appendCondition(builder, condition, reduction.value);
  const counted = mask === undefined ? holds : builder.node('And', [holds, mask]);
  const ones = builder.cast(counted, dataTypeFacts('float32').code);
  return appendReduction(builder, 'sum', { value: ones, axes: reduction.axes });
}

function appendCondition(builder: GraphBuilder, condition: Condition, value: string): string {
  switch (condition.kind) {
    case 'greater':
      return builder.node('Greater', [value, condition.bound]);
    case 'at-most':
      return builder.node('LessOrEqual', [value, condition.bound]);
    case 'at-least':
      return builder.node('GreaterOrEqual', [value, condition.bound]);
    case 'outside': {
      const low = builder.node('LessOrEqual', [value, condition.low]);
      return builder.node('Or', [low, builder.node('GreaterOrEqual', [value, condition.high])]);
    }
    case 'equal':
      return builder.node('Equal', [value, condition.to]);
    case 'nan':
      return builder.node('IsNaN', [value]);
    case 'infinite':
      return builder.node('IsInf', [value]);
  }
}
