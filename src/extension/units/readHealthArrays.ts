import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { npyDataOffset, parseNpyHeader } from '../../data/npy.js';
import { messageOf, UserError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';

/** Numbers as the files hold them. */
export type UnitNumbers = Float64Array | Float32Array | Int32Array | Uint8Array;

/** What a health result measured of one activation: one entry per unit. */
export interface LayerArrays {
  readonly unitCount: number;
  /** Codes of states, see `unitStates`. */
  readonly state: UnitNumbers;
  readonly activeSampleCount: UnitNumbers;
  readonly activeFraction: UnitNumbers;
  readonly maximum: UnitNumbers;
  readonly mean: UnitNumbers;
  /** `[U, k]`, -1 where there is none; absent when it was not written or did not fit. */
  readonly topExamples: Rows | undefined;
  /** `[U, bins]`; absent as above. */
  readonly histogram: Rows | undefined;
  readonly sizeBytes: number;
}

/** One row of numbers per unit. */
export interface Rows {
  readonly rowLength: number;
  readonly numbers: UnitNumbers;
}

/** How much may be read. */
export interface ReadLimits {
  /** All arrays together; examples and histograms of later layers are left out first, then whole layers. */
  readonly budgetBytes: number;
  readonly log: Logger;
}

interface ArrayEntry {
  readonly file: string;
  readonly shape: readonly number[];
}

/** `state`, `activeSampleCount`, `activeFraction`, `maximum` and `mean`. */
const vectorCount = 5;

/**
 * Returns what the arrays of a health result say, by activation layer. Layers whose files are missing or damaged are left
 * out and logged.
 *
 * @throws UserError `no-arrays` when the folder holds no readable `arrays.json`.
 */
export async function readHealthArrays(
  folder: string,
  { budgetBytes, log }: ReadLimits,
): Promise<ReadonlyMap<string, LayerArrays>> {
  const index = await readIndex(folder);
  const layers = new Map<string, LayerArrays>();
  let left = budgetBytes;
  for (const [layer, entries] of entriesByLayer(index)) {
    if (!entries.has('state')) continue;
    if (vectorBytesOf(entries) > left) {
      log.warn(`The arrays of ${folder} are too large to keep: ${layer} and later layers are left out.`);
      break;
    }
    try {
      const arrays = await readLayer({ folder, entries, left });
      left -= arrays.sizeBytes;
      layers.set(layer, arrays);
    } catch (error) {
      log.warn(`Nothing is known of ${layer}: its arrays in ${folder} cannot be read: ${messageOf(error)}`);
    }
  }
  return layers;
}

async function readIndex(folder: string): Promise<ReadonlyMap<string, ArrayEntry>> {
  const path = join(folder, 'arrays.json');
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof parsed !== 'object' || parsed === null) throw new Error('it holds no object');
    return new Map(
      Object.entries(parsed).flatMap(([name, entry]: [string, unknown]) =>
        isArrayEntry(entry) ? [[name, entry]] : [],
      ),
    );
  } catch (error) {
    throw new UserError('no-arrays', `${path} cannot be read: ${messageOf(error)}. Run the analysis again.`, {
      cause: error,
    });
  }
}

/** A file is one of the same folder: names with separators are nothing our engine wrote. */
function isArrayEntry(value: unknown): value is ArrayEntry {
  return (
    typeof value === 'object' &&
    value !== null &&
    'file' in value &&
    typeof value.file === 'string' &&
    basename(value.file) === value.file &&
    !value.file.includes('\\') &&
    'shape' in value &&
    Array.isArray(value.shape) &&
    value.shape.every((size) => Number.isSafeInteger(size) && size >= 0)
  );
}

/** `LAYER.NAME`: a layer's name may hold dots, an array's never does. */
function entriesByLayer(
  index: ReadonlyMap<string, ArrayEntry>,
): ReadonlyMap<string, ReadonlyMap<string, ArrayEntry>> {
  const layers = new Map<string, Map<string, ArrayEntry>>();
  for (const [name, entry] of index) {
    const dot = name.lastIndexOf('.');
    if (dot <= 0) continue;
    const layer = name.slice(0, dot);
    const entries = layers.get(layer) ?? new Map<string, ArrayEntry>();
    entries.set(name.slice(dot + 1), entry);
    layers.set(layer, entries);
  }
  return layers;
}

