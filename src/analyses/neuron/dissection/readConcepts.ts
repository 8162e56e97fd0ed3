import { access } from 'node:fs/promises';
import { UserError } from '../../../base/errors.js';
import { throwIfAborted } from '../../../base/abort.js';
import { fileSource } from '../../../data/byteSource.js';
import { type NamedArray, readRow } from '../../../data/namedArray.js';
import { openNpz } from '../../../data/npz.js';
import { openNpy } from '../../../data/openNpy.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import { type Concepts, type MaskArray, openMasks } from './concepts.js';

/** What masks must fit. */
export interface ConceptRequest {
  readonly path: string;
  /** Names of the classes 1, 2, …, where one array holds classes. */
  readonly names: readonly string[] | undefined;
  /** Samples of the data, and those of them that are run. */
  readonly sampleCount: number;
  readonly usedCount: number;
  /** Sizes of the position axes of the unit maps. */
  readonly mapDims: readonly number[];
  readonly signal: AbortSignal;
}

/** Classes that one array may hold: more is no numbering of concepts. */
const maxClassCount = 10_000;

/**
 * Returns the concepts of an `.npz`: an array of 0 and 1 for each, `[N, …positions]` or `[N]`; or of one array of class
 * numbers, in which 0 is no concept.
 *
 * Every value is looked at, so that a wrong one is named before anything runs.
 *
 * @throws UserError `concepts-unreadable`, `concepts-mismatch`, `concepts-not-binary`, `concepts-not-classes`,
 * `concept-names`, and what reading arrays throws.
 */
export async function readConcepts(request: ConceptRequest): Promise<Concepts> {
  const arrays = await openArrays(request.path);
  const dims = checkShapes(arrays, request);
  const [only] = arrays;
  const found =
    arrays.length === 1 && only !== undefined
      ? await readClasses(only, request)
      : await readBinary(arrays, request);
  return { ...found, dims, areLabels: false, open: () => openMasks(found.masks) };
}

type FoundMasks = Pick<Concepts, 'names'> & { readonly masks: readonly MaskArray[] };

async function openArrays(path: string): Promise<readonly NamedArray[]> {
  try {
    await access(path);
  } catch (cause) {
    throw new UserError(
      'concepts-unreadable',
      `concepts=${path} cannot be read. Give an .npz with an array of masks for each concept, or an .npz or .npy with one array of class numbers.`,
      { cause, detail: { path } },
    );
  }
  const source = await fileSource(path);
  if (path.toLowerCase().endsWith('.npy')) return [await openNpy(source, 'concept')];
  const arrays = await openNpz(source);
  if (arrays.length > 0) return arrays;
  throw new UserError(
    'concepts-unreadable',
    `concepts=${path} holds no array. Save one with numpy.savez for each concept.`,
    {
      detail: { path },
    },
  );
}

/** Masks of whole samples go with masks of any size; all others have one size. */
function checkShapes(arrays: readonly NamedArray[], request: ConceptRequest): readonly number[] | undefined {
  const { sampleCount, mapDims } = request;
  let sizes: readonly number[] | undefined;
  for (const { name, dims } of arrays) {
    const shape = `"${name}" has shape [${dims.join(', ')}]`;
    if (dims[0] !== sampleCount) {
      throw mismatch(request, `${shape}, and there are ${String(sampleCount)} samples`);
    }
    const positions = dims.slice(1);
    if (positions.length === 0) continue;
    if (positions.length !== mapDims.length || positions.includes(0)) {
      throw mismatch(request, `${shape}, and ${wantedShape(mapDims)}`);
    }
    sizes ??= positions;
    if (positions.join() !== sizes.join()) {
      throw mismatch(
        request,
        `${shape}, and others have [${[sampleCount, ...sizes].join(', ')}]: give all masks one size`,
      );
    }
  }
  return sizes;
}

function wantedShape(mapDims: readonly number[]): string {
  if (mapDims.length === 0) return 'the units of this layer have no positions: give [N]';
  const axes = mapDims.length === 2 ? 'H, W' : mapDims.map((_, axis) => `P${String(axis + 1)}`).join(', ');
  return `the map of a unit is ${mapDims.join(' × ')}: give [N, ${axes}], or [N] for whole samples`;
}

async function readBinary(arrays: readonly NamedArray[], request: ConceptRequest): Promise<FoundMasks> {
  if (request.names !== undefined) {
    throw new UserError(
      'concept-names',
      `conceptNames is for one array of class numbers; ${request.path} holds ${String(arrays.length)} arrays, whose names are the concepts. Leave conceptNames out.`,
    );
  }
  for (const array of arrays) {
    await scan(array, request, (value, sample) => {
      if (value === 0 || value === 1) return;
      throw new UserError(
        'concepts-not-binary',
        `concepts=${request.path}: "${array.name}" holds ${String(value)} at sample ${String(sample)}. Where there are several arrays, each is one concept and holds 0 and 1.`,
        { detail: { array: array.name, sample, value } },
      );
    });
  }
  const masks = arrays.map((array) => ({ array, classes: undefined }));
  return { masks, names: arrays.map(({ name }) => name) };
}

async function readClasses(array: NamedArray, request: ConceptRequest): Promise<FoundMasks> {
  let largest = 0;
  await scan(array, request, (value, sample) => {
    if (!Number.isInteger(value) || value < 0 || value > maxClassCount) {
      throw new UserError(
        'concepts-not-classes',
        `concepts=${request.path}: "${array.name}" holds ${String(value)} at sample ${String(sample)}. One array alone holds class numbers, whole from 0 (no concept) to ${String(maxClassCount)}.`,
        { detail: { array: array.name, sample, value } },
      );
    }
    if (value > largest) largest = value;
  });
  const { names } = request;
  if (largest <= 1 && names === undefined) {
    return { masks: [{ array, classes: undefined }], names: [array.name] };
  }
  if (names !== undefined && names.length < largest) {
    throw new UserError(
      'concept-names',
      `conceptNames gives ${String(names.length)} names, and the classes of "${array.name}" go up to ${String(largest)}. Name the classes 1 to ${String(largest)}, in order.`,
    );
  }
  const classes = Array.from({ length: names?.length ?? largest }, (_, index) => index + 1);
  return {
    masks: [{ array, classes }],
    names: classes.map((each) => names?.[each - 1] ?? `class ${String(each)}`),
  };
}

async function scan(
  array: NamedArray,
  { usedCount, signal }: ConceptRequest,
  look: (value: number, sample: number) => void,
): Promise<void> {
  const reader = await array.bytes.open();
  try {
    for (let sample = 0; sample < usedCount; sample++) {
      throwIfAborted(signal);
      const data = await readRow(array, reader, sample);
      for (const value of toFloat64({ dtype: array.dtype, dims: array.dims.slice(1), data })) {
        look(value, sample);
      }
    }
  } finally {
    await reader.close();
  }
}

function mismatch({ path }: ConceptRequest, what: string): UserError {
  return new UserError(
    'concepts-mismatch',
    `concepts=${path} does not fit: ${what}. Masks stand in the order of the samples.`,
    { detail: { path } },
  );
}
