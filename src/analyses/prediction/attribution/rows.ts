import { UserError } from '../../../base/errors.js';
import type { Batch, BatchOptions, Dataset } from '../../../data/dataset.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import type { Evidence } from '../../../protocol/report.js';
import type { AnalysisContext } from '../../analysis.js';
import { filledOrder, fixedBatchSize } from '../../shared/fixedBatch.js';
import { rowName } from '../../shared/rowViews.js';
import { concatRows, takeRows } from '../../shared/tensorRows.js';

export { rowName };

/** Rows explained when no limit is given: an explanation is read row by row. */
export const defaultRowCount = 16;

/** The samples to explain, all in memory. */
export interface Rows {
  readonly count: number;
  /** Positions in the data that were asked for; undefined: the first ones. */
  readonly chosen: readonly number[] | undefined;
  /** Samples in the data set, explained or not. */
  readonly availableCount: number;
  readonly ids: readonly string[];
  readonly labels: Int32Array | undefined;
  /** One tensor per model input, all rows along axis 0. */
  readonly feeds: Feeds;
  readonly warnings: readonly string[];
}

/** Which rows are read. */
export interface RowChoice {
  /** Positions in the data; default the first rows. */
  readonly chosen?: readonly number[] | undefined;
  /** Rows to read where neither positions nor a limit is given; default 16. */
  readonly defaultCount?: number;
}

/** Returns the positions that a setting names, as `integers` allows them; undefined when it is not set. */
export function parseRows(text: string | null): readonly number[] | undefined {
  return text?.split(',').map(Number);
}

/**
 * Returns the chosen rows, or the first rows of the data set: `--limit` of them or `defaultCount` (16).
 *
 * Rows of other shapes than the first end the reading (sequences of unequal length cannot stand in one tensor), with a
 * warning.
 *
 * @throws UserError `no-rows` when the data set is empty, `no-such-row` for a position outside of it.
 */
export async function readRows(context: AnalysisContext, choice: RowChoice = {}): Promise<Rows> {
  const { data } = context;
  if (data === undefined) throw noRows('No data was given');
  const { chosen } = choice;
  const reading = readingOf(context, choice, data);
  const batches: Batch[] = [];
  const warnings: string[] = [];
  for await (const batch of data.batches(reading, context.signal)) {
    if (batches[0] !== undefined && !hasSameRowShapes(batches[0].feeds, batch.feeds)) {
      const count = batches.reduce((sum, { sampleCount }) => sum + sampleCount, 0);
      warnings.push(
        `Only the first ${String(count)} rows are explained: ${rowName(batch.ids[0] ?? '?')} has another shape. Pad the rows to one length to explain more.`,
      );
      break;
    }
    batches.push(batch);
  }
  const [first] = batches;
  if (first === undefined) throw noRows(`${data.path} has no rows`);
  const read = joined(first, batches);
  // A model with a fixed batch was given the last row again until it was full.
  const count = Math.min(read.ids.length, chosen?.length ?? Infinity);
  return {
    ...(count < read.ids.length ? cut(read, count) : read),
    count,
    chosen,
    availableCount: data.sampleCount,
    warnings,
  };
}

function readingOf(
  { model, batchSize, limit }: AnalysisContext,
  { chosen, defaultCount = defaultRowCount }: RowChoice,
  data: Dataset,
): BatchOptions {
  if (chosen === undefined) return { batchSize, limit: limit ?? defaultCount };
  const outside = chosen.find((row) => row < 0 || row >= data.sampleCount);
  if (outside !== undefined) throw noSuchRow(outside, data);
  return { batchSize, order: filledOrder(chosen, fixedBatchSize(model) ?? 1) };
}

type ReadRows = Pick<Rows, 'ids' | 'labels' | 'feeds'>;

function joined(first: Batch, batches: readonly Batch[]): ReadRows {
  return {
    ids: batches.flatMap((batch) => batch.ids),
    labels: first.labels === undefined ? undefined : concatLabels(batches),
    feeds: Object.fromEntries(
      Object.keys(first.feeds).map((name) => [name, concatRows(batches.map((batch) => batch.feeds[name]))]),
    ),
  };
}

function cut({ ids, labels, feeds }: ReadRows, count: number): ReadRows {
  const rows = Array.from({ length: count }, (_, row) => row);
  return {
    ids: ids.slice(0, count),
    labels: labels?.subarray(0, count),
    feeds: Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, takeRows(feed, rows)])),
  };
}

/** Returns how far numbers reach that are measured on every row. */
export function rowEvidence(rows: Rows): Evidence {
  const { count, availableCount } = rows;
  return count >= availableCount
    ? { kind: 'measured', n: count }
    : { kind: 'sampled', n: count, how: whichRows(rows) };
}

/** Returns which rows of the data these are: `the first 16 of 4,000 rows`, `row 17 of 150 rows`. */
export function whichRows({ count, availableCount, chosen, ids }: Rows): string {
  const all = `${availableCount.toLocaleString('en-US')} rows`;
  if (chosen === undefined) return `the first ${count.toLocaleString('en-US')} of ${all}`;
  const [only = ''] = ids;
  return count === 1
    ? `${rowName(only)} of ${all}`
    : `${count.toLocaleString('en-US')} chosen rows of ${all}`;
}

function noSuchRow(row: number, { path, sampleCount }: Dataset): UserError {
  return new UserError(
    'no-such-row',
    `${path} has no row ${String(row)}: it holds ${sampleCount.toLocaleString('en-US')}, counted from 0. Set rows to numbers from 0 to ${String(sampleCount - 1)}.`,
    { detail: { path, row, sampleCount } },
  );
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
