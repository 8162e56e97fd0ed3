import { throwIfAborted } from '../base/abort.js';
import type { FromSpec } from '../protocol/inspectFile.js';
import type { ByteReader } from './byteSource.js';
import { dataEmpty, fieldMissing, labelsInvalid, listOf, shapeMismatch } from './dataErrors.js';
import { fitShape } from './fitShape.js';
import { formatShape, type InputTarget } from './inputTargets.js';
import { findLabelsFile, type Labels, labelsOf, readLabelNames, readLabelsFile } from './labels.js';
import { type NamedArray, readArray, readRow } from './namedArray.js';
import {
  type FieldInfo,
  indicesOf,
  type RawSample,
  type RawValue,
  type SampleSource,
  type Selection,
  type SourceRequest,
} from './sampleSource.js';

/** What a set of arrays is, for messages and for what may be assumed of them. */
export interface ArraySetInfo {
  /** `npy`, `npz`, `idx` or `onnx-pb`. */
  readonly kind: string;
  /** The elements are surely pixels 0–255. */
  readonly isPixels: boolean;
  /** Id of a sample; default its index. */
  readonly idOf?: (index: number) => string;
}

interface BoundArray {
  readonly target: InputTarget;
  readonly array: NamedArray;
  /** Fed whole with every batch. */
  readonly isConstant: boolean;
  readonly sampleDims: readonly number[];
}

/**
 * Returns arrays as samples along their first axis, one array per input and perhaps one of labels.
 *
 * @throws UserError when an input has no array, or the arrays hold different numbers of samples.
 */
export async function arraySource(
  request: SourceRequest,
  arrays: readonly NamedArray[],
  info: ArraySetInfo,
): Promise<SampleSource> {
  const { path, spec } = request;
  const warnings: string[] = [];
  const labelsArray = findLabelsArray(request, arrays);
  const candidates = arrays.filter((array) => array !== labelsArray);
  const bound = request.targets.map((target) =>
    bind(target, findArray(request, target, { candidates, warnings })),
  );
  const sampleCount = countSamples(path, bound);
  const labels = await readLabels(request, labelsArray);
  checkLabelCount(path, labels, sampleCount);
  const names = await readLabelNames(spec?.labels, request.baseDir);
  return {
    kind: info.kind,
    sampleCount,
    fields: new Map(bound.map((one) => [one.target.name, fieldOf(one, info)])),
    hasLabels: labels.indices !== undefined,
    ...(names === undefined ? {} : { labelNames: names }),
    ...(labels.indices === undefined ? {} : { allLabels: labels.indices }),
    isRandomAccess: true,
    warnings: [...warnings, ...labels.warnings],
    resolved: {
      from: new Map(bound.map(({ target, array }) => [target.name, array.name])),
      ...(labelsArray === undefined ? {} : { labelsFrom: labelsArray.name }),
    },
    samples: (selection, signal) =>
      readSamples(bound, { selection, signal, labels: labels.indices, idOf: info.idOf }),
  };
}

function fieldOf({ sampleDims, isConstant, array }: BoundArray, info: ArraySetInfo): FieldInfo {
  const isPixels = info.isPixels && array.dtype === 'uint8';
  return { dims: sampleDims, isConstant, isImage: false, isPixels };
}

function findLabelsArray({ spec, targets, path, baseDir }: SourceRequest, arrays: readonly NamedArray[]) {
  const from = spec?.labels?.from;
  if (from === undefined) {
    return arrays.find(({ name }) => name === 'labels' && !targets.some((target) => target.name === name));
  }
  const found = arrays.find(({ name }) => name === from);
  if (found !== undefined || findLabelsFile(from, { baseDir, path }) !== undefined) return found;
  throw fieldMissing(
    path,
    `array "${String(from)}" for the labels`,
    arrays.map(({ name }) => name),
  );
}

async function readLabels(request: SourceRequest, array: NamedArray | undefined): Promise<Labels> {
  const { spec, baseDir } = request;
  if (array !== undefined) {
    const value = { dtype: array.dtype, dims: array.dims, data: await readArray(array) };
    return labelsOf(value, `${array.name} in ${request.path}`);
  }
  const file = findLabelsFile(spec?.labels?.from, request);
  if (file === undefined) return { warnings: [] };
  return readLabelsFile(file, await readLabelNames(spec?.labels, baseDir));
}

function checkLabelCount(path: string, labels: Labels, sampleCount: number): void {
  const labelCount = labels.indices?.length;
  if (labelCount === undefined || labelCount === sampleCount) return;
  throw labelsInvalid(
    `${path} has ${sampleCount} samples and ${labelCount} labels. Give one label per sample, in the same order.`,
    { sampleCount, labelCount },
  );
}

