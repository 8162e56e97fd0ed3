import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import { argmax } from '../../../engine/numeric/vectors.js';
import type { Session } from '../../../engine/runtime/session.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { slotBatches } from '../../shared/fixedBatch.js';
import { channelAxisOf } from '../../shared/layout.js';
import { withRowFeeds } from '../attribution/heldFeeds.js';
import { readRows, type Rows } from '../attribution/rows.js';
import { concatRows, takeRows } from '../../shared/tensorRows.js';
import { pointCounter } from './pointCounter.js';
import { commonestOf } from '../functions/openFunction.js';
import type { ExplorerSettings } from './explorerSettings.js';

/** Rows changed in some way, one series of all channels a point. */
export interface SeriesPoints {
  readonly count: number;
  rowOf(point: number): number;
  /** Changes the row's series, in place; `at` gives the place of a channel at a step. */
  change(point: number, series: Float32Array, at: (channel: number, step: number) => number): void;
}

/** A model of channels over time. */
export interface SeriesModel {
  readonly rows: Rows;
  readonly input: string;
  readonly channelNames: readonly string[];
  readonly stepCount: number;
  /** Steps of the outcome: those of the input, or 1 where the outcome has no time axis. */
  readonly outcomeSteps: number;
  /** The outcome in words. */
  readonly explained: string;
  /** Value of a channel at a step of a row. */
  valueOf(row: number, channel: number, step: number): number;
  expect(pointCount: number): void;
  /** Returns the outcome over time at every point. */
  outcomes(points: SeriesPoints): Promise<Float64Array[]>;
  close(): Promise<void>;
}

/** How the input lies. */
interface Layout {
  readonly channelCount: number;
  readonly stepCount: number;
  at(channel: number, step: number): number;
}

/** Where the outcome stands in the output, and which of its classes is looked at. */
interface OutcomePlace {
  readonly output: string;
  readonly steps: number;
  readonly classCount: number;
  readonly target: number;
  readonly isTimeFirst: boolean;
}

/** Rows that a view of channels rests on when no limit is given. */
export const seriesRowCount = 32;

/**
 * Opens a model whose input is channels over time, `[N, C, T]` or `[N, T, C]`.
 *
 * @throws UserError when no input is, or the output holds nothing per row.
 */
