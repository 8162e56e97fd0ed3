import { messageOf, UserError } from '../base/errors.js';
import type { Random } from '../base/random.js';
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

/** Sizes that are tried for dimensions which the file leaves open: sequences first, then pictures. */
const openSizes = [16, 64, 224, 1];

/**
 * Calls `use` with made-up feeds until one size of the dimensions that the file leaves open runs, and returns its result.
 *
 * @throws UserError `no-feeds-fit` when none does; whatever else `use` throws.
 */
export async function withMadeUpFeeds<T>(
  model: Model,
  random: Random,
  use: (made: MadeUpFeeds) => Promise<T>,
): Promise<T> {
  let lastError: unknown;
  for (const openSize of hasOpenSizes(model) ? openSizes : [1]) {
    try {
      return await use(madeUpFeeds(model, openSize, random));
    } catch (error) {
      // The wrong size fails the run; a broken model or machine fails every size alike.
      if (!(error instanceof UserError) || error.code !== 'run-failed') throw error;
      lastError = error;
    }
  }
  throw new UserError(
    'no-feeds-fit',
    `The model runs on no input that was made up for it: ${messageOf(lastError)} Export the model with fixed shapes, or run an analysis with --data.`,
    { cause: lastError },
  );
}

/**
 * Returns feeds for a model's inputs: batch 1, `openSize` wherever else the file leaves a size open; normal numbers for
 * floats, ones for the rest (a valid token and a mask that hides nothing).
 *
 * @throws UserError `input-not-fed` for inputs that are no plain tensors or have no declared shape.
 */
function madeUpFeeds(model: Model, openSize: number, random: Random): MadeUpFeeds {
  const feeds: Record<string, TensorValue> = {};
  const assumptions: string[] = [];
  for (const input of model.graph.inputs) {
    if (model.graph.initializers.has(input.name)) continue;
    const { elementType, shape } = tensorTypeOf(input);
    const dims = shape.map((dim, axis) => (typeof dim === 'number' ? dim : axis === 0 ? 1 : openSize));
    const open = shape.flatMap((dim, axis) =>
      typeof dim === 'number' ? [] : [openDimension(dim, axis, dims)],
    );
    if (open.length > 0) assumptions.push(`Input ${input.name} was made up with ${open.join(', ')}.`);
    feeds[input.name] = {
      dtype: elementType,
      dims,
      data: elementsFor(input.name, elementType, { count: elementCountOf(dims), random }),
    };
  }
  return { feeds, assumptions };
}

/** Tells whether a model leaves sizes besides the batch open. */
function hasOpenSizes(model: Model): boolean {
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
  if (type.kind === 'tensor' && type.shape !== null) {
    return { elementType: type.elementType, shape: type.shape };
  }
  throw new UserError(
    'input-not-fed',
    `Input ${name} has no declared tensor shape, so no run can be made up for it. Run an analysis with --data instead.`,
    { detail: { input: name } },
  );
}

function elementsFor(
  name: string,
  type: DataType,
  { count, random }: { readonly count: number; readonly random: Random },
): TensorData {
  const make = makers[type];
  if (make !== undefined) return make(count, random);
  throw new UserError('input-not-fed', `Input ${name} is of type ${type}, for which no run can be made up.`, {
    detail: { input: name, type },
  });
}

/** 1 in half precision. */
const float16One = 0x3c00;

const makers: Partial<Record<DataType, (count: number, random: Random) => TensorData>> = {
  float32: (count, random) => Float32Array.from({ length: count }, () => random.normal()),
  float64: (count, random) => Float64Array.from({ length: count }, () => random.normal()),
  float16: (count) => new Uint16Array(count).fill(float16One),
  uint8: (count) => new Uint8Array(count).fill(1),
  int8: (count) => new Int8Array(count).fill(1),
  uint16: (count) => new Uint16Array(count).fill(1),
  int16: (count) => new Int16Array(count).fill(1),
  int32: (count) => new Int32Array(count).fill(1),
  uint32: (count) => new Uint32Array(count).fill(1),
  int64: (count) => new BigInt64Array(count).fill(1n),
  uint64: (count) => new BigUint64Array(count).fill(1n),
  bool: (count) => new Uint8Array(count).fill(1),
  string: (count) => Array.from({ length: count }, () => ''),
};
