import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { type TensorValue, toFloat64 } from '../onnx/tensorValue.js';
import type { LabelsSpec } from '../protocol/inspectFile.js';
import { fileSource } from './byteSource.js';
import { dataNotFound, labelsInvalid, listOf } from './dataErrors.js';
import { openIdx } from './idx.js';
import { readArray } from './namedArray.js';
import { openNpy } from './openNpy.js';

/** Labels as class indices, with what had to be assumed. */
export interface Labels {
  /** Absent when what was found are no classes. */
  readonly indices?: Int32Array;
  readonly warnings: readonly string[];
}

/** Returns the class names that an inspect file gives, as they stand or from a text file with one per line. */
export async function readLabelNames(
  spec: LabelsSpec | undefined,
  baseDir: string,
): Promise<readonly string[] | undefined> {
  const names = spec?.names;
  if (typeof names !== 'string') return names;
  const path = resolve(baseDir, names);
  return linesOf(await readText(path));
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw dataNotFound(path, cause);
  }
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

/** Returns the labels' file that `from` names, relative to the inspect file or beside the data; undefined when none is there. */
export function findLabelsFile(
  from: LabelsSpec['from'] | undefined,
  { baseDir, path }: { baseDir: string; path: string },
): string | undefined {
  if (typeof from !== 'string') return undefined;
  return [resolve(baseDir, from), resolve(dirname(path), from)].find((candidate) => existsSync(candidate));
}

/** Reads labels that stand in a file of their own: `.npy`, IDX(.gz), or text with one per line. */
export async function readLabelsFile(path: string, names: readonly string[] | undefined): Promise<Labels> {
  const name = basename(path);
  const extension = extname(name).toLowerCase();
  if (extension === '.txt' || extension === '.csv') {
    const cells = linesOf(await readText(path));
    const toIndex = labelIndexer(names);
    const indices = cells.map((cell, row) => toIndex(cell, `line ${String(row + 1)} of ${path}`));
    return { indices: Int32Array.from(indices), warnings: [] };
  }
  const source = await fileSource(path).catch((cause: unknown) => {
    throw dataNotFound(path, cause);
  });
  const array = extension === '.npy' ? await openNpy(source, name) : await openIdx(path, name);
  return labelsOf({ dtype: array.dtype, dims: array.dims, data: await readArray(array) }, path);
}

/** Returns an array as class indices: [N], [N, 1], or one-hot [N, classes]. */
export function labelsOf(value: TensorValue, source: string): Labels {
  const [count = 1, ...rest] = value.dims;
  const width = rest.reduce((product, dim) => product * dim, 1);
  const numbers = toFloat64(value);
  if (width > 1) return oneHot(numbers, { count, width, source });
  const fraction = numbers.findIndex((label) => !Number.isInteger(label));
  if (fraction >= 0) {
    const warning = `The labels of ${source} are no classes (${String(numbers[fraction])} at ${fraction}): accuracy is not measured.`;
    return { warnings: [warning] };
  }
  return { indices: Int32Array.from(numbers), warnings: [] };
}

function oneHot(
  numbers: Float64Array,
  { count, width, source }: { count: number; width: number; source: string },
): Labels {
  const indices = new Int32Array(count);
  for (let row = 0; row < count; row++) {
    const cells = numbers.subarray(row * width, (row + 1) * width);
    const isOneHot =
      cells.every((cell) => cell === 0 || cell === 1) && cells.reduce((a, b) => a + b, 0) === 1;
    if (!isOneHot) {
      throw labelsInvalid(
        `The labels of ${source} have the shape [${count}, ${width}] and row ${row} is not one-hot. Give one class index per sample.`,
        { source, row },
      );
    }
    indices[row] = cells.indexOf(1);
  }
  return { indices, warnings: [`The labels of ${source} were read as one-hot rows of ${width} classes.`] };
}

/** Returns a function from a label as written to its class index: by name where one fits, else as a number. */
export function labelIndexer(names: readonly string[] | undefined): (cell: string, where: string) => number {
  const indexOfName = new Map(names?.map((name, index) => [name, index]));
  // ImageNet's lists write `n01443537 goldfish, Carassius auratus`: the id alone names the class as well.
  for (const [index, name] of (names ?? []).entries()) {
    const id = name.split(/\s/)[0] ?? name;
    if (!indexOfName.has(id)) indexOfName.set(id, index);
  }
  return (cell, where) => {
    const index = indexOfName.get(cell) ?? (cell === '' ? NaN : Number(cell));
    if (Number.isInteger(index)) return index;
    const known = names === undefined ? 'a class index' : `one of ${listOf(names)}`;
    throw labelsInvalid(
      `The label "${cell}" of ${where} is not ${known}. Correct it, or list the class names in "labels.names" of the .inspect.json.`,
      { label: cell },
    );
  };
}

/** Tells whether labels can be class indices of a model, and what looks wrong if not. */
export function labelRangeWarning(labels: Int32Array, classCount: number | undefined): string | undefined {
  if (classCount === undefined || labels.length === 0) return undefined;
  let minimum = Infinity;
  let maximum = -Infinity;
  for (const label of labels) {
    minimum = Math.min(minimum, label);
    maximum = Math.max(maximum, label);
  }
  if (minimum >= 0 && maximum < classCount) return undefined;
  const hint =
    minimum === 1 && maximum === classCount
      ? 'They seem to count from 1: classes count from 0.'
      : 'Check that the labels belong to this model.';
  return `Labels reach from ${minimum} to ${maximum}, and the model has ${classCount} classes (0 to ${classCount - 1}). ${hint}`;
}
