import { UserError } from '../../../base/errors.js';
import { didYouMean } from '../../../base/nearest.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { takeRows } from '../../shared/tensorRows.js';

/** A training set, as the inputs of a model hold it, and rows to answer. */
export interface ContextTable {
  /** Name of the input with the rows to answer. */
  readonly query: string;
  /** `[1, Q, F]` */
  readonly queries: TensorValue;
  /** All other inputs. */
  readonly held: Readonly<Record<string, TensorValue>>;
  /** Held inputs with a training row at each index of axis 1. */
  readonly trainNames: readonly string[];
  readonly trainCount: number;
  /** The training rows' columns, those of the queries; undefined where no input has as many. */
  readonly trainRows: string | undefined;
  /** The training rows' classes; undefined where no input holds one whole number each. */
  readonly trainLabels: string | undefined;
}

/**
 * Reads one sample of the data as a training set with rows to answer.
 *
 * Inputs are `[N, T, F]`, `[N, T]` and, for the queries, `[N, Q, F]`: a sample is a whole table.
 *
 * @throws UserError when the query input is unknown or no table, or the data have no such sample.
 */
export async function readContextTable(
  { model, data, signal }: AnalysisContext,
  query: string,
  index: number,
): Promise<ContextTable> {
  const names = model.graph.inputs
    .map(({ name }) => name)
    .filter((name) => !model.graph.initializers.has(name));
  if (!names.includes(query)) throw unknownInput(query, names);
  const feeds = await sampleAt(data, index, signal);
  const { [query]: queries, ...held } = feeds;
  if (queries?.dims.length !== 3 || !dataTypeFacts(queries.dtype).isFloat) {
    throw new UserError(
      'query-is-no-table',
      `query=${query} holds ${queries?.dtype ?? 'nothing'} of shape [${queries?.dims.join(', ') ?? ''}], and rows of numbers [1, Q, F] are needed. Name the input with the rows to answer.`,
      { detail: { query, dims: queries?.dims } },
    );
  }
  const trainCount = commonSize(held);
  const trainNames = Object.keys(held).filter((name) => held[name]?.dims[1] === trainCount);
  const width = queries.dims[2];
  const find = (fits: (value: TensorValue) => boolean): string | undefined =>
    trainNames.find((name) => {
      const value = held[name];
      return value !== undefined && fits(value);
    });
  return {
    query,
    queries,
    held,
    trainNames,
    trainCount,
    trainRows: find(({ dims, dtype }) => dims.length === 3 && dims[2] === width && dtype === queries.dtype),
    trainLabels: find((value) => value.dims.length === 2 && toFloat64(value).every(Number.isInteger)),
  };
}

async function sampleAt(
  data: AnalysisContext['data'],
  index: number,
  signal: AbortSignal,
): Promise<Readonly<Record<string, TensorValue>>> {
  if (data === undefined) {
    throw new UserError('data-missing', 'There is no training set. Pass --data with one as a sample.');
  }
  if (index < data.sampleCount) {
    for await (const batch of data.batches({ batchSize: 1, limit: index + 1 }, signal)) {
      const own = index - batch.firstIndex;
      if (own < 0 || own >= batch.sampleCount) continue;
      return Object.fromEntries(
        Object.entries(batch.feeds).map(([name, value]) => [name, takeRows(value, [own])]),
      );
    }
  }
  throw new UserError(
    'no-such-sample',
    `table=${String(index)} is not in ${data.path}, which holds ${String(data.sampleCount)} samples. Give a number from 0 to ${String(data.sampleCount - 1)}.`,
    { detail: { table: index, sampleCount: data.sampleCount } },
  );
}

/** The size of axis 1 that most inputs share, the largest of several: that of the training set. */
function commonSize(held: Readonly<Record<string, TensorValue>>): number {
  const counts = new Map<number, number>();
  for (const { dims } of Object.values(held)) {
    const size = dims[1];
    if (size !== undefined) counts.set(size, (counts.get(size) ?? 0) + 1);
  }
  const [best] = [...counts].sort(([a, countA], [b, countB]) => countB - countA || b - a);
  return best?.[0] ?? 0;
}

/** Returns what is held, with some of the training rows alone. */
export function heldWith(
  { held, trainNames }: ContextTable,
  rows: readonly number[],
): Record<string, TensorValue> {
  return Object.fromEntries(
    Object.entries(held).map(([name, value]) => [
      name,
      trainNames.includes(name) ? takeAlong(value, rows) : value,
    ]),
  );
}

/** Takes indices along axis 1 of `[1, T, …]`. */
export function takeAlong(value: TensorValue, indices: readonly number[]): TensorValue {
  const inner = takeRows({ ...value, dims: value.dims.slice(1) }, indices);
  return { ...inner, dims: [1, ...inner.dims] };
}

function unknownInput(query: string, names: readonly string[]): UserError {
  return new UserError(
    'unknown-input',
    `query=${query} is no input of the model.${didYouMean(query, names)} Its inputs are ${names.join(', ')}.`,
    { detail: { query, inputs: names } },
  );
}