export async function openSeries(context: AnalysisContext, settings: ExplorerSettings): Promise<SeriesModel> {
  const rows = await readRows(context, { defaultCount: seriesRowCount });
  const input = seriesInput(rows);
  const tensor = rows.feeds[input] ?? float32Tensor([], [0]);
  const layout = layoutOf(context, settings, { input, dims: tensor.dims.slice(1) });
  const session = await context.runtime.open(context.model);
  try {
    const running: Running = { context, session, rows, input, tensor, layout };
    const place = await placeOutcome(running, settings);
    const values = toFloat64(tensor);
    const size = layout.channelCount * layout.stepCount;
    const progress = pointCounter(context, 'series');
    const names = context.data?.columnNames?.[input];
    return {
      rows,
      input,
      channelNames: Array.from(
        { length: layout.channelCount },
        (_, channel) =>
          (names?.length === layout.channelCount ? names[channel] : undefined) ??
          `channel ${String(channel)}`,
      ),
      stepCount: layout.stepCount,
      outcomeSteps: place.steps,
      explained: `${place.classCount === 1 ? 'the value' : `class ${String(place.target)}`} of output "${place.output}"`,
      valueOf: (row, channel, step) => values[row * size + layout.at(channel, step)] ?? NaN,
      expect: progress.expect,
      outcomes: (points) => outcomes({ ...running, place, done: progress.done }, points),
      close: () => session.close(),
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

interface Running {
  readonly context: AnalysisContext;
  readonly session: Session;
  readonly rows: Rows;
  readonly input: string;
  readonly tensor: TensorValue;
  readonly layout: Layout;
}

function seriesInput({ feeds }: Rows): string {
  const fits = ([, { dims, dtype }]: readonly [string, TensorValue]): boolean =>
    dims.length === 3 && dtype === 'float32';
  const found = Object.entries(feeds).find(fits);
  if (found !== undefined) return found[0];
  const shapes = Object.entries(feeds).map(
    ([name, { dims, dtype }]) => `${name}: ${dtype} [${dims.join(', ')}]`,
  );
  throw new UserError(
    'no-channels',
    `view=response-curves needs an input of channels over time, float32 [N, C, T] or [N, T, C], and the model has ${shapes.join('; ')}. Use view=slices.`,
    { detail: { inputs: shapes } },
  );
}

function layoutOf(
  { model }: AnalysisContext,
  { channelAxis }: ExplorerSettings,
  { input, dims }: { readonly input: string; readonly dims: readonly number[] },
): Layout {
  const [first = 0, last = 0] = dims;
  const isFirst = channelAxis === 'auto' ? channelAxisOf(model, input, dims) === 1 : channelAxis === 'first';
  return isFirst
    ? { channelCount: first, stepCount: last, at: (channel, step) => channel * last + step }
    : { channelCount: last, stepCount: first, at: (channel, step) => step * last + channel };
}

/** The outcome is the output's axis as long as the input's time; what else there is are classes. */
async function placeOutcome(running: Running, settings: ExplorerSettings): Promise<OutcomePlace> {
  const { session, rows, layout } = running;
  const all = rows.ids.map((_, row) => row);
  const outputs = await run(running, all, (row) => rowValues(running, row));
  const isUsable = (name: string): boolean => {
    const value = outputs[name];
    return value?.dims[0] === rows.count && dataTypeFacts(value.dtype).isFloat && value.dims.length <= 3;
  };
  const output = settings.output ?? session.outputNames.find(isUsable);
  const value = outputs[output ?? ''];
  if (output === undefined || value === undefined || !isUsable(output)) {
    throw noOutcome(settings.output, session.outputNames);
  }
  const dims = value.dims.slice(1);
  const timeAxis = dims.indexOf(layout.stepCount);
  const steps = timeAxis < 0 ? 1 : layout.stepCount;
  const classCount = dims.reduce((product, dim) => product * dim, 1) / steps;
  const isTimeFirst = timeAxis <= 0;
  const place = { output, steps, classCount, isTimeFirst };
  return { ...place, target: chooseTarget(settings.target, toFloat64(value), place) };
}

function chooseTarget(
  wanted: string | null,
  values: Float64Array,
  { steps, classCount, isTimeFirst }: Omit<OutcomePlace, 'target' | 'output'>,
): number {
  if (wanted !== null) {
    const target = /^\d+$/u.test(wanted.trim()) ? Number(wanted) : NaN;
    if (target < classCount) return target;
    throw new UserError(
      'unknown-target',
      `target=${wanted} is no class of the output, which has ${String(classCount)}. Give a number from 0 to ${String(classCount - 1)}.`,
      { detail: { target: wanted, classCount } },
    );
  }
  const size = steps * classCount;
  return commonestOf(
    Array.from({ length: values.length / size }, (_, row) => {
      const totals = new Float64Array(classCount);
      for (let i = 0; i < size; i++) {
        const unit = isTimeFirst ? i % classCount : Math.floor(i / steps);
        totals[unit] = (totals[unit] ?? 0) + (values[row * size + i] ?? NaN);
      }
      return argmax(totals);
    }),
  );
}

function rowValues({ tensor, layout }: Running, row: number): Float32Array {
  const size = layout.channelCount * layout.stepCount;
  return (tensor.data as Float32Array).slice(row * size, (row + 1) * size);
}

/** Runs one series a slot, every other input held at its row. */
async function run(
  { session, rows, input, tensor, context }: Running,
  slotRows: readonly number[],
  seriesOf: (row: number, slot: number) => Float32Array,
): Promise<Readonly<Record<string, TensorValue>>> {
  const rowSize = tensor.data.length / rows.count;
  const parts: Record<string, TensorValue>[] = [];
  for (const { count, slots } of slotBatches(slotRows.length, context)) {
    throwIfAborted(context.signal);
    const rowOfPoint = slots.map((slot) => slotRows[slot] ?? 0);
    const data = new Float32Array(slots.length * rowSize);
    for (const [i, slot] of slots.entries()) data.set(seriesOf(slotRows[slot] ?? 0, slot), i * rowSize);
    const own = { [input]: float32Tensor(data, [slots.length, ...tensor.dims.slice(1)]) };
    const feeds = withRowFeeds(own, rows, { session, rowOfPoint });
    const outputs = await session.run(feeds);
    const kept = Array.from({ length: count }, (_, i) => i);
    const sound = Object.entries(outputs).filter(([, { dims }]) => dims[0] === slots.length);
    parts.push(Object.fromEntries(sound.map(([name, value]) => [name, takeRows(value, kept)])));
    await yieldToEventLoop();
  }
  return joined(parts);
}

function joined(parts: readonly Record<string, TensorValue>[]): Record<string, TensorValue> {
  const [first = {}] = parts;
  return Object.fromEntries(
    Object.keys(first).map((name) => [name, concatRows(parts.map((part) => part[name]))]),
  );
}

/** Points whose outputs are held at once. */
const pointsAtOnce = 4096;

async function outcomes(
  running: Running & { readonly place: OutcomePlace; readonly done: (count: number) => void },
  points: SeriesPoints,
): Promise<Float64Array[]> {
  const { place, layout } = running;
  const { steps, classCount, target, isTimeFirst } = place;
  const size = steps * classCount;
  const found: Float64Array[] = [];
  for (let start = 0; start < points.count; start += pointsAtOnce) {
    const count = Math.min(pointsAtOnce, points.count - start);
    const slotRows = Array.from({ length: count }, (_, i) => points.rowOf(start + i));
    const outputs = await run(running, slotRows, (row, slot) => {
      const series = rowValues(running, row);
      points.change(start + slot, series, (channel, step) => layout.at(channel, step));
      return series;
    });
    const values = toFloat64(outputs[place.output] ?? float32Tensor([], [0]));
    for (let i = 0; i < count; i++) {
      const own = values.subarray(i * size, (i + 1) * size);
      found.push(
        Float64Array.from({ length: steps }, (_, step) => {
          const at = isTimeFirst ? step * classCount + target : target * steps + step;
          return own[at] ?? NaN;
        }),
      );
    }
    running.done(count);
  }
  return found;
}

function noOutcome(wanted: string | null, outputs: readonly string[]): UserError {
  return new UserError(
    'no-outcome',
    `${wanted === null ? `None of the model's outputs (${outputs.join(', ')})` : `output=${wanted}`} holds numbers [N], [N, T] or [N, T, C] for the rows. Set output to one that does.`,
    { detail: { output: wanted, outputs } },
  );
}
