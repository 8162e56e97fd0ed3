import { UserError } from '../../../base/errors.js';
import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { noSamples } from '../../../data/dataErrors.js';
import type { Batch, Dataset } from '../../../data/dataset.js';
import { resize } from '../../../engine/numeric/resize.js';
import { createTopK, offer, type TopK } from '../../../engine/numeric/topK.js';
import type { Runtime } from '../../../engine/runtime/session.js';
import { elementCountOf, type TensorValue } from '../../../onnx/tensorValue.js';
import { fedBatches, pickFeeds } from '../../shared/sweep.js';
import { createBits, setBit } from './bits.js';
import type { Concepts } from './concepts.js';
import { Overlaps } from './overlaps.js';
import { Thresholds } from './thresholds.js';
import type { UnitMapPlan } from './unitMaps.js';

/** What a layer is dissected with. */
export interface DissectionRequest {
  readonly plan: UnitMapPlan;
  readonly data: Dataset;
  readonly runtime: Runtime;
  readonly batchSize: number;
  readonly signal: AbortSignal;
  readonly sampleTotal: number;
  /** Called after every batch with the samples of this pass that are done. */
  onBatch(sampleCount: number): void;
}

/** What a pass over the activations found. */
export interface ThresholdPass {
  readonly thresholds: Float64Array;
  /** Largest activation of each unit, `[U]`. */
  readonly maxima: Float64Array;
  /** Samples with each unit's largest activations. */
  readonly top: TopK;
  readonly sampleCount: number;
  readonly labels: Int32Array | undefined;
  /** Elements that are NaN. */
  readonly nanCount: number;
}

/** Runs the samples once and returns the threshold of every unit. */
export async function findThresholds(
  request: DissectionRequest,
  options: { readonly quantile: number; readonly topCount: number },
): Promise<ThresholdPass> {
  const { plan, data } = request;
  const { unitCount } = plan;
  const thresholds = new Thresholds(plan, options.quantile, request.sampleTotal);
  const top = createTopK(unitCount, options.topCount);
  const labels: number[] = [];
  let sampleCount = 0;
  for await (const { batch, mapOf } of mapBatches(request)) {
    for (let sample = 0; sample < batch.sampleCount; sample++) {
      for (let unit = 0; unit < unitCount; unit++) {
        const map = mapOf(sample, unit);
        thresholds.add(unit, map);
        offer(top, unit, { value: largestOf(map), id: batch.firstIndex + sample });
      }
    }
    labels.push(...(batch.labels ?? []));
    sampleCount += batch.sampleCount;
    request.onBatch(sampleCount);
  }
  if (sampleCount === 0) throw noSamples(data.path);
  const seen = sampleCount * elementCountOf(plan.dims);
  return {
    thresholds: thresholds.values(),
    maxima: Float64Array.from({ length: unitCount }, (_, unit) => top.values[unit * top.k] ?? NaN),
    top,
    sampleCount,
    labels: data.hasLabels ? Int32Array.from(labels) : undefined,
    nanCount: thresholds.counts.reduce((sum, count) => sum + seen - count, 0),
  };
}

/** Runs the samples again and counts how the masks of units and concepts overlap; `partial` is told after every batch. */
export async function countOverlaps(
  request: DissectionRequest,
  { thresholds, concepts }: { readonly thresholds: Float64Array; readonly concepts: Concepts },
  partial: (overlaps: Overlaps, sampleCount: number) => void,
): Promise<Overlaps> {
  const { plan } = request;
  const overlaps = new Overlaps(plan.unitCount, concepts.names.length);
  const dims = concepts.dims ?? plan.dims;
  const reader = await concepts.open();
  try {
    let sampleCount = 0;
    for await (const { batch, mapOf } of mapBatches(request)) {
      for (let sample = 0; sample < batch.sampleCount; sample++) {
        const units = new Map<number, Uint32Array>();
        for (let unit = 0; unit < plan.unitCount; unit++) {
          const mask = unitMask(mapOf(sample, unit), { plan, dims, threshold: thresholds[unit] ?? NaN });
          if (mask !== undefined) units.set(unit, mask);
        }
        overlaps.add(await reader.read(batch.firstIndex + sample, elementCountOf(dims)), units);
      }
      sampleCount += batch.sampleCount;
      request.onBatch(sampleCount);
      partial(overlaps, sampleCount);
    }
  } finally {
    await reader.close();
  }
  return overlaps;
}

