import type { MeasurementEstimate, QuickMeasurement } from '../../../protocol/views/neuronMessages.js';
import type { ProfileTiming } from './profileStore.js';

/** An estimate with the samples it is of. */
export interface TimedEstimate extends MeasurementEstimate {
  readonly sampleCount: number;
}

/** Time under which a measurement needs no question. */
export const quickMs = 3000;

/** Time from which fewer samples are offered too. */
const longMs = 10_000;

/** Fewer samples say too little to be offered. */
const leastQuickSamples = 100;

/** Returns what all samples will take, as long as some of them took for another neuron. */
export function estimateFrom({
  address,
  durationMs,
  sampleCount,
  sampleTotal,
}: ProfileTiming): TimedEstimate {
  const ratio = sampleCount === 0 ? 1 : sampleTotal / sampleCount;
  return {
    durationMs: durationMs * ratio,
    sampleCount: sampleTotal,
    how: { kind: 'neuron', address },
  };
}

/** Returns what fewer samples will take. */
export function scaledTo(estimate: TimedEstimate | null, limit: number | undefined): TimedEstimate | null {
  if (estimate === null || limit === undefined || estimate.sampleCount === 0) return estimate;
  const ratio = Math.min(1, limit / estimate.sampleCount);
  return { ...estimate, durationMs: estimate.durationMs * ratio, sampleCount: limit };
}

/** Returns how many samples take about 3 s, one digit of them, where all take long; null where they do not. */
export function quickOf(estimate: TimedEstimate | null): QuickMeasurement | null {
  if (estimate === null || estimate.durationMs < longMs) return null;
  const fitting = (estimate.sampleCount * quickMs) / estimate.durationMs;
  const digit = 10 ** Math.floor(Math.log10(Math.max(1, fitting)));
  const limit = Math.max(leastQuickSamples, Math.floor(fitting / digit) * digit);
  if (limit >= estimate.sampleCount) return null;
  return { limit, durationMs: (estimate.durationMs * limit) / estimate.sampleCount };
}
