import { UserError } from '../base/errors.js';
import type { Feeds } from '../engine/runtime/session.js';
import type { Dimension, Model, ValueInfo } from '../onnx/model.js';
import { elementCountOf, type TensorData, type TensorValue } from '../onnx/tensorValue.js';
import type { DataType } from '../onnx/dataTypes.js';

/** Feeds that fit a model's inputs, and what had to be assumed for them. */
export interface MadeUpFeeds {
  readonly feeds: Feeds;
  /** One sentence per dimension that the file leaves open. */
  readonly assumptions: readonly string[];
}

/**
 * Returns feeds of zeros for a model's inputs: batch 1, and `openSize` wherever else the file leaves a size open.
 *
 * @throws UserError `input-not-fed` for inputs that are no plain tensors or have no declared shape.
 */
export function madeUpFeeds(model: Model, openSize: number): MadeUpFeeds {
  const feeds: Record<string, TensorValue> = {};
  const assumptions: string[] = [];
  for (const input of model.graph.inputs) {
    if (model.graph.initializers.has(input.name)) continue;
    const { elementType, shape } = tensorTypeOf(input);
    const dims = shape.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 1 : openSize));
    const open = shape.flatMap((dim, axis) =>
      typeof dim === 'number' ? [] : [openDimension(dim, axis, dims)],
    );
    if (open.length > 0) assumptions.push(`Shapes were measured with ${input.name}: ${open.join(', ')}.`);
    feeds[input.name] = {
      dtype: elementType,
      dims,
      data: zeros(input.name, elementType, elementCountOf(dims)),
    };
  }
  return { feeds, assumptions };
}

/** Tells whether a model leaves sizes besides the batch open. */
export function hasOpenSizes(model: Model): boolean {
  return model.graph.inputs.some(
    (input) =>
      !model.graph.initializers.has(input.name) &&
      input.type.kind === 'tensor' &&
      (input.type.shape ?? []).some((dim, axis) => axis > 0 && typeof dim !== 'number'),
  );
}

function openDimension(dim: Dimension, axis: number, dims: readonly number[]): string {
  return `${typeof dim === 'string' && dim !== '' ? dim : `axis ${axis}`} = ${dims[axis] ?? 0}`;
}

function tensorTypeOf({ name, type }: ValueInfo): { elementType: DataType; shape: readonly Dimension[] } {
  if (type.kind === 'tensor' && type.shape !== null)
    return { elementType: type.elementType, shape: type.shape };
  throw new UserError(
    'input-not-fed',
    `Input ${name} has no declared tensor shape, so no run can be made up for it. Run an analysis with --data instead.`,
    { detail: { input: name } },
  );
}

function zeros(name: string, type: DataType, count: number): TensorData {
  const make = makers[type];
  if (make !== undefined) return make(count);
  throw new UserError('input-not-fed', `Input ${name} is of type ${type}, for which no run can be made up.`, {
    detail: { input: name, type },
  });
}

const makers: Partial<Record<DataType, (count: number) => TensorData>> = {
  float32: (count) => new Float32Array(count),
  float64: (count) => new Float64Array(count),
  float16: (count) => new Uint16Array(count),
  uint8: (count) => new Uint8Array(count),
  int8: (count) => new Int8Array(count),
  uint16: (count) => new Uint16Array(count),
  int16: (count) => new Int16Array(count),
  int32: (count) => new Int32Array(count),
  uint32: (count) => new Uint32Array(count),
  int64: (count) => new BigInt64Array(count),
  uint64: (count) => new BigUint64Array(count),
  bool: (count) => new Uint8Array(count),
  string: (count) => Array.from({ length: count }, () => ''),
};
