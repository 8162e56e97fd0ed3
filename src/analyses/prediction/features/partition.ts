import { UserError } from '../../../base/errors.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';

/** A tensor that is cut into features. */
export interface FeatureInput {
  readonly name: string;
  /** Shape of a row. */
  readonly dims: readonly number[];
  /** Axis of channels in `[N, …]`; undefined when every element is a position of its own. */
  readonly channelAxis: number | undefined;
  /** Elements of all rows. */
  readonly elements: Float32Array;
  /** Names of a table's columns. */
  readonly columnNames?: readonly string[] | undefined;
}

/** How one input is cut into features, numbered from 0. */
export interface Partition {
  countOf(row: number): number;
  /** Feature of every element; negative where the element is never absent. */
  idsOf(row: number): Int32Array;
  nameOf(feature: number): string;
  /** The names already say which input they are of. */
  readonly namesTellInput: boolean;
  readonly isElements: boolean;
  readonly isPerRow: boolean;
  /** What the features are: `49 patches of 4 × 4.` */
  readonly note: string;
}

/** Returns a partition that is the same in every row. */
export function fixedPartition(parts: {
  readonly ids: Int32Array;
  readonly count: number;
  readonly note: string;
  readonly isElements?: boolean;
  readonly namesTellInput?: boolean;
  nameOf(feature: number): string;
}): Partition {
  const { ids, count, note, isElements = false, namesTellInput = false } = parts;
  return {
    countOf: () => count,
    idsOf: () => ids,
    nameOf: (feature) => parts.nameOf(feature),
    namesTellInput,
    isElements,
    isPerRow: false,
    note,
  };
}

/** Returns one feature per element: the columns of a table, by name where they have names. */
export function elementPartition({ name, dims, columnNames }: FeatureInput): Partition {
  const count = elementCountOf(dims);
  return fixedPartition({
    ids: Int32Array.from({ length: count }, (_, i) => i),
    count,
    note: `${count.toLocaleString('en-US')} ${columnNames === undefined ? 'elements' : 'columns'}.`,
    isElements: true,
    namesTellInput: columnNames === undefined,
    nameOf: (feature) => columnNames?.[feature] ?? `${name}[${indexOf(feature, dims).join(', ')}]`,
  });
}

/** Returns one feature per position, all of its channels together: the tokens of `[N, T, D]`, the steps of `[N, C, T]`. */
export function tokenPartition(input: FeatureInput): Partition {
  const positions = positionsOf(input);
  const count = elementCountOf(positions);
  const isSequence = positions.length === 1;
  // Embeddings have their channels last; what has them first is a signal.
  const word = input.channelAxis === 1 ? 'step' : 'token';
  return fixedPartition({
    ids: byPosition(input, (position) => position),
    count,
    note: `${count.toLocaleString('en-US')} ${isSequence ? `${word}s` : 'positions'}.`,
    nameOf: (feature) =>
      isSequence ? `${word} ${String(feature)}` : `(${indexOf(feature, positions).join(', ')})`,
  });
}

/**
 * Returns patches of equal size that cover the positions from the first on, the last ones cut at the edge.
 *
 * @throws UserError when the patch has the wrong number of sizes or is larger than the input.
 */
export function gridPartition(
  input: FeatureInput,
  options: { readonly count: number; readonly patch: string | null },
): Partition {
  const positions = positionsOf(input);
  const { sizes, cells } = gridOf(positions, options);
  const count = elementCountOf(cells);
  return fixedPartition({
    ids: byPosition(input, (position) => {
      const at = indexOf(position, positions);
      return cells.reduce((flat, cell, axis) => {
        const along = Math.floor((at[axis] ?? 0) / (sizes[axis] ?? 1));
        return flat * cell + along;
      }, 0);
    }),
    count,
    note: `${count.toLocaleString('en-US')} patches of ${sizes.join(' × ')}.`,
    nameOf: (feature) => `patch (${indexOf(feature, cells).join(', ')})`,
  });
}

/**
 * Returns how many patches a grid has.
 *
 * @throws UserError as `gridPartition` does.
 */
export function gridCount(
  positions: readonly number[],
  options: { readonly count: number; readonly patch: string | null },
): number {
  return elementCountOf(gridOf(positions, options).cells);
}

function gridOf(
  positions: readonly number[],
  { count, patch }: { readonly count: number; readonly patch: string | null },
): { readonly sizes: readonly number[]; readonly cells: readonly number[] } {
  const sizes = patch === null ? squareSizes(positions, count) : patchSizes(patch, positions);
  return { sizes, cells: positions.map((length, axis) => Math.ceil(length / (sizes[axis] ?? 1))) };
}

/** Returns the sizes of the position axes: all but the channels. */
export function positionsOf({ dims, channelAxis }: Pick<FeatureInput, 'dims' | 'channelAxis'>): number[] {
  return dims.filter((_, axis) => axis + 1 !== channelAxis);
}

/** Returns the feature of every element from that of its position, channels together. */
export function byPosition(
  { dims, channelAxis }: Pick<FeatureInput, 'dims' | 'channelAxis'>,
  featureOf: (position: number) => number,
): Int32Array {
  const count = elementCountOf(dims);
  if (channelAxis === undefined) return Int32Array.from({ length: count }, (_, i) => featureOf(i));
  const channels = dims[channelAxis - 1] ?? 1;
  const inner = elementCountOf(dims.slice(channelAxis));
  const features = Array.from({ length: count / channels }, (_, position) => featureOf(position));
  return Int32Array.from({ length: count }, (_, i) => {
    const position = Math.floor(i / (channels * inner)) * inner + (i % inner);
    return features[position] ?? -1;
  });
}

/** Returns the index along every axis of a row-major flat index. */
export function indexOf(flat: number, dims: readonly number[]): number[] {
  const index: number[] = [];
  let rest = flat;
  for (const dim of [...dims].reverse()) {
    index.unshift(rest % dim);
    rest = Math.floor(rest / dim);
  }
  return index;
}

/** The smallest patches of equal sides that make at most `count` of them. */
function squareSizes(positions: readonly number[], count: number): number[] {
  const cellsOf = (side: number): number =>
    positions.reduce((product, length) => product * Math.ceil(length / side), 1);
  let side = Math.max(1, Math.floor((elementCountOf(positions) / count) ** (1 / positions.length)));
  while (side < Math.max(...positions) && cellsOf(side) > count) side++;
  return positions.map((length) => Math.min(side, length));
}

function patchSizes(text: string, positions: readonly number[]): number[] {
  const given = text.split(',').map(Number);
  const [first = 1] = given;
  const sizes = given.length === 1 ? positions.map(() => first) : given;
  const doesFit = sizes.length === positions.length;
  if (doesFit && sizes.every((size, axis) => size >= 1 && size <= (positions[axis] ?? 1))) return sizes;
  throw new UserError(
    'patch-does-not-fit',
    `patch=${text} does not fit an input of ${positions.join(' × ')} positions. Give one size, or ${String(positions.length)}, from 1 up to its sides.`,
    { detail: { patch: text, positions } },
  );
}
