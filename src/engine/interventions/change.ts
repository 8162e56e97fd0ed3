import { dataTypeFacts } from '../../onnx/dataTypes.js';
import type { ValueType } from '../../onnx/model.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import type { GraphBuilder } from '../graph/graphBuilder.js';
import { type ActivationFunction, activationFunctions } from './activationFunctions.js';

/** A tensor that stands in the graph, or a new graph input to be fed with every run. */
export type Given = TensorValue | { readonly input: string; readonly type: ValueType };

/** What a value is turned into where it is selected. Tensors broadcast against the value. */
export type Change =
  | { readonly kind: 'zero' }
  /** The mean over a data set, per unit, shaped to broadcast (`[U, 1, 1]` for `[N, U, H, W]`). */
  | { readonly kind: 'mean'; readonly mean: TensorValue }
  /** Other numbers; as an input, the activations of another input's run (a patch). */
  | { readonly kind: 'replace'; readonly by: Given }
  /** The same value at other rows of the batch: row i takes what row `rows[i]` (int64 `[N]`) has. */
  | { readonly kind: 'resample'; readonly rows: Given }
  /** Adds `scale` × a direction (or constant). */
  | { readonly kind: 'add'; readonly direction: TensorValue; readonly scale?: number }
  | { readonly kind: 'scale'; readonly factor: number | TensorValue }
  /** Bounds from below and above; an absent one is none. */
  | { readonly kind: 'clamp'; readonly low?: number; readonly high?: number }
  /**
   * Keeps the `k` largest elements, by magnitude if asked for, and zeroes the rest: along `axis`, or of all elements of a
   * sample. Of equal ones the first are kept.
   */
  | {
      readonly kind: 'keep-top-k';
      readonly k: number;
      readonly axis?: number;
      readonly by?: 'value' | 'magnitude';
    }
  /** Keeps the elements with |a| · size > threshold, in float32, and zeroes the rest; sizes broadcast against the value. */
  | { readonly kind: 'keep-above'; readonly size: TensorValue; readonly threshold: number }
  /** Another function of what entered the activation: `input` is the value that did. */
  | { readonly kind: 'activation'; readonly input: string; readonly by: ActivationFunction };

/** Where a change is laid. */
export interface ChangePlace {
  readonly builder: GraphBuilder;
  /** The value before the change. */
  readonly value: string;
  /** Rank of the value, and of what tensors broadcast against. */
  readonly rank: number;
  /** 0, or 1 where variants stand before the batch: axes that changes name count without them. */
  readonly batchAxis: 0 | 1;
  /** Returns another value as it is read here. */
  readonly read: (value: string) => string;
}

/** Appends a change of the whole value and returns the changed one, or what broadcasts to it. */
export function appendChange(place: ChangePlace, change: Change): string {
  const { builder, value } = place;
  const like = (name: string): string => builder.node('CastLike', [name, value]);
  const given = (tensor: TensorValue): string => like(builder.constant(tensor));
  const number = (of: number): string => like(builder.scalar(of));
  switch (change.kind) {
    case 'zero':
      return number(0);
    case 'mean':
      return given(change.mean);
    case 'replace':
      return 'input' in change.by ? appendFed(place, change.by) : given(change.by);
    case 'resample':
      return appendResample(place, change.rows);
    case 'add': {
      const direction = given(change.direction);
      const { scale } = change;
      const scaled = scale === undefined ? direction : builder.node('Mul', [direction, number(scale)]);
      return builder.node('Add', [value, scaled]);
    }
    case 'scale': {
      const { factor } = change;
      return builder.node('Mul', [value, typeof factor === 'number' ? number(factor) : given(factor)]);
    }
    case 'clamp': {
      const raised = change.low === undefined ? value : builder.node('Max', [value, number(change.low)]);
      return change.high === undefined ? raised : builder.node('Min', [raised, number(change.high)]);
    }
    case 'keep-top-k':
      return appendTopK(place, change);
    case 'keep-above':
      return builder.node('Where', [appendIsKept(place, change), value, number(0)]);
    case 'activation':
      return activationFunctions[change.by](builder, place.read(change.input), number);
  }
}

function appendIsKept(
  { builder, value }: ChangePlace,
  { size, threshold }: Extract<Change, { kind: 'keep-above' }>,
): string {
  const operands = { size: builder.constant(size), threshold: builder.scalar(threshold) };
  return appendIsAbove(builder, { value, ...operands });
}

/** Appends whether |value| · size > threshold, counted in float32; `size` and `threshold` are float32 values. */
export function appendIsAbove(
  builder: GraphBuilder,
  { value, size, threshold }: { readonly value: string; readonly size: string; readonly threshold: string },
): string {
  const magnitude = builder.node('Abs', [builder.cast(value, dataTypeFacts('float32').code)]);
  return builder.node('Greater', [builder.node('Mul', [magnitude, size]), threshold]);
}

/** The input, with an axis of variants in front of the batch where there is one. */
function appendFed(
  { builder, batchAxis }: ChangePlace,
  { input, type }: Exclude<Given, TensorValue>,
): string {
  const fed = addGiven(builder, { input, type });
  return batchAxis === 0 ? fed : builder.node('Unsqueeze', [fed, builder.int64s([0])]);
}

/** Several changes may read one input. */
function addGiven(builder: GraphBuilder, { input, type }: Exclude<Given, TensorValue>): string {
  return builder.hasInput(input) ? input : builder.addInput(input, type);
}

function appendResample({ builder, value, batchAxis }: ChangePlace, rows: Given): string {
  const indices = 'input' in rows ? addGiven(builder, rows) : builder.constant(rows);
  return builder.node('Gather', [value, indices], { attributes: { axis: batchAxis } });
}

function appendTopK(
  { builder, value, rank, batchAxis }: ChangePlace,
  { k, axis, by = 'value' }: Extract<Change, { kind: 'keep-top-k' }>,
): string {
  // Without an axis the elements of a sample are laid in a row.
  const leading = new Array<number>(batchAxis + 1).fill(0);
  const laid =
    axis === undefined ? builder.node('Reshape', [value, builder.int64s([...leading, -1])]) : value;
  const along = axis === undefined ? batchAxis + 1 : (axis < 0 ? axis + rank : axis) + batchAxis;
  const size = builder.node('Shape', [laid], { attributes: { start: along, end: along + 1 } });
  const count = builder.node('Min', [builder.int64s([k]), size]);
  const ranked = by === 'magnitude' ? builder.node('Abs', [laid]) : laid;
  const [kept, indices] = [builder.freshName('ni/kept'), builder.freshName('ni/keptIndices')];
  builder.node('TopK', [ranked, count], { attributes: { axis: along }, outputs: [kept, indices] });
  const expanded = (number: number, shapeOf: string): string =>
    builder.node('Expand', [builder.scalar(number), builder.node('Shape', [shapeOf])]);
  const marks = builder.node('ScatterElements', [expanded(0, laid), indices, expanded(1, indices)], {
    attributes: { axis: along },
  });
  const isKept = builder.node('Greater', [marks, builder.scalar(0)]);
  const zero = builder.node('CastLike', [builder.scalar(0), value]);
  const result = builder.node('Where', [isKept, laid, zero]);
  return axis === undefined ? builder.node('Reshape', [result, builder.node('Shape', [value])]) : result;
}
