import { UserError } from '../../../base/errors.js';
import { noSamples } from '../../../data/dataErrors.js';
import type { Dataset } from '../../../data/dataset.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { elementCountOf, float32Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { channelAxisOf } from '../../shared/layout.js';
import { fixedBatchSize } from '../../shared/fixedBatch.js';
import { fedBatches } from '../../shared/sweep.js';
import { defaultRowCount, type InversionSettings } from './settings.js';

/** The samples that are inverted, as the model is fed them. */
export interface InvertedInput {
  /** The input that is looked for; the others are held. */
  readonly name: string;
  /** Rows that count; a batch of fixed size holds further ones. */
  readonly rowCount: number;
  readonly availableCount: number;
  readonly ids: readonly string[];
  readonly feeds: Feeds;
  /** Shape of the input, rows first. */
  readonly dims: readonly number[];
  /** Axis of channels, row axis counted; undefined where there is none. */
  readonly channelAxis: number | undefined;
  /** Axes of positions, row axis counted. */
  readonly positionAxes: readonly number[];
  /** x = centre + half · z, broadcast. */
  readonly centre: TensorValue;
  readonly half: TensorValue;
  /** The samples as z. */
  readonly z: Float64Array;
  readonly warnings: readonly string[];
}

/**
 * Reads the samples to invert and the range of their input.
 *
 * @throws UserError `no-such-sample`, `nothing-to-invert`, `data-empty`.
 */
export async function readInput(
  context: AnalysisContext,
  settings: InversionSettings,
): Promise<InvertedInput> {
  const { data, model } = context;
  if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
  const chosen = settings.samples?.split(',').map(Number);
  const batch = await firstRows(context, data, chosen);
  const { feeds } = batch;
  const name = invertibleInput(
    model.graph.inputs.map((input) => input.name),
    feeds,
  );
  const input = feeds[name];
  if (input === undefined) throw new Error(`The input ${name} is not fed.`);
  const channelAxis = channelAxisOf(model, name, input.dims.slice(1));
  const positionAxes = input.dims.map((_, axis) => axis).filter((axis) => axis > 0 && axis !== channelAxis);
  const hasPositions = input.dims.length > 2;
  const range = rangeOf(input, hasPositions ? channelAxis : undefined);
  if (!range.isFinite) throw notFinite(name);
  const numbers = toFloat64(input);
  const held = Object.keys(feeds).filter((other) => other !== name);
  return {
    name,
    ...batch,
    dims: input.dims,
    channelAxis,
    positionAxes: hasPositions ? positionAxes : [],
    centre: range.centre,
    half: range.half,
    z: numbers.map((number, at) => (number - range.centreAt(at)) / range.halfAt(at)),
    warnings:
      held.length === 0 ? [] : [`Held at the sample's own values and not looked for: ${held.join(', ')}.`],
  };
}

async function firstRows(
  { model, batchSize, signal, limit }: AnalysisContext,
  data: Dataset,
  chosen: readonly number[] | undefined,
): Promise<Pick<InvertedInput, 'rowCount' | 'availableCount' | 'ids' | 'feeds'>> {
  const outside = chosen?.find((row) => row < 0 || row >= data.sampleCount);
  if (outside !== undefined) throw noSuchSample(outside, data);
  const wanted = Math.min(chosen?.length ?? limit ?? defaultRowCount, data.sampleCount);
  const size = fixedBatchSize(model) === undefined ? wanted : batchSize;
  const order =
    chosen === undefined
      ? undefined
      : Uint32Array.from({ length: Math.max(size, wanted) }, (_, i) => chosen[i] ?? chosen.at(-1) ?? 0);
  const source = {
    batches: (...[options, aborted]: Parameters<Dataset['batches']>) =>
      data.batches(order === undefined ? options : { ...options, order }, aborted),
  };
  for await (const { batch, feeds } of fedBatches({ data: source, batchSize: size, signal }, model, size)) {
    const rowCount = Math.min(wanted, batch.sampleCount);
    return { rowCount, availableCount: data.sampleCount, ids: batch.ids.slice(0, rowCount), feeds };
  }
  throw noSamples(data.path);
}

function invertibleInput(names: readonly string[], feeds: Feeds): string {
  const found = names.find((name) => {
    const feed = feeds[name];
    return feed?.dtype === 'float32' && elementCountOf(feed.dims.slice(1)) > 1;
  });
  if (found !== undefined) return found;
  const types = names.map((name) => `${name}: ${feeds[name]?.dtype ?? 'not fed'}`).join(', ');
  throw new UserError(
    'nothing-to-invert',
    `No input of this model holds float32 numbers that could be moved along a gradient (inputs: ${types}). Choose a model that takes images or other real numbers; of token ids no step leads to others.`,
  );
}

/** Range of each channel, or of everything. */
function rangeOf(
  input: TensorValue,
  channelAxis: number | undefined,
): {
  readonly centre: TensorValue;
  readonly half: TensorValue;
  readonly isFinite: boolean;
  centreAt(element: number): number;
  halfAt(element: number): number;
} {
  const { dims } = input;
  const channelCount = channelAxis === undefined ? 1 : (dims[channelAxis] ?? 1);
  const inner = channelAxis === undefined ? input.data.length : elementCountOf(dims.slice(channelAxis + 1));
  const channelOf = (element: number): number => Math.floor(element / inner) % channelCount;
  const low = new Float64Array(channelCount).fill(Infinity);
  const high = new Float64Array(channelCount).fill(-Infinity);
  let isFinite = true;
  for (const [element, number] of toFloat64(input).entries()) {
    const channel = channelOf(element);
    if (!Number.isFinite(number)) isFinite = false;
    if (number < (low[channel] ?? 0)) low[channel] = number;
    if (number > (high[channel] ?? 0)) high[channel] = number;
  }
  const centres = Float32Array.from(low, (least, channel) => (least + (high[channel] ?? 0)) / 2);
  // A channel that never changes still has a unit.
  const halves = Float32Array.from(low, (least, channel) => ((high[channel] ?? 0) - least) / 2 || 1);
  const shape = dims.map((size, axis) => (axis === channelAxis ? size : 1));
  return {
    centre: float32Tensor(centres, shape),
    half: float32Tensor(halves, shape),
    isFinite,
    centreAt: (element) => centres[channelOf(element)] ?? 0,
    halfAt: (element) => halves[channelOf(element)] ?? 1,
  };
}

function noSuchSample(row: number, { path, sampleCount }: Dataset): UserError {
  return new UserError(
    'no-such-sample',
    `${path} has no sample ${String(row)}: it holds ${sampleCount.toLocaleString('en')}, counted from 0. Set samples to numbers from 0 to ${String(sampleCount - 1)}.`,
    { detail: { path, row } },
  );
}

function notFinite(name: string): UserError {
  return new UserError(
    'input-not-finite',
    `The samples hold NaN or infinities in "${name}", so there is no range to look in. Choose other samples with samples=…, or repair the data.`,
  );
}
