import { Cancelled } from '../../../base/abort.js';
import { messageOf } from '../../../base/errors.js';
import type { EstimateState } from '../../../protocol/views/runMessages.js';
import type { TimeEstimate } from '../estimateRun.js';

/** Estimates once nothing has changed for this long: a batch is run for it. */
const quietMs = 600;

/** Makes one estimate; undefined when there is nothing to estimate. */
export type Estimate = (signal: AbortSignal) => Promise<TimeEstimate> | undefined;

/** The estimate of a form: made anew when values have settled, stopped when they change again. */
export class EstimateKeeper {
  private readonly estimate: Estimate;
  private readonly changed: () => void;
  private current: EstimateState = { kind: 'none' };
  private timer: NodeJS.Timeout | undefined;
  private abort: AbortController | undefined;

  constructor(estimate: Estimate, changed: () => void) {
    this.estimate = estimate;
    this.changed = changed;
  }

  get state(): EstimateState {
    return this.current;
  }

  /** Estimates when it has been quiet for a while. */
  soon(): void {
    this.stop();
    this.timer = setTimeout(() => void this.now(), quietMs);
  }

  /** Estimates at once. */
  async now(): Promise<void> {
    this.stop();
    const abort = new AbortController();
    const pending = this.estimate(abort.signal);
    if (pending === undefined) return;
    this.abort = abort;
    this.set({ kind: 'estimating' });
    try {
      const { durationMs, how } = await pending;
      if (!abort.signal.aborted) this.set({ kind: 'known', durationMs, how });
    } catch (error) {
      if (error instanceof Cancelled || abort.signal.aborted) return;
      this.set({ kind: 'unknown', reason: messageOf(error) });
    }
  }

  /** Stops estimating; nothing is known until it is asked again. */
  stop(): void {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = undefined;
    if (this.current.kind !== 'none') this.set({ kind: 'none' });
  }

  private set(state: EstimateState): void {
    this.current = state;
    this.changed();
  }
}