interface Finding {
  readonly candidates: readonly NamedArray[];
  readonly warnings: string[];
}

function findArray(
  request: SourceRequest,
  target: InputTarget,
  { candidates, warnings }: Finding,
): NamedArray {
  const wanted = arrayNameIn(request.spec?.inputs[target.name]?.from) ?? target.name;
  const found = candidates.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const [only] = candidates;
  const isSpecified = wanted !== target.name;
  if (only !== undefined && candidates.length === 1 && request.targets.length === 1 && !isSpecified) {
    if (only.name !== '') {
      warnings.push(`Assumed that array "${only.name}" feeds the input "${target.name}".`);
    }
    return only;
  }
  throw fieldMissing(
    request.path,
    `array "${wanted}" for the input "${target.name}"`,
    candidates.map(({ name }) => name),
  );
}

function arrayNameIn(from: FromSpec | undefined): string | undefined {
  if (typeof from === 'object') return from.array;
  return typeof from === 'string' ? from : undefined;
}

function bind(target: InputTarget, array: NamedArray): BoundArray {
  const { dims } = array;
  const perSample = dims.slice(1);
  if (isConstant(target, dims)) return { target, array, isConstant: true, sampleDims: dims };
  const isRow = fitShape(perSample, target.sampleShape).kind === 'fits';
  // One sample saved without its batch axis: its sizes are those that the model takes per sample.
  const whole = fitShape(dims, target.sampleShape);
  if (!isRow && target.sampleShape !== null && whole.kind === 'fits' && !whole.isReshaped) {
    return { target, array: { ...array, dims: [1, ...dims] }, isConstant: false, sampleDims: dims };
  }
  return { target, array, isConstant: false, sampleDims: perSample };
}

/** A scalar, or an array for an input whose first axis is no batch: `[2, batch, 128]` of an initial state. */
function isConstant({ shape }: InputTarget, dims: readonly number[]): boolean {
  if (shape === null) return false;
  if (shape.length === 0) return true;
  const [first, ...rest] = shape;
  const hasInnerBatch =
    typeof first === 'number' && rest.some((dim) => typeof dim === 'string' && isBatchName(dim));
  return hasInnerBatch && fitShape(dims, shape).kind === 'fits';
}

function isBatchName(name: string): boolean {
  return /^(n|b|bs|batch.*)$/i.test(name);
}

function countSamples(path: string, bound: readonly BoundArray[]): number {
  const perSample = bound.filter(({ isConstant }) => !isConstant);
  const [first] = perSample;
  if (first === undefined) return bound.length > 0 ? 1 : 0;
  const sampleCount = first.array.dims[0] ?? 1;
  const other = perSample.find(({ array }) => (array.dims[0] ?? 1) !== sampleCount);
  if (other !== undefined) {
    throw shapeMismatch(
      `${path} holds ${sampleCount} samples in "${first.array.name}" ${formatShape(first.array.dims)} and ${String(other.array.dims[0])} in "${other.array.name}" ${formatShape(other.array.dims)}. Save as many of each: the first axis counts samples.`,
      { arrays: listOf(perSample.map(({ array }) => array.name)) },
    );
  }
  if (sampleCount === 0) {
    throw dataEmpty(path, `the array "${first.array.name}" has the shape ${formatShape(first.array.dims)}`);
  }
  return sampleCount;
}

interface Reading {
  readonly selection: Selection;
  readonly signal: AbortSignal | undefined;
  readonly labels: Int32Array | undefined;
  readonly idOf: ((index: number) => string) | undefined;
}

async function* readSamples(bound: readonly BoundArray[], reading: Reading): AsyncGenerator<RawSample> {
  const { selection, signal, labels, idOf = String } = reading;
  const constants = new Map<string, RawValue>();
  for (const { target, array, isConstant } of bound) {
    if (!isConstant) continue;
    constants.set(target.name, {
      kind: 'array',
      dtype: array.dtype,
      dims: array.dims,
      data: await readArray(array),
    });
  }
  const perSample = bound.filter(({ isConstant }) => !isConstant);
  const readers: ByteReader[] = [];
  try {
    for (const { array } of perSample) readers.push(await array.bytes.open());
    for (const index of indicesOf(selection)) {
      throwIfAborted(signal);
      const values = new Map<string, RawValue>(constants);
      for (const [place, { target, array, sampleDims }] of perSample.entries()) {
        const reader = readers[place];
        if (reader === undefined) continue;
        const data = await readRow(array, reader, index);
        values.set(target.name, { kind: 'array', dtype: array.dtype, dims: sampleDims, data });
      }
      const label = labels?.[index];
      yield { index, id: idOf(index), values, ...(label === undefined ? {} : { label }) };
    }
  } finally {
    for (const reader of readers) await reader.close();
  }
}
