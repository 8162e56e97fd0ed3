import { type Random, type RandomState, restoreRandom } from '../../base/random.js';

/** Where training stands between two steps. */
export interface TrainingPlace {
  /** Steps done. */
  readonly step: number;
  /** The epoch the next step belongs to, from 0. */
  readonly epoch: number;
  /** Samples of that epoch that are done. */
  readonly samplesDone: number;
  /** Where the generator stood before that epoch was shuffled. */
  readonly epochRandom: RandomState;
  /** Where the generator stands now. */
  readonly random: RandomState;
}

/** How samples are divided into steps. */
export interface EpochPlan {
  readonly epochCount: number;
  readonly sampleCount: number;
  readonly batchSize: number;
  /** Whether samples are shuffled anew each epoch; default true. */
  readonly shuffles?: boolean;
}

/** The samples of one step. */
export interface PlannedStep {
  /** Where training stands before the step. */
  readonly before: Omit<TrainingPlace, 'random'>;
  readonly samples: Uint32Array;
  /** Where training stands after the step; asked once the step's feeds are drawn from the generator. */
  after(): TrainingPlace;
}

/** Returns how many steps a plan has. */
export function stepCountOf({ epochCount, sampleCount, batchSize }: EpochPlan): number {
  return epochCount * Math.ceil(sampleCount / batchSize);
}

/** Yields the steps of a plan from a place on; the generator shuffles each epoch when its first step is asked for. */
export function* planSteps(plan: EpochPlan, random: Random, start?: TrainingPlace): Generator<PlannedStep> {
  const { epochCount, sampleCount, batchSize } = plan;
  let step = start?.step ?? 0;
  let from = start?.samplesDone ?? 0;
  for (let epoch = start?.epoch ?? 0; epoch < epochCount; epoch++) {
    const isResumed = from > 0 && start !== undefined;
    const epochRandom = isResumed ? start.epochRandom : random.state();
    const order = orderOf(plan, isResumed ? restoreRandom(epochRandom) : random);
    for (; from < sampleCount; from += batchSize) {
      const samples = order.subarray(from, from + batchSize);
      const at = { step, epoch, samplesDone: from, epochRandom };
      step++;
      const done = { step, ...placeAfter(at, samples.length, sampleCount) };
      yield {
        before: at,
        samples,
        after: () => ({ ...done, random: random.state() }),
      };
    }
    from = 0;
  }
}

function orderOf({ sampleCount, shuffles = true }: EpochPlan, random: Random): Uint32Array {
  return shuffles ? random.permutation(sampleCount) : Uint32Array.from({ length: sampleCount }, (_, i) => i);
}

function placeAfter(
  { epoch, samplesDone, epochRandom }: Omit<TrainingPlace, 'random'>,
  batchSize: number,
  sampleCount: number,
): Omit<TrainingPlace, 'random' | 'step'> {
  const done = samplesDone + batchSize;
  return done < sampleCount
    ? { epoch, samplesDone: done, epochRandom }
    : { epoch: epoch + 1, samplesDone: 0, epochRandom };
}
