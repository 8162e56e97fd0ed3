import type { FeatureInput, Partition } from './partition.js';
import { elementPartition, gridCount, gridPartition, positionsOf, tokenPartition } from './partition.js';
import { groupPartition } from './groups.js';
import { maskPartition, readFeatureMask } from './mask.js';
import { superpixelPartition } from './superpixels.js';
import { UserError } from '../../../base/errors.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';

/** What the features are, as settings say it. */
export interface FeatureChoice {
  readonly features: 'auto' | 'elements' | 'tokens' | 'grid' | 'superpixels';
  readonly featureCount: number | null;
  readonly patch: string | null;
  readonly groups: string | null;
  readonly featureMask: string | null;
}

/**
 * The features of some rows: sets of elements that are present or absent as a whole.
 *
 * Those of several inputs are numbered one after the other.
 */
export interface Features {
  /** Features of a row. */
  countOf(row: number): number;
  readonly maxCount: number;
  /** Feature of every element of an input in a row; negative where the element is never absent. */
  idsOf(row: number, input: number): Int32Array;
  nameOf(feature: number): string;
  /** Every element is a feature of its own, in order. */
  readonly areElements: boolean;
  /** Whether a number stands for the same elements in all rows. */
  readonly areSameInAllRows: boolean;
  /** What they are, in words, one sentence. */
  readonly note: string;
}

/** Patches and superpixels made when no number is given. */
export const defaultFeatureCount = 64;

/** Positions of a sequence up to which each is a feature of its own. */
const maxTokenCount = 256;

/**
 * Returns the features that settings ask for.
 *
 * @throws UserError when they do not fit the inputs, or a mask cannot be read.
 */
export async function openFeatures(
  inputs: readonly FeatureInput[],
  choice: FeatureChoice,
  options: {
    readonly rowCount: number;
    readonly columnNames: Readonly<Record<string, readonly string[]>>;
    readonly defaultCount?: number;
  },
): Promise<Features> {
  refuseContradictions(choice);
  const arrays = choice.featureMask === null ? undefined : await readFeatureMask(choice.featureMask, inputs);
  const count = choice.featureCount ?? options.defaultCount ?? defaultFeatureCount;
  const partitions = inputs.map((input): Partition => {
    const names = options.columnNames[input.name];
    const named = { ...input, columnNames: names?.length === input.dims[0] ? names : undefined };
    if (arrays !== undefined) return maskPartition(named, arrays, options.rowCount);
    if (choice.groups !== null) return groupPartition(named, choice.groups);
    switch (choice.features === 'auto' ? kindOf(named, choice) : choice.features) {
      case 'elements':
        return elementPartition(named);
      case 'tokens':
        return tokenPartition(named);
      case 'grid':
        return gridPartition(named, { count, patch: choice.patch });
      case 'superpixels':
        return superpixelPartition(named, { count, rowCount: options.rowCount });
    }
  });
  return joined(inputs, partitions, options.rowCount);
}

/**
 * Returns about how many features an input is cut into, without its elements; groups count as columns of their own.
 *
 * @throws UserError when a patch does not fit.
 */
export function aboutFeatureCount(
  input: Omit<FeatureInput, 'elements'>,
  choice: Pick<FeatureChoice, 'features' | 'patch' | 'groups'> & { readonly count: number },
): number {
  const { count, patch } = choice;
  const kind = choice.groups !== null ? 'elements' : choice.features;
  switch (kind === 'auto' ? kindOf(input, choice) : kind) {
    case 'elements':
      return elementCountOf(input.dims);
    case 'tokens':
      return elementCountOf(positionsOf(input));
    case 'grid':
      return gridCount(positionsOf(input), { count, patch });
    case 'superpixels':
      return count;
  }
}

/** The features that fit an input when nobody says: columns, tokens, or patches of images and long signals. */
function kindOf(
  input: Pick<FeatureInput, 'dims' | 'channelAxis'>,
  { patch }: Pick<FeatureChoice, 'patch'>,
): 'elements' | 'tokens' | 'grid' {
  if (patch !== null) return 'grid';
  if (input.channelAxis === undefined) return 'elements';
  const positions = input.dims.filter((_, axis) => axis + 1 !== input.channelAxis);
  return positions.length === 1 && (positions[0] ?? 0) <= maxTokenCount ? 'tokens' : 'grid';
}

function refuseContradictions(choice: FeatureChoice): void {
  const given = (['patch', 'groups', 'featureMask'] as const).filter((key) => choice[key] !== null);
  const [first, second] = given;
  if (second !== undefined && first !== undefined) {
    throw new UserError(
      'settings-exclude',
      `${first} and ${second} exclude each other: both say what the features are. Leave one of them out.`,
    );
  }
  const fits = choice.features === 'auto' || (first === 'patch' && choice.features === 'grid');
  if (first !== undefined && !fits) {
    throw new UserError(
      'settings-exclude',
      `features=${choice.features} and ${first} exclude each other: ${first} says what the features are. Leave features at auto.`,
    );
  }
}

function joined(
  inputs: readonly FeatureInput[],
  partitions: readonly Partition[],
  rowCount: number,
): Features {
  const rows = Array.from({ length: rowCount }, (_, row) => row);
  const areSameInAllRows = partitions.every(({ isPerRow }) => !isPerRow);
  const counts = rows.map((row) => partitions.reduce((sum, part) => sum + part.countOf(row), 0));
  // Ids of the second input start where the first ends, which depends on the row for superpixels.
  const idsByRow = (areSameInAllRows ? rows.slice(0, 1) : rows).map((row) => {
    let offset = 0;
    return partitions.map((part) => {
      const from = offset;
      offset += part.countOf(row);
      return part.idsOf(row).map((id) => (id < 0 ? -1 : id + from));
    });
  });
  const names = partitions.flatMap((part, index) => {
    const count = Math.max(0, ...rows.map((row) => part.countOf(row)));
    const prefix = partitions.length === 1 || part.namesTellInput ? '' : `${inputs[index]?.name ?? ''} `;
    return Array.from({ length: count }, (_, id) => `${prefix}${part.nameOf(id)}`);
  });
  return {
    countOf: (row) => counts[row] ?? 0,
    maxCount: Math.max(0, ...counts),
    idsOf: (row, input) => idsByRow[areSameInAllRows ? 0 : row]?.[input] ?? new Int32Array(),
    nameOf: (feature) => names[feature] ?? `feature ${String(feature)}`,
    areElements: partitions.every(({ isElements }) => isElements),
    areSameInAllRows,
    note: partitions.map((part, index) => `${inputs[index]?.name ?? ''}: ${part.note}`).join(' '),
  };
}
