import { resolve } from 'node:path';
import { throwIfAborted } from '../base/abort.js';
import { UserError } from '../base/errors.js';
import type { Model } from '../onnx/model.js';
import { elementCountOf } from '../onnx/tensorValue.js';
import type { DataSpec } from '../protocol/inspectFile.js';
import { assembleBatches } from './assembleBatches.js';
import { borrowSpec } from './borrowedSpec.js';
import { isInspectFileName } from './dataNames.js';
import type { Batch, BatchOptions, Dataset } from './dataset.js';
import { dataEmpty, fieldMissing } from './dataErrors.js';
import { type InputPlan, planInput } from './inputPlan.js';
import { classCountOf, type InputTarget, inputTargets } from './inputTargets.js';
import { labelRangeWarning } from './labels.js';
import { openSource } from './openSource.js';
import { probeData } from './probe.js';
import { readInspectFile } from './readInspectFile.js';
import type { RawSample, SampleSource, Selection, SourceRequest, TokenNames } from './sampleSource.js';
import { idsInput } from './text/textRoles.js';
import { readTokenizer } from './text/tokenizer.js';

/**
 * Opens data for a model: an `.inspect.json`, or a file or folder of a kind that we read.
 *
 * Without an inspect file, and for what one leaves out, assumptions are made; each is a warning of the data set. The
 * first samples are read to notice a wrong layout, scale or type. A model with a fixed batch of k gets batches of
 * exactly k: what is left over at the end is not fed, with a warning, and `limit` is rounded up to whole batches.
 * `describedBy` names an inspect file that describes other data for the model: what it says holds for these too.
 *
 * @throws UserError when the data is missing, empty or damaged, or does not fit the model.
 */
export async function openDataset(path: string, model: Model, describedBy?: string): Promise<Dataset> {
  return (await prepareData(path, model, describedBy)).dataset;
}

/** A data set, and the description that would open it again without an assumption. */
export interface PreparedData {
  readonly dataset: Dataset;
  /** With `path` as it was given, or as the inspect file has it. */
  readonly spec: DataSpec;
  /** Whether an inspect file says all this already. */
  readonly isDescribed: boolean;
  /** The samples as they are stored. */
  readonly source: SampleSource;
  /** How each input is made of them. */
  readonly plans: readonly InputPlan[];
}

/** Opens data and tells how it was understood; see `openDataset`. */
export async function prepareData(path: string, model: Model, describedBy?: string): Promise<PreparedData> {
  const request = await requestFor(path, model, describedBy);
  if (request.targets.length === 0) {
    throw new UserError(
      'model-without-inputs',
      `${model.file.path} has no inputs, so no data can be fed to it.`,
    );
  }
  checkInputNames(request);
  const source = namedBy(await openSource(request), request.labelNames);
  const plans = request.targets.map((target) => planTarget(target, source, request.spec));
  const { size: forcedBatchSize, warning } = forcedBatch(source, request);
  const labelWarning = labelRangeWarning(source.allLabels ?? new Int32Array(), request.classCount);
  const warnings = [
    ...request.warnings,
    ...source.warnings,
    ...plans.flatMap(assumptionWarning),
    ...(await probeData(source, plans)),
    ...(labelWarning === undefined ? [] : [labelWarning]),
    ...(warning === undefined ? [] : [warning]),
  ];
  const dataset = datasetOf({
    path: request.path,
    source,
    plans,
    forcedBatchSize,
    warnings,
    mask: request.spec?.mask ?? source.maskInput,
    tokens: source.tokens ?? (await namedTokens(request)),
  });
  const isDescribed = request.spec !== undefined;
  return { dataset, spec: resolvedSpec(request, source, plans), isDescribed, source, plans };
}

/** A request, and what is known besides when another inspect file describes the data. */
interface DescribedRequest extends SourceRequest {
  readonly labelNames?: readonly string[] | undefined;
  readonly warnings: readonly string[];
}

async function requestFor(
  path: string,
  model: Model,
  describedBy: string | undefined,
): Promise<DescribedRequest> {
  const targets = inputTargets(model);
  const classCount = classCountOf(model);
  const absolute = resolve(path);
  const common = { path: absolute, targets, classCount, warnings: [], modelPath: model.file.path };
  if (!isInspectFileName(absolute)) {
    if (describedBy === undefined) return { ...common, spec: undefined, baseDir: process.cwd() };
    return { ...common, ...(await borrowSpec(absolute, describedBy)) };
  }
  if (describedBy !== undefined) throw describedTwice(absolute, describedBy);
  const { file, dir, dataPath, tokenizerPath } = await readInspectFile(absolute);
  if (file.data === undefined || dataPath === undefined) {
    throw new UserError(
      'inspect-file-invalid',
      `${absolute} describes no data. Add "data" with a "path" to it.`,
      {
        detail: { path: absolute },
      },
    );
  }
  return {
    ...common,
    path: dataPath,
    spec: file.data,
    baseDir: dir,
    ...(tokenizerPath === undefined ? {} : { tokenizerPath }),
  };
}

