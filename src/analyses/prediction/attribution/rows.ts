import { UserError } from '../../../base/errors.js';
import type { Batch } from '../../../data/dataset.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { elementCountOf, type TensorData, type TensorValue } from '../../../onnx/tensorValue.js';
import type { Evidence } from '../../../protocol/report.js';
import type { AnalysisContext } from '../../analysis.js';

/** Rows explained when no limit is given: an explanation is read row by row. */
export const defaultRowCount = 16;

/** The samples to explain, all in memory. */
export interface Rows {
  readonly count: number;
  /** Samples in the data set, explained or not. */
  readonly availableCount: number;
  readonly ids: readonly string[];
  readonly labels: Int32Array | undefined;
  /** One tensor per model input, all rows along axis 0. */
  readonly feeds: Feeds;
  readonly warnings: readonly string[];
}

/**
 * Returns the first rows of the data set, `--limit` of them or `defaultCount` (16).
 *
 * Rows of other shapes than the first end the reading (sequences of unequal length cannot stand in one tensor), with a
 * warning.
 *
 * @throws UserError `no-rows` when the data set is empty.
 */
export async function readRows(context: AnalysisContext, defaultCount = defaultRowCount): Promise<Rows> {
  const { data } = context;
  if (data === undefined) throw noRows('No data was given');
  const limit = context.limit ?? defaultCount;
  const batches: Batch[] = [];
  const warnings: string[] = [];
  for await (const batch of data.batches({ batchSize: context.batchSize, limit }, context.signal)) {
    if (batches[0] !== undefined && !hasSameRowShapes(batches[0].feeds, batch.feeds)) {
      warnings.push(
        `Only the first ${String(batch.firstIndex)} rows are explained: ${rowName(batch.ids[0] ?? '?')} has another shape. Pad the rows to one length to explain more.`,
      );
      break;
    }
    batches.push(batch);
  }
  const [first] = batches;
  if (first === undefined) throw noRows(`${data.path} has no rows`);
  return {
    count: batches.reduce((sum, batch) => sum + batch.sampleCount, 0),
    availableCount: data.sampleCount,
    ids: batches.flatMap((batch) => batch.ids),
    labels: first.labels === undefined ? undefined : concatLabels(batches),
    feeds: Object.fromEntries(
      Object.keys(first.feeds).map((name) => [name, concatRows(batches.map((batch) => batch.feeds[name]))]),
    ),
    warnings,
  };
}

/** Returns what a row is called: `row 4` where its id is a number, else the id, which says it itself (`dog.jpg`). */
export function rowName(id: string): string {
  return /^\d+$/.test(id) ? `row ${id}` : id;
}

/** Returns how far numbers reach that are measured on every row. */
export function rowEvidence({ count, availableCount }: Rows): Evidence {
  if (count >= availableCount) return { kind: 'measured', n: count };
  return {
    kind: 'sampled',
    n: count,
    how: `the first ${count.toLocaleString('en-US')} of ${availableCount.toLocaleString('en-US')} rows`,
  };
}

function noRows(what: string): UserError {
  return new UserError(
    'no-rows',
    `${what}, so there is nothing to explain. Pass --data with at least one row.`,
  );
}

function hasSameRowShapes(a: Feeds, b: Feeds): boolean {
  return Object.entries(a).every(([name, { dims }]) => {
    const other = b[name]?.dims ?? [];
    return dims.slice(1).join() === other.slice(1).join();
  });
}

function concatLabels(batches: readonly Batch[]): Int32Array {
  return Int32Array.from(batches.flatMap((batch) => [...(batch.labels ?? [])]));
}

/** Joins tensors along axis 0. */
export function concatRows(parts: readonly (TensorValue | undefined)[]): TensorValue {
  const tensors = parts.filter((part) => part !== undefined);
  const [first] = tensors;
  if (first === undefined) throw new Error('No tensors to join.');
  const rowCount = tensors.reduce((sum, { dims }) => sum + (dims[0] ?? 1), 0);
  const dims = [rowCount, ...first.dims.slice(1)];
  const data = emptyLike(first.data, elementCountOf(dims));
  let offset = 0;
  for (const tensor of tensors) {
    copyInto(data, tensor.data, offset);
    offset += tensor.data.length;
  }
  return { dtype: first.dtype, dims, data };
}

/** Returns a tensor made of the given rows (indices along axis 0, repeats allowed) of a tensor. */
export function takeRows(tensor: TensorValue, rows: readonly number[]): TensorValue {
  const size = elementCountOf(tensor.dims.slice(1));
  const data = emptyLike(tensor.data, rows.length * size);
  for (const [index, row] of rows.entries()) {
    const from = row * size;
    copyInto(data, sliceOf(tensor.data, from, from + size), index * size);
  }
  return { dtype: tensor.dtype, dims: [rows.length, ...tensor.dims.slice(1)], data };
}

function sliceOf(data: TensorData, start: number, end: number): TensorData {
  return Array.isArray(data) ? data.slice(start, end) : data.subarray(start, end);
}

function emptyLike(data: TensorData, length: number): TensorData {
  if (Array.isArray(data)) return new Array<string>(length).fill('');
  // Every member of TensorData but string[] is a typed array, whose constructors take a length.
  return new (data.constructor as new (length: number) => Exclude<TensorData, string[]>)(length);
}

function copyInto(target: TensorData, source: TensorData, offset: number): void {
  if (Array.isArray(target)) {
    for (let i = 0; i < source.length; i++) target[offset + i] = String(source[i]);
    return;
  }
  // Both come from one tensor's element type: a BigInt array never meets a number array.
  (target as Float64Array).set(source as unknown as ArrayLike<number>, offset);
}
