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
 * Largest integers that are tried. Different tokens come first: where all are equal, a normalisation divides by a
 * variance of nothing but rounding, and no slope can be measured. Ones are in every embedding and fit every index.
 */
const largestIntegers = [15, 1];

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
  const sizes = hasOpenSizes(model) ? openSizes : [1];
  const largest = hasTokens(model) ? largestIntegers : [1];
  for (const [openSize, largestInteger] of sizes.flatMap((size) =>
    largest.map((last) => [size, last] as const),
  )) {
    try {
      return await use(madeUpFeeds(model, { openSize, largestInteger }, random));
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

interface MadeUpSizes {
  readonly openSize: number;
  readonly largestInteger: number;
}

/**
 * Returns feeds for a model's inputs: batch 1, `openSize` wherever else the file leaves a size open; normal numbers for
 * floats, integers from 1 to `largestInteger` for tokens, ones for the rest (a mask that hides nothing).
 *
 * @throws UserError `input-not-fed` for inputs that are no plain tensors or have no declared shape.
 */
function madeUpFeeds(model: Model, sizes: MadeUpSizes, random: Random): MadeUpFeeds {
  const { openSize } = sizes;
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
      data: elementsFor(input.name, elementType, {
        count: elementCountOf(dims),
        random,
        largestInteger: isTokens(input) ? sizes.largestInteger : 1,
      }),
    };
  }
  return { feeds, assumptions };
}

/** Tells whether some input holds integers that may differ, such as tokens. */
function hasTokens(model: Model): boolean {
  return model.graph.inputs.some((input) => !model.graph.initializers.has(input.name) && isTokens(input));
}

function isTokens({ name, type }: ValueInfo): boolean {
  if (type.kind !== 'tensor' || (type.shape?.length ?? 0) < 2 || name.includes('mask')) return false;
  return type.elementType === 'int32' || type.elementType === 'int64';
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

interface Making {
  readonly count: number;
  readonly random: Random;
  readonly largestInteger: number;
}

function elementsFor(name: string, type: DataType, how: Making): TensorData {
  const make = makers[type];
  if (make !== undefined) return make(how);
  throw new UserError('input-not-fed', `Input ${name} is of type ${type}, for which no run can be made up.`, {
    detail: { input: name, type },
  });
}

function integerFrom({ random, largestInteger }: Making): number {
  return 1 + random.integer(largestInteger);
}

/** 1 in half precision. */
const float16One = 0x3c00;

const makers: Partial<Record<DataType, (how: Making) => TensorData>> = {
  float32: ({ count, random }) => Float32Array.from({ length: count }, () => random.normal()),
  float64: ({ count, random }) => Float64Array.from({ length: count }, () => random.normal()),
  float16: ({ count }) => new Uint16Array(count).fill(float16One),
  uint8: ({ count }) => new Uint8Array(count).fill(1),
  int8: ({ count }) => new Int8Array(count).fill(1),
  uint16: ({ count }) => new Uint16Array(count).fill(1),
  int16: ({ count }) => new Int16Array(count).fill(1),
  int32: (how) => Int32Array.from({ length: how.count }, () => integerFrom(how)),
  uint32: ({ count }) => new Uint32Array(count).fill(1),
  int64: (how) => BigInt64Array.from({ length: how.count }, () => BigInt(integerFrom(how))),
  uint64: ({ count }) => new BigUint64Array(count).fill(1n),
  bool: ({ count }) => new Uint8Array(count).fill(1),
  string: ({ count }) => Array.from({ length: count }, () => ''),
};