function describedTwice(path: string, describedBy: string): UserError {
  return new UserError(
    'inspect-file-invalid',
    `${path} says itself how its data are fed, so ${describedBy} cannot say it too. Leave one of them out.`,
    { detail: { path, describedBy } },
  );
}

/** A file that names no classes has those of the data that it is described by. */
function namedBy(source: SampleSource, labelNames: readonly string[] | undefined): SampleSource {
  return labelNames === undefined || source.labelNames !== undefined ? source : { ...source, labelNames };
}

function checkInputNames({ spec, targets, path }: SourceRequest): void {
  const names = targets.map(({ name }) => name);
  const written = [...Object.keys(spec?.inputs ?? {}), ...(spec?.mask === undefined ? [] : [spec.mask])];
  const unknown = written.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new UserError(
    'inspect-file-invalid',
    `The .inspect.json for ${path} describes the input "${unknown}", and the model has ${names.join(', ')}. Correct the name.`,
    { detail: { input: unknown, inputs: names } },
  );
}

function planTarget(target: InputTarget, source: SampleSource, spec: DataSpec | undefined): InputPlan {
  const field = source.fields.get(target.name);
  if (field === undefined) {
    throw fieldMissing(source.kind, `values for the input "${target.name}"`, [...source.fields.keys()]);
  }
  return planInput(target, field, spec?.inputs[target.name]);
}

function assumptionWarning({ target, assumptions }: InputPlan): string[] {
  if (assumptions.length === 0) return [];
  return [`Input "${target.name}": assumed ${assumptions.join(', ')}. Write it down in an .inspect.json.`];
}

/** Samples per run that the model (or a state that is fed with every batch) prescribes. */
function forcedBatch(
  source: SampleSource,
  { targets, path }: SourceRequest,
): { size: number | undefined; warning?: string } {
  const size = prescribedBatch(source, targets);
  if (size === undefined || size === 1) return { size };
  const left = source.sampleCount % size;
  if (source.sampleCount < size) {
    throw dataEmpty(
      path,
      `the model takes exactly ${size} samples at a time and there are ${source.sampleCount}; export it with a dynamic batch axis, or give ${size}`,
    );
  }
  if (left === 0) return { size };
  const warning = `The model takes exactly ${size} samples at a time: the last ${left} of ${source.sampleCount} are left out.`;
  return { size, warning };
}

function prescribedBatch(source: SampleSource, targets: readonly InputTarget[]): number | undefined {
  let size: number | undefined;
  for (const { name, fixedBatch, shape } of targets) {
    const field = source.fields.get(name);
    if (field?.isConstant === true) {
      const batchAxis = shape?.findIndex((dim, axis) => axis > 0 && typeof dim === 'string') ?? -1;
      size ??= batchAxis < 0 ? undefined : field.dims[batchAxis];
    } else {
      size ??= fixedBatch;
    }
  }
  return size;
}

interface DatasetParts {
  readonly path: string;
  readonly source: SampleSource;
  readonly plans: readonly InputPlan[];
  readonly forcedBatchSize: number | undefined;
  readonly warnings: readonly string[];
  readonly mask: string | undefined;
  readonly tokens: TokenNames | undefined;
}

/** What ids of arrays stand for, when the inspect file names a tokenizer. */
async function namedTokens({ tokenizerPath, targets }: SourceRequest): Promise<TokenNames | undefined> {
  const input = tokenizerPath === undefined ? undefined : idsInput(targets)?.name;
  if (tokenizerPath === undefined || input === undefined) return undefined;
  return { input, tokenizer: await readTokenizer(tokenizerPath), path: tokenizerPath };
}

