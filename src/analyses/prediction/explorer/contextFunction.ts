import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import { argmax } from '../../../engine/numeric/vectors.js';
import type { Session } from '../../../engine/runtime/session.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { openFeatures } from '../features/features.js';
import { commonestOf } from '../functions/openFunction.js';
import {
  applyChanges,
  type ChangedRows,
  elementsByFeature,
  type RowFunction,
} from '../functions/rowFunction.js';
import { pointCounter } from './pointCounter.js';
import { type ContextTable, heldWith, readContextTable, takeAlong } from './contextTable.js';
import { explorerRowCount, type ExplorerSettings } from './explorerSettings.js';

/** The function that a model makes of a training set which it reads as an input. */
export interface ContextFunction extends RowFunction {
  readonly table: ContextTable;
  /** Returns f at every point, given some of the training rows alone. */
  evaluateWith(trainRows: readonly number[], points: ChangedRows): Promise<Float64Array>;
  /** Returns the share of the training rows left out that the model answers right, given the others; NaN without any. */
  accuracyWith(trainRows: readonly number[]): Promise<number>;
}

/** Query rows that are answered in one run: where they are tokens, the cost of a run grows with their square. */
const queriesAtOnce = 256;

/** Beyond this, in units of the largest answer, an answer depends on the rows that are asked about beside it. */
const sameAnswer = 1e-4;

interface Asking {
  readonly context: AnalysisContext;
  readonly session: Session;
  readonly table: ContextTable;
  readonly output: string;
  /** Rows of queries that the model insists on. */
  readonly fixedCount: number | undefined;
  readonly done: (count: number) => void;
}

/**
 * Opens the function of query rows that one sample of the data, a training set, makes of a model.
 *
 * @throws UserError for inputs, outputs, targets or samples that do not fit.
 */
