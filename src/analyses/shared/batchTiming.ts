import { noSamples } from '../../data/dataErrors.js';
import type { Batch, Dataset } from '../../data/dataset.js';
import type { Session } from '../../engine/runtime/session.js';
import type { WorkCost } from '../analysis.js';

/** A first batch that takes longer than this is not run again: what warming up adds no longer matters. */
const slowBatchMs = 2000;

/** What one batch took. */
export interface BatchTiming {
  readonly sampleCount: number;
  readonly readMs: number;
  readonly runMs: number;
}

/**
 * Times the second batch, or the first one again where there is no second.
 *
 * @throws UserError `data-empty` when there is no sample.
 */
export async function timeBatch(session: Session, data: Dataset, batchSize: number): Promise<BatchTiming> {
  let last: BatchTiming | undefined;
  let lastBatch: Batch | undefined;
  let startMs = performance.now();
  for await (const batch of data.batches({ batchSize, limit: 2 * batchSize })) {
    const readMs = performance.now() - startMs;
    const isFirst = last === undefined;
    last = { sampleCount: batch.sampleCount, readMs, runMs: await timeRun(session, batch) };
    lastBatch = batch;
    if (!isFirst || readMs + last.runMs > slowBatchMs) return last;
    startMs = performance.now();
  }
  if (last === undefined || lastBatch === undefined) throw noSamples(data.path);
  return { ...last, runMs: await timeRun(session, lastBatch) };
}

/** Of products summed up in float64 by one thread: 2.7 to 4.5 ns were measured for outer products, Cholesky and subspace iteration. */
const multiplyMs = 4e-6;

/** Returns about how long work takes, in milliseconds. */
export function durationMsOf(
  { passCount, readCount, multiplyCount = 0 }: WorkCost,
  timing: BatchTiming,
): number {
  const batchMs = passCount * timing.runMs + readCount * timing.readMs;
  return batchMs / timing.sampleCount + multiplyCount * multiplyMs;
}

async function timeRun(session: Session, { feeds }: Batch): Promise<number> {
  const startMs = performance.now();
  await session.run(feeds);
  return performance.now() - startMs;
}