interface LayerSource {
  readonly folder: string;
  readonly entries: ReadonlyMap<string, ArrayEntry>;
  /** Bytes that may still be kept. */
  readonly left: number;
}

/** The most that a layer's vectors may take. */
function vectorBytesOf(entries: LayerSource['entries']): number {
  return vectorCount * (entries.get('state')?.shape[0] ?? 0) * Float64Array.BYTES_PER_ELEMENT;
}

async function readLayer({ folder, entries, left }: LayerSource): Promise<LayerArrays> {
  const unitCount = entries.get('state')?.shape[0] ?? 0;
  let spare = left - vectorBytesOf(entries);
  const read = async (name: string, rowLength: number): Promise<Rows> => {
    const entry = entries.get(name);
    if (entry === undefined) throw new Error(`${name} was not written`);
    return readRows(join(folder, entry.file), unitCount, rowLength);
  };
  const readIfItFits = async (name: string): Promise<Rows | undefined> => {
    const rowLength = entries.get(name)?.shape[1] ?? 0;
    const sizeBytes = unitCount * rowLength * Float64Array.BYTES_PER_ELEMENT;
    if (rowLength === 0 || sizeBytes > spare) return undefined;
    spare -= sizeBytes;
    return read(name, rowLength);
  };
  const [state, activeSampleCount, activeFraction, maximum, mean] = await Promise.all([
    read('state', 1),
    read('activeSampleCount', 1),
    read('activeFraction', 1),
    read('maximum', 1),
    read('mean', 1),
  ]);
  const [topExamples, histogram] = await Promise.all([
    readIfItFits('topExamples'),
    readIfItFits('histogram'),
  ]);
  const kept = [state, activeSampleCount, activeFraction, maximum, mean, topExamples, histogram];
  return {
    unitCount,
    state: state.numbers,
    activeSampleCount: activeSampleCount.numbers,
    activeFraction: activeFraction.numbers,
    maximum: maximum.numbers,
    mean: mean.numbers,
    topExamples,
    histogram,
    sizeBytes: kept.reduce((total, rows) => total + (rows?.numbers.byteLength ?? 0), 0),
  };
}

/** Longer headers than this are nothing our engine wrote. */
const maxHeaderBytes = 4096;

/** Reads an array of `unitCount × rowLength` numbers; its header must say so, and its file must hold just that. */
async function readRows(path: string, unitCount: number, rowLength: number): Promise<Rows> {
  const count = unitCount * rowLength;
  const { size } = await stat(path);
  if (size > count * Float64Array.BYTES_PER_ELEMENT + maxHeaderBytes) {
    throw new Error(`${path} is longer than ${String(count)} numbers`);
  }
  const bytes = await readFile(path);
  const header = parseNpyHeader(bytes.subarray(0, npyDataOffset(bytes, path)), path);
  const elementCount = header.dims.reduce((product, dim) => product * dim, 1);
  const sizeBytes = count * header.elementSizeBytes;
  if (elementCount !== count || header.dims[0] !== unitCount || header.isBigEndian || header.isFortranOrder) {
    throw new Error(`${path} holds an array of another shape or order`);
  }
  if (bytes.length - header.dataOffset !== sizeBytes) throw new Error(`${path} is cut or too long`);
  // A copy of its own: elements in the file need not be aligned, and a small file shares its buffer with others.
  const { buffer } = new Uint8Array(bytes.subarray(header.dataOffset));
  return { rowLength, numbers: numbersOf(buffer, header.dtype, path) };
}

function numbersOf(buffer: ArrayBuffer, dtype: string, path: string): UnitNumbers {
  switch (dtype) {
    case 'float64':
      return new Float64Array(buffer);
    case 'float32':
      return new Float32Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'uint8':
      return new Uint8Array(buffer);
    default:
      throw new Error(`${path} holds ${dtype} elements`);
  }
}