/** A batch with the maps of its samples. */
export interface MapBatch {
  readonly batch: Batch;
  /** Returns a unit's map of a sample of the batch, row-major over the position axes (a view). */
  readonly mapOf: (sample: number, unit: number) => Float32Array | Float64Array;
}

/** Streams the maps of all units, one batch after the other. */
export async function* mapBatches(
  request: Pick<DissectionRequest, 'plan' | 'runtime' | 'batchSize' | 'signal' | 'sampleTotal'> & {
    readonly data: Pick<Dataset, 'batches'>;
  },
): AsyncIterable<MapBatch> {
  const { plan, runtime, sampleTotal, signal } = request;
  const size = elementCountOf(plan.dims);
  const session = await runtime.open(plan.model);
  try {
    for await (const { batch, feeds } of fedBatches(request, plan.model, sampleTotal)) {
      const outputs = await session.run(pickFeeds(feeds, session));
      const data = mapData(plan, outputs[plan.output], batch.ids[0] ?? '?');
      yield {
        batch,
        mapOf: (sample, unit) => {
          const start = (sample * plan.unitCount + unit) * size;
          return data.subarray(start, start + size);
        },
      };
      await yieldToEventLoop();
      throwIfAborted(signal);
    }
  } finally {
    await session.close();
  }
}

function mapData(
  { layer, unitCount, dims }: UnitMapPlan,
  maps: TensorValue | undefined,
  id: string,
): Float32Array | Float64Array {
  const data = maps?.data;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) {
    throw new Error(`The maps of ${layer} are missing or hold no floats.`);
  }
  const sizes = maps?.dims.slice(1) ?? [];
  if (sizes.join() === [unitCount, ...dims].join()) return data;
  throw new UserError(
    'samples-differ',
    `${layer} gives maps of ${dims.join(' × ')} on the first sample and of ${sizes.slice(1).join(' × ')} on ${id}. Give samples of one size.`,
    { detail: { layer, sample: id } },
  );
}

/** Returns a map enlarged to some sizes, in the map's own precision: a border repeated must not round above itself. */
export function enlarge(
  map: Float32Array | Float64Array,
  { plan, dims }: { readonly plan: UnitMapPlan; readonly dims: readonly number[] },
): Float64Array {
  const values = Float64Array.from(map);
  if (plan.dims.join() === dims.join()) return values;
  const enlarged = resize(values, plan.dims, dims, 'bilinear');
  return plan.isDouble ? enlarged : enlarged.map(Math.fround);
}

/** The positions where the enlarged map is above the threshold; undefined where there are none. */
function unitMask(
  map: Float32Array | Float64Array,
  options: { readonly plan: UnitMapPlan; readonly dims: readonly number[]; readonly threshold: number },
): Uint32Array | undefined {
  const { threshold } = options;
  // What lies between activations is above the threshold only where one of them is.
  if (!(largestOf(map) > threshold)) return undefined;
  const enlarged = enlarge(map, options);
  const bits = createBits(enlarged.length);
  for (let position = 0; position < enlarged.length; position++) {
    if ((enlarged[position] ?? NaN) > threshold) setBit(bits, position);
  }
  return bits;
}

/** NaN is never the largest; −∞ where there is nothing else. */
function largestOf(map: Float32Array | Float64Array): number {
  let largest = -Infinity;
  for (const value of map) if (value > largest) largest = value;
  return largest;
}
