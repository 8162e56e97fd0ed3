import { UserError } from '../../../base/errors.js';
import { noSamples } from '../../../data/dataErrors.js';
import type { Dataset } from '../../../data/dataset.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { createRangeFold, type InputRange } from '../../shared/descent/inputRange.js';
import { type MovableInput, movableInput } from '../../shared/descent/movableInput.js';
import { fixedBatchSize } from '../../shared/fixedBatch.js';
import { fedBatches } from '../../shared/sweep.js';
import { defaultRowCount, type InversionSettings } from './settings.js';

/** The samples that are inverted, as the model is fed them: the input that is looked for; the others are held. */
export interface InvertedInput extends MovableInput {
  /** Rows that count; a batch of fixed size holds further ones. */
  readonly rowCount: number;
  readonly availableCount: number;
  readonly ids: readonly string[];
  readonly feeds: Feeds;
  readonly range: InputRange;
  /** The samples as z. */
  readonly z: Float64Array;
  readonly warnings: readonly string[];
}

/**
 * Reads the samples to invert and the range of their input.
 *
 * @throws UserError `no-such-sample`, `nothing-to-move`, `data-empty`.
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
  const { value, heldNames, ...input } = movableInput(model, feeds);
  const numbers = toFloat64(value);
  const fold = createRangeFold(input.dims, input.rangeAxis);
  if (!fold.add(numbers)) throw notFinite(input.name);
  const range = fold.range();
  return {
    ...input,
    ...batch,
    range,
    z: range.toZ(numbers),
    warnings:
      heldNames.length === 0
        ? []
        : [`Held at the sample's own values and not looked for: ${heldNames.join(', ')}.`],
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
