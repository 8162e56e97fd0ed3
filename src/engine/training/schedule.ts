/** How the learning rate changes while training goes on, as a factor of the one that was set. */
export interface Schedule {
  /**
   * - `constant`: 1 throughout.
   * - `linear`: from 1 straight to `final`.
   * - `cosine`: from 1 along half a cosine to `final`.
   * - `step`: times `factor` after every `everyEpochs` epochs.
   */
  readonly kind: 'constant' | 'linear' | 'cosine' | 'step';
  /** Factor at the end of `linear` and `cosine`; default 0. */
  readonly final?: number;
  /** Epochs between the steps of `step`; default 1. */
  readonly everyEpochs?: number;
  /** What a step multiplies by; default 0.1. */
  readonly factor?: number;
  /** Steps over which the factor first rises in equal parts up to 1; `linear` and `cosine` begin after them. */
  readonly warmUpSteps?: number;
}

/** Where training stands before a step. */
export interface ScheduleTime {
  /** Steps done. */
  readonly step: number;
  /** Steps in all. */
  readonly stepCount: number;
  /** Epochs done, with fraction. */
  readonly epoch: number;
  readonly epochCount: number;
}

/**
 * Returns the factor of the learning rate.
 *
 * With t = the share of training that is done after warm-up: linear 1 − (1 − final)·t, cosine
 * final + (1 − final)·(1 + cos πt)/2. Source of the cosine: Loshchilov & Hutter (2017), "SGDR", eq. 5,
 * https://arxiv.org/abs/1608.03983
 */
export function scheduleFactor(schedule: Schedule, time: ScheduleTime): number {
  const { warmUpSteps = 0, final = 0 } = schedule;
  if (time.step < warmUpSteps) return (time.step + 1) / warmUpSteps;
  const warmUpShare = warmUpSteps / time.stepCount;
  const done = Math.min(1, (time.epoch / time.epochCount - warmUpShare) / (1 - warmUpShare));
  switch (schedule.kind) {
    case 'constant':
      return 1;
    case 'linear':
      return 1 - (1 - final) * done;
    case 'cosine':
      return final + ((1 - final) * (1 + Math.cos(Math.PI * done))) / 2;
    case 'step':
      return (schedule.factor ?? 0.1) ** Math.floor(time.epoch / (schedule.everyEpochs ?? 1));
  }
}
