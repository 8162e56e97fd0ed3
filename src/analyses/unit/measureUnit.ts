import { throwIfAborted, yieldToEventLoop } from '../../base/abort.js';
import type { Random } from '../../base/random.js';
import { noSamples } from '../../data/dataErrors.js';
import { fedBatches, measureRms, pickFeeds, sampleTotalOf, type SweepRequest } from '../shared/sweep.js';
import { UnitFold } from './unitFold.js';
import { planUnit, type UnitPlan } from './unitPlan.js';
import type { UnitPlace } from './unitPlace.js';

/** What one neuron is measured on. */
export interface UnitRequest extends Pick<
  SweepRequest,
  'model' | 'data' | 'runtime' | 'batchSize' | 'limit' | 'signal' | 'epsilon'
> {
  /** Draws the random examples. */
  readonly random: Random;
  /** Top examples, and random ones. */
  readonly exampleCount: number;
  /** Called after every batch. */
  onBatch?(measured: MeasuredUnit, sampleTotal: number): void;
}

/** One neuron after some samples. */
export interface MeasuredUnit {
  readonly place: UnitPlace;
  readonly plan: UnitPlan;
  readonly fold: UnitFold;
  /** Samples of the whole data set. */
  readonly availableCount: number;
  /** Whether activity is relative to the RMS of the layer. */
  readonly hasRms: boolean;
}

/**
 * Measures one neuron in one pass of a graph that ends at it; only its own numbers leave the runtime.
 *
 * A neuron whose activity is relative to its layer's RMS takes a short pass over the first samples before.
 *
 * @throws UserError as `planUnit` does, and what reading or running throws.
 */
export async function measureUnit(request: UnitRequest, place: UnitPlace): Promise<MeasuredUnit> {
  const { data } = request;
  const plan = await planUnit(request, data, place);
  const rms = await measureRms({ ...request, model: plan.layerModel, targets: [plan.layer] });
  const layerRms = rms.get(plan.layer);
  const fold = new UnitFold({
    rule: place.rule,
    threshold: layerRms === undefined ? undefined : request.epsilon * layerRms,
    isDouble: plan.isDouble,
    tokenAxes: plan.tokenAxes,
    position: place.position,
    exampleCount: request.exampleCount,
    chosen: drawSamples(request.random, sampleTotalOf(request), request.exampleCount),
  });
  const hasRms = layerRms !== undefined;
  const measured: MeasuredUnit = { place, plan, fold, availableCount: data.sampleCount, hasRms };
  await foldBatches(request, measured);
  if (fold.statistics.sampleCount === 0) throw noSamples(data.path);
  return measured;
}

async function foldBatches(request: UnitRequest, measured: MeasuredUnit): Promise<void> {
  const { plan, fold } = measured;
  const sampleTotal = sampleTotalOf(request);
  const session = await request.runtime.open(plan.model);
  try {
    for await (const { batch, feeds, rowCount } of fedBatches(request, plan.model, sampleTotal)) {
      const values = await session.run(pickFeeds(feeds, session));
      const leaving = values[plan.leaving];
      if (leaving === undefined) throw new Error(`The output ${plan.leaving} is missing.`);
      const entering = plan.entering === undefined ? undefined : values[plan.entering];
      const { sampleCount, firstIndex } = batch;
      fold.add({ sampleCount, rowCount, firstIndex, leaving, entering, mask: feeds[plan.maskInput] });
      request.onBatch?.(measured, sampleTotal);
      await yieldToEventLoop();
      throwIfAborted(request.signal);
    }
  } finally {
    await session.close();
  }
}

function drawSamples(random: Random, sampleTotal: number, count: number): ReadonlySet<number> {
  return new Set(random.permutation(sampleTotal).subarray(0, count));
}