function datasetOf({ path, source, plans, forcedBatchSize, warnings, mask, tokens }: DatasetParts): Dataset {
  const { kind, hasLabels, labelNames, columnNames, sampleRates } = source;
  const unit = forcedBatchSize ?? 1;
  const sampleCount = Math.floor(source.sampleCount / unit) * unit;
  const readInOrder = inMemory(source, path);
  return {
    path,
    kind,
    sampleCount,
    hasLabels,
    ...(labelNames === undefined ? {} : { labelNames }),
    ...(columnNames === undefined ? {} : { columnNames }),
    ...(sampleRates === undefined ? {} : { sampleRates }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(mask === undefined ? {} : { maskInput: mask }),
    layouts: Object.fromEntries(plans.map(({ target, spec: { layout } }) => [target.name, layout])),
    warnings,
    batches: ({ batchSize, limit, order }: BatchOptions, signal?: AbortSignal): AsyncIterable<Batch> => {
      const wanted = Math.ceil((limit ?? Infinity) / unit) * unit;
      const selection = selectionOf({ order, count: Math.min(sampleCount, wanted), unit });
      const samples =
        selection.kind === 'range' ? source.samples(selection, signal) : readInOrder(selection, signal);
      return assembleBatches(samples, plans, { batchSize: forcedBatchSize ?? batchSize, hasLabels, signal });
    },
  };
}

function selectionOf({
  order,
  count,
  unit,
}: {
  order: Uint32Array | undefined;
  count: number;
  unit: number;
}): Selection {
  if (order === undefined) return { kind: 'range', start: 0, end: count };
  const whole = Math.floor(order.length / unit) * unit;
  return { kind: 'order', order: order.subarray(0, Math.min(count, whole)) };
}

/** Rows that are looked for in the file, one pass each time; more are worth the memory. */
const pickedCount = 64;

/** Memory that rows of a format without random access may take when they are wanted in another order. */
const maxShuffledBytes = 2 ** 29;

/** Returns a reader for any order: the source itself, or its samples kept in memory when they are few enough. */
function inMemory(source: SampleSource, path: string): SampleSource['samples'] {
  if (source.isRandomAccess) return source.samples;
  let kept: Promise<readonly RawSample[]> | undefined;
  return async function* (selection, signal) {
    if (selection.kind !== 'order') return;
    const isFew = kept === undefined && selection.order.length <= pickedCount;
    kept ??= isFew ? undefined : keepAll(source, path);
    const samples = await (kept ?? pickRows(source, selection.order, signal));
    throwIfAborted(signal);
    for (const index of selection.order) {
      const sample = samples[index];
      if (sample !== undefined) yield sample;
    }
  };
}

/** Returns the rows that are asked for, at their places; the file is read no further than the last of them. */
async function pickRows(
  source: SampleSource,
  order: Uint32Array,
  signal: AbortSignal | undefined,
): Promise<RawSample[]> {
  const wanted = new Set(order);
  const samples: RawSample[] = [];
  const range = { kind: 'range', start: 0, end: Math.max(-1, ...order) + 1 } as const;
  for await (const sample of source.samples(range, signal)) {
    if (wanted.has(sample.index)) samples[sample.index] = sample;
  }
  return samples;
}

async function keepAll(source: SampleSource, path: string): Promise<RawSample[]> {
  let sampleBytes = 0;
  for (const { dims } of source.fields.values()) sampleBytes += 8 * elementCountOf(dims);
  if (sampleBytes * source.sampleCount > maxShuffledBytes) {
    throw new UserError(
      'data-order',
      `${path} can only be read in order and is too large to be shuffled in memory. Convert it to .npz.`,
      { detail: { path, sampleBytes, sampleCount: source.sampleCount } },
    );
  }
  const samples: RawSample[] = [];
  for await (const sample of source.samples({ kind: 'range', start: 0, end: source.sampleCount })) {
    samples.push(sample);
  }
  return samples;
}

function resolvedSpec(request: SourceRequest, source: SampleSource, plans: readonly InputPlan[]): DataSpec {
  const { from, labelsFrom } = source.resolved;
  const inputs: DataSpec['inputs'] = {};
  for (const { target, spec } of plans) {
    const found = from.get(target.name);
    const isSaid = spec.from !== undefined || found === undefined || found === target.name;
    inputs[target.name] = isSaid ? spec : { from: found, ...spec };
  }
  const names = source.labelNames === undefined ? {} : { names: [...source.labelNames] };
  const labels =
    request.spec?.labels ?? (labelsFrom === undefined ? undefined : { from: labelsFrom, ...names });
  const { mask } = request.spec ?? {};
  return {
    path: request.spec?.path ?? request.path,
    kind: source.kind,
    inputs,
    ...(labels === undefined ? {} : { labels }),
    ...(mask === undefined ? {} : { mask }),
  };
}
