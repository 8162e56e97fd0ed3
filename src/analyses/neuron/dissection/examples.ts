import type { Dataset } from '../../../data/dataset.js';
import { pictureOf } from '../../../data/picture.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { OverlayBlock, Picture } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { channelAxisOf } from '../../shared/layout.js';
import { rowPixels } from '../../shared/rowPixels.js';
import { filledOrder, fixedBatchSize } from '../../shared/fixedBatch.js';
import { type DissectionRequest, enlarge, mapBatches, type ThresholdPass } from './measure.js';

/** A unit whose examples are shown. */
export interface ShownUnit {
  readonly unit: number;
  /** `features.3[42] · circle`. */
  readonly caption: string;
}

type Item = OverlayBlock['items'][number];

/** Sides of an example, at most: more cannot be told apart among others. */
const maxSide = 112;

/**
 * Returns, for each unit, the samples with its largest activations and where on them it is above its threshold, as a share of
 * its largest activation; undefined where maps have no two position axes.
 */
export async function exampleOverlay(
  request: DissectionRequest & { readonly model: Model },
  { thresholds, maxima, top }: ThresholdPass,
  { units, dims }: { readonly units: readonly ShownUnit[]; readonly dims: readonly number[] },
): Promise<OverlayBlock | undefined> {
  if (request.plan.dims.length !== 2 || units.length === 0) return undefined;
  const shownDims = dims.map((size) => Math.min(size, maxSide));
  const samplesOf = (unit: number): number[] =>
    [...top.ids.subarray(unit * top.k, (unit + 1) * top.k)].filter((id) => id >= 0);
  const itemOf = ({ unit, caption }: ShownUnit, { map, id, base }: SampleMap): Item => ({
    ...(base === undefined ? {} : { base }),
    width: shownDims[1] ?? 1,
    height: shownDims[0] ?? 1,
    values: above(enlarge(map, { plan: request.plan, dims: shownDims }), {
      threshold: thresholds[unit] ?? NaN,
      maximum: maxima[unit] ?? NaN,
    }),
    caption: `${caption} · ${id}`,
  });
  const found = new Map<string, Item>();
  const keyOf = (unit: number, sample: number): string => `${String(unit)}:${String(sample)}`;
  const samples = [...new Set(units.flatMap(({ unit }) => samplesOf(unit)))].sort((a, b) => a - b);
  for await (const { sample, id, base, mapOf } of chosenSamples(request, samples)) {
    for (const shown of units.filter(({ unit }) => samplesOf(unit).includes(sample))) {
      found.set(keyOf(shown.unit, sample), itemOf(shown, { map: mapOf(shown.unit), id, base }));
    }
  }
  return overlayOf(
    units,
    units.flatMap(({ unit }) => samplesOf(unit).flatMap((sample) => found.get(keyOf(unit, sample)) ?? [])),
  );
}

function overlayOf(units: readonly ShownUnit[], items: OverlayBlock['items']): OverlayBlock {
  return {
    type: 'overlay',
    title: 'Where the best detectors fire',
    alt: `The samples with the largest activations of ${String(units.length)} units; marked is where a unit is above its threshold.`,
    items,
    scale: 'sequential',
    limit: 1,
    unit: 'of the unit’s largest activation',
  };
}

/** A sample as it is shown for one unit. */
interface SampleMap {
  readonly map: Float32Array | Float64Array;
  readonly id: string;
  readonly base: Picture | undefined;
}

interface ChosenSample extends Omit<SampleMap, 'map'> {
  readonly sample: number;
  readonly mapOf: (unit: number) => SampleMap['map'];
}

/** Runs some samples again. */
async function* chosenSamples(
  request: DissectionRequest & { readonly model: Model },
  samples: readonly number[],
): AsyncIterable<ChosenSample> {
  for await (const { batch, mapOf } of mapBatches(inOrder(request, samples))) {
    for (let row = 0; row < batch.sampleCount; row++) {
      const sample = samples[batch.firstIndex + row];
      if (sample === undefined) continue;
      const id = batch.ids[row] ?? '';
      const base = basePicture(request.model, batch.feeds, { row, id });
      yield { sample, id, base, mapOf: (unit) => mapOf(row, unit) };
    }
  }
}

/** The request on some samples only; a batch of fixed size is filled with the last of them again. */
function inOrder(
  request: DissectionRequest,
  samples: readonly number[],
): Omit<DissectionRequest, 'data'> & { readonly data: Pick<Dataset, 'batches'> } {
  const { data, plan, batchSize } = request;
  const order = filledOrder(samples, fixedBatchSize(plan.model) === undefined ? 1 : batchSize);
  return {
    ...request,
    sampleTotal: order.length,
    data: { batches: (options, signal) => data.batches({ ...options, order }, signal) },
  };
}

function above(
  map: Float64Array,
  { threshold, maximum }: { readonly threshold: number; readonly maximum: number },
): Item['values'] {
  return Array.from(map, (value) =>
    value > threshold ? toReportNumber(Number((value / maximum).toPrecision(3))) : 0,
  );
}

/** The first input that is a picture. */
function basePicture(
  model: Model,
  feeds: Feeds,
  { row, id }: { readonly row: number; readonly id: string },
): Picture | undefined {
  for (const [name, tensor] of Object.entries(feeds)) {
    if (!dataTypeFacts(tensor.dtype).isFloat && tensor.dtype !== 'uint8') continue;
    const dims = tensor.dims.slice(1);
    const size = tensor.data.length / (tensor.dims[0] ?? 1);
    if (dims.length < 2 || Array.isArray(tensor.data)) continue;
    const elements = toFloat64({ ...tensor, data: tensor.data.subarray(row * size, (row + 1) * size) });
    const pixels = rowPixels({ dims, channelAxis: channelAxisOf(model, name, dims), elements }, 0);
    if (pixels !== undefined) return pictureOf(pixels, `Sample ${id}`);
  }
  return undefined;
}