export async function openContextFunction(
  context: AnalysisContext,
  settings: ExplorerSettings,
  query: string,
): Promise<ContextFunction> {
  const table = await readContextTable(context, query, settings.table);
  const session = await context.runtime.open(context.model);
  try {
    return await functionOf(context, settings, { table, session });
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function functionOf(
  context: AnalysisContext,
  settings: ExplorerSettings,
  { table, session }: { readonly table: ContextTable; readonly session: Session },
): Promise<ContextFunction> {
  const [, available = 0] = table.queries.dims;
  const rowCount = Math.min(available, context.limit ?? explorerRowCount);
  const progress = pointCounter(context, 'points');
  const asking: Asking = {
    context,
    session,
    table,
    output: await answerOutput({ session, table, wanted: settings.output }),
    fixedCount: fixedQueryCount(context, table.query),
    done: progress.done,
  };
  const rows = Array.from({ length: rowCount }, (_, row) => row);
  const scores = await answers(asking, table.held, takeAlong(table.queries, rows));
  const target = targetOf(scores, settings.target);
  const areApart = await areAnsweredApart(asking, scores);
  const evaluateWith: ContextFunction['evaluateWith'] = (trainRows, points) =>
    evaluate({ ...asking, target, atOnce: areApart ? queriesAtOnce : 1 }, heldWith(table, trainRows), points);
  const all = Array.from({ length: table.trainCount }, (_, row) => row);
  return {
    ...(await columnsOf(context, table)),
    table,
    rowCount,
    rowNames: rows.map((row) => `query ${String(row)}`),
    explained: `${scores[0]?.length === 1 ? 'the value' : `class ${String(target)}`} of output "${asking.output}" given ${String(table.trainCount)} training rows`,
    warnings: warningsOf(table, areApart),
    evidence: { kind: rowCount < available ? 'sampled' : 'measured', n: rowCount },
    expect: progress.expect,
    evaluate: (points) => evaluateWith(all, points),
    evaluateWith,
    accuracyWith: (trainRows) => accuracyOf(asking, trainRows),
    close: () => session.close(),
  };
}

/** Each column of the query rows is a feature. */
async function columnsOf(
  { data }: AnalysisContext,
  { query, queries }: ContextTable,
): Promise<Pick<RowFunction, 'features' | 'elementCounts' | 'valueOf'>> {
  const width = queries.dims[2] ?? 0;
  const values = toFloat64(queries);
  const names = data?.columnNames?.[query];
  return {
    features: await openFeatures(
      [{ name: query, dims: [width], channelAxis: undefined, elements: new Float32Array() }],
      { features: 'elements', featureCount: null, patch: null, groups: null, featureMask: null },
      { rowCount: 1, columnNames: names?.length === width ? { [query]: names } : {} },
    ),
    elementCounts: new Array<number>(width).fill(1),
    valueOf: (feature, row) => values[row * width + feature] ?? NaN,
  };
}

/** The output with a score per query, by name or the first that has them. */
async function answerOutput({
  session,
  table,
  wanted,
}: {
  readonly session: Session;
  readonly table: ContextTable;
  readonly wanted: string | null;
}): Promise<string> {
  const outputs = await session.run({ ...table.held, [table.query]: table.queries });
  const queryCount = table.queries.dims[1] ?? 0;
  const fits = (name: string): boolean => {
    const value = outputs[name];
    if (value === undefined || !dataTypeFacts(value.dtype).isFloat) return false;
    return value.dims[0] === 1 && value.dims[1] === queryCount && value.dims.length <= 3;
  };
  const found = wanted === null ? session.outputNames.find(fits) : wanted;
  if (found !== undefined && fits(found)) return found;
  throw new UserError(
    'no-answers',
    `${wanted === null ? `None of the model's outputs (${session.outputNames.join(', ')})` : `output=${wanted}`} holds scores [1, ${String(queryCount)}, …] of the ${String(queryCount)} rows of ${table.query}. Check query and output.`,
    { detail: { output: wanted, outputs: session.outputNames } },
  );
}

function fixedQueryCount({ model }: AnalysisContext, query: string): number | undefined {
  const type = model.graph.inputs.find(({ name }) => name === query)?.type;
  const size = type?.kind === 'tensor' ? type.shape?.[1] : undefined;
  return typeof size === 'number' && size > 0 ? size : undefined;
}

/** Scores of every row of `[1, P, F]` queries. */
async function answers(
  { session, table, output, fixedCount }: Asking,
  held: Readonly<Record<string, TensorValue>>,
  queries: TensorValue,
): Promise<Float64Array[]> {
  const count = queries.dims[1] ?? 0;
  const size = fixedCount ?? count;
  const scores: Float64Array[] = [];
  for (let start = 0; start < count; start += size) {
    // A model with a fixed number of queries gets its last ones filled up with repeats, which are dropped again.
    const slots = Array.from({ length: size }, (_, i) => Math.min(start + i, count - 1));
    const outputs = await session.run({ ...held, [table.query]: takeAlong(queries, slots) }, [output]);
    const value = outputs[output];
    if (value === undefined) throw new Error('The runtime left out an output it was asked for.');
    const all = toFloat64(value);
    const width = all.length / size;
    const rowCount = Math.min(size, count - start);
    for (let i = 0; i < rowCount; i++) scores.push(all.slice(i * width, (i + 1) * width));
  }
  return scores;
}

function targetOf(scores: readonly Float64Array[], wanted: string | null): number {
  const classCount = scores[0]?.length ?? 1;
  if (wanted === null) return commonestOf(scores.map((own) => argmax(own)));
  const target = /^\d+$/u.test(wanted.trim()) ? Number(wanted) : NaN;
  if (target < classCount) return target;
  throw new UserError(
    'unknown-target',
    `target=${wanted} is no class of the output, which has ${String(classCount)}. Give a number from 0 to ${String(classCount - 1)}.`,
    { detail: { target: wanted, classCount } },
  );
}

/** Whether a row is answered alike alone and among others; a few rows tell. */
async function areAnsweredApart(asking: Asking, together: readonly Float64Array[]): Promise<boolean> {
  if (asking.fixedCount !== undefined) return true;
  let [largest, apart] = [0, 0];
  for (const [row, scores] of together.slice(0, 4).entries()) {
    const [alone] = await answers(asking, asking.table.held, takeAlong(asking.table.queries, [row]));
    for (const [i, score] of scores.entries()) {
      largest = Math.max(largest, Math.abs(score));
      apart = Math.max(apart, Math.abs(score - (alone?.[i] ?? NaN)));
    }
  }
  return apart <= sameAnswer * largest;
}

async function evaluate(
  asking: Asking & { readonly target: number; readonly atOnce: number },
  held: Readonly<Record<string, TensorValue>>,
  points: ChangedRows,
): Promise<Float64Array> {
  const { table, target, atOnce, context } = asking;
  const width = table.queries.dims[2] ?? 0;
  const values = toFloat64(table.queries);
  const rowOf = (row: number): Float32Array =>
    Float32Array.from(values.subarray(row * width, (row + 1) * width));
  const elements = elementsByFeature(
    Int32Array.from({ length: width }, (_, i) => i),
    width,
  );
  const elementCounts = new Array<number>(width).fill(1);
  const result = new Float64Array(points.count);
  for (let start = 0; start < points.count; start += atOnce) {
    throwIfAborted(context.signal);
    const count = Math.min(atOnce, points.count - start);
    const data = new Float32Array(count * width);
    for (let i = 0; i < count; i++) {
      const own = data.subarray(i * width, (i + 1) * width);
      own.set(rowOf(points.rowOf(start + i)));
      applyChanges(own, points.changesOf(start + i), { elements, elementCounts, rowOf });
    }
    const scores = await answers(asking, held, float32Tensor(data, [1, count, width]));
    for (const [i, own] of scores.entries()) result[start + i] = own[target] ?? NaN;
    asking.done(count);
    await yieldToEventLoop();
  }
  return result;
}

async function accuracyOf(asking: Asking, trainRows: readonly number[]): Promise<number> {
  const { table } = asking;
  const [rows, labels] = [table.held[table.trainRows ?? ''], table.held[table.trainLabels ?? '']];
  const left = Array.from({ length: table.trainCount }, (_, row) => row).filter(
    (row) => !trainRows.includes(row),
  );
  if (rows === undefined || labels === undefined || left.length === 0) return NaN;
  const classes = toFloat64(labels);
  const scores = await answers(asking, heldWith(table, trainRows), takeAlong(rows, left));
  if ((scores[0]?.length ?? 1) < 2) return NaN;
  return scores.filter((own, i) => argmax(own) === classes[left[i] ?? -1]).length / left.length;
}

function warningsOf({ query, trainNames, held }: ContextTable, areApart: boolean): string[] {
  const others = Object.keys(held).filter((name) => !trainNames.includes(name));
  return [
    `Held while the rows of ${query} are swept: ${Object.keys(held).join(', ')}.`,
    ...(others.length === 0 ? [] : [`Not cut to fewer training rows: ${others.join(', ')}.`]),
    ...(areApart ? [] : [`The model lets rows of ${query} see each other: each was answered alone.`]),
  ];
}
