import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { TensorData } from '../onnx/tensorValue.js';
import { arraySource } from './arraySource.js';
import { memorySource } from './byteSource.js';
import { dataEmpty } from './dataErrors.js';
import type { InputTarget } from './inputTargets.js';
import type { NamedArray } from './namedArray.js';
import { type NamedTensor, readTensorFile } from './onnxTensorFile.js';
import {
  indicesOf,
  type RawSample,
  type SampleSource,
  type Selection,
  type SourceRequest,
} from './sampleSource.js';

const inputFile = /^input_(\d+)\.pb$/;

/** Returns the folders of test data in a folder: itself, or its sub-folders with `input_*.pb`. */
export async function testDataSets(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some((entry) => inputFile.test(entry.name))) return [folder];
  const sets: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const inner = await readdir(join(folder, entry.name));
    if (inner.some((name) => inputFile.test(name))) sets.push(join(folder, entry.name));
  }
  return sets.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/**
 * Opens ONNX test data (`input_0.pb`, `input_1.pb` …), one folder or several `test_data_set_*`: each set's rows are
 * samples.
 */
export async function onnxPbSource(request: SourceRequest, isFolder: boolean): Promise<SampleSource> {
  const { path } = request;
  const folders = isFolder ? await testDataSets(path) : [dirname(path)];
  const sources: SampleSource[] = [];
  for (const folder of folders) {
    const files = isFolder ? await inputFiles(folder) : [basename(path)];
    const arrays = await readSet(folder, files, request.targets);
    const prefix = folders.length > 1 ? `${basename(folder)}/` : '';
    sources.push(
      await arraySource(request, arrays, {
        kind: 'onnx-pb',
        isPixels: false,
        idOf: (index) => `${prefix}${index}`,
      }),
    );
  }
  const [first, ...others] = sources;
  if (first === undefined) throw dataEmpty(path, 'no input_0.pb is in it');
  return others.length === 0 ? first : concatenated([first, ...others], first);
}

async function inputFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => inputFile.test(name));
  return names.sort((a, b) => numberOf(a) - numberOf(b));
}

function numberOf(name: string): number {
  return Number(inputFile.exec(name)?.[1] ?? 0);
}

async function readSet(
  folder: string,
  files: readonly string[],
  targets: readonly InputTarget[],
): Promise<NamedArray[]> {
  const arrays: NamedArray[] = [];
  for (const file of files) {
    const path = join(folder, file);
    arrays.push(arrayOf(await readTensorFile(path), path, targets));
  }
  return arrays;
}

/** A tensor is named after its input; one without such a name feeds the input of the file's number. */
function arrayOf({ name, value }: NamedTensor, path: string, targets: readonly InputTarget[]): NamedArray {
  const isKnown = targets.some((target) => target.name === name);
  const inputName = isKnown ? name : (targets[numberOf(basename(path))]?.name ?? name);
  return {
    name: inputName,
    dtype: value.dtype,
    dims: value.dims,
    isBigEndian: false,
    bytes: memorySource(path, bytesOf(value.data, path)),
  };
}

function bytesOf(data: TensorData, path: string): Uint8Array {
  if (Array.isArray(data)) throw dataEmpty(path, 'tensors of text are not read from .pb files yet');
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function concatenated(sources: readonly SampleSource[], first: SampleSource): SampleSource {
  const starts: number[] = [];
  let sampleCount = 0;
  for (const source of sources) {
    starts.push(sampleCount);
    sampleCount += source.sampleCount;
  }
  return {
    ...first,
    sampleCount,
    samples: (selection, signal) => readAcross(sources, { starts, selection, signal }),
  };
}

async function* readAcross(
  sources: readonly SampleSource[],
  {
    starts,
    selection,
    signal,
  }: { starts: readonly number[]; selection: Selection; signal: AbortSignal | undefined },
): AsyncGenerator<RawSample> {
  for (const index of indicesOf(selection)) {
    const place = starts.findLastIndex((start) => start <= index);
    const inner = index - (starts[place] ?? 0);
    const one = { kind: 'range', start: inner, end: inner + 1 } as const;
    for await (const sample of sources[place]?.samples(one, signal) ?? []) yield { ...sample, index };
  }
}
