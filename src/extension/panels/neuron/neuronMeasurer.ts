import { basename } from 'node:path';
import { Cancelled } from '../../../base/abort.js';
import { messageOf, UserError } from '../../../base/errors.js';
import type { FileStamp } from '../../../protocol/structure.js';
import type { UnitProfile } from '../../../protocol/units.js';
import type {
  FailureRemedy,
  MeasurementState,
  ShownProfile,
  StaleReason,
} from '../../../protocol/views/neuronMessages.js';
import { estimateFrom, quickMs, quickOf, scaledTo, type TimedEstimate } from './measurementEstimates.js';
import type { ProfileKey, ProfileTiming, StoredProfile } from './profileStore.js';

/** What a neuron may be measured with, now. */
export interface MeasuringConditions {
  readonly modelPath: string;
  readonly modelStamp: FileStamp;
  readonly dataPath: string | undefined;
  readonly isTrusted: boolean;
  /** What else keeps the engine busy; undefined while it is free or works for this page. */
  readonly engineActivity: string | undefined;
}

/** What is asked of the engine. */
export interface MeasureOptions {
  readonly address: string;
  readonly dataPath: string;
  /** Samples at most; absent: all. */
  readonly limit?: number;
}

/** What is heard of a measurement before it ends. */
export interface MeasureListener {
  readonly signal: AbortSignal;
  onProgress(fractionDone: number, message: string): void;
  /** What is known so far, without examples. */
  onPartial(profile: UnitProfile): void;
}

/** What the measurer needs from its surroundings. */
export interface MeasurerHost {
  readonly profiles: {
    load(key: ProfileKey): Promise<StoredProfile | undefined>;
    save(key: ProfileKey, stored: StoredProfile): Promise<void>;
    timing(key: Omit<ProfileKey, 'address'>): Promise<ProfileTiming | undefined>;
  };
  /** What measurements are made with besides data and limit, as text to compare. */
  readonly settings: string;
  conditions(): MeasuringConditions;
  /** Returns text that changes when the data do. */
  dataStampOf(dataPath: string): Promise<string>;
  /** Asks the engine; rejects with Cancelled when the signal was aborted. */
  measure(options: MeasureOptions, listener: MeasureListener): Promise<UnitProfile>;
  /** Returns how long all samples will take, when something other than a measured neuron tells. */
  estimate(dataPath: string): Promise<TimedEstimate | null>;
  now(): Date;
  wait(durationMs: number): Promise<void>;
  show(state: MeasurementState): void;
  showProfile(shown: ShownProfile | null): void;
  warn(message: string): void;
}

/** A neuron to be measured. */
export interface MeasuredNeuron {
  readonly address: string;
  readonly isInBody: boolean;
}

/** A measurement that is wanted or under way. */
interface Want extends MeasureOptions {
  /** Not asked for by a person: dropped when the page goes on. */
  readonly isAutomatic: boolean;
  readonly estimate: TimedEstimate | null;
  readonly abort: AbortController;
  fractionDone: number;
  message: string;
  hasBegun: boolean;
  partial: UnitProfile | undefined;
}

/** How long a neuron is looked at before it is measured unasked: walking through a layer measures nothing. */
const settleMs = 300;

/**
 * Measures the neurons of one model's page: at once where that is known to be quick, on a click otherwise, one after
 * another. What a person asked for goes on while they look at another neuron, and is kept for when they come back; what
 * nobody asked for is dropped when they leave, unless it has begun: ending the engine's process costs more than the
 * moment it still needs.
 */
export class NeuronMeasurer {
  private readonly host: MeasurerHost;
  private current: MeasuredNeuron | undefined;
  private stored: StoredProfile | undefined;
  private estimate: TimedEstimate | null = null;
  private running: Want | undefined;
  private isWorking = false;
  private queue: Want[] = [];
  /** How measurements ended that left no profile, until they are asked for again. */
  private readonly ended = new Map<string, MeasurementState>();
  /** Conditions of the last look, to tell whether another is due. */
  private lookedUpWith = '';
  /** Counts visits and changes, so that what was looked up for an earlier one is dropped. */
  private visitCount = 0;

  constructor(host: MeasurerHost) {
    this.host = host;
  }

  /** The page shows another neuron, or none. */
  async visit(neuron: MeasuredNeuron | undefined): Promise<void> {
    this.current = neuron;
    this.queue = this.queue.filter((want) => !want.isAutomatic);
    if (neuron !== undefined && this.ended.get(neuron.address)?.kind === 'cancelled') {
      this.ended.delete(neuron.address);
    }
    await this.lookUp();
  }

  /** Something changed that is not of the page: data, trust, the model, what the engine does. */
  async refresh(): Promise<void> {
    if (this.conditionsText() === this.lookedUpWith) {
      this.showState();
      return;
    }
    this.ended.clear();
    await this.lookUp();
  }

  /** Measures a neuron because a person asked for it. */
  measure(address: string, limit?: number): void {
    const { current } = this;
    const { dataPath, isTrusted } = this.host.conditions();
    if (current?.address !== address || current.isInBody || dataPath === undefined || !isTrusted) return;
    if (this.wantOf(address) !== undefined) return;
    this.want({ address, dataPath, ...(limit === undefined ? {} : { limit }) }, false);
  }

  /** Stops measuring a neuron, whether it has begun or waits. */
  cancel(address: string): void {
    const want = this.wantOf(address);
    if (want === undefined) return;
    this.queue = this.queue.filter((other) => other !== want);
    this.ended.set(address, { kind: 'cancelled', estimate: want.estimate });
    want.abort.abort();
    this.showState();
  }

  /** The page was closed: nothing goes on but what is about to finish. */
  dispose(): void {
    this.current = undefined;
    this.visitCount++;
    this.queue = [];
    const { running } = this;
    if (running !== undefined && !running.isAutomatic) running.abort.abort();
  }

  private async lookUp(): Promise<void> {
    const visit = ++this.visitCount;
    const { current, host } = this;
    this.stored = undefined;
    this.estimate = null;
    this.lookedUpWith = this.conditionsText();
    if (current === undefined) return;
    const { modelPath, dataPath } = host.conditions();
    if (dataPath === undefined) {
      host.showProfile(null);
      this.showState();
      return;
    }
    if (this.wantOf(current.address) === undefined) host.show({ kind: 'looking' });
    const [stored, timing, dataStamp] = await Promise.all([
      host.profiles.load({ modelPath, dataPath, address: current.address }),
      host.profiles.timing({ modelPath, dataPath }),
      host.dataStampOf(dataPath),
    ]);
    if (visit !== this.visitCount) return;
    const stale = stored === undefined ? null : this.staleReason(stored, dataStamp);
    const partial = this.wantOf(current.address)?.partial;
    if (partial !== undefined) this.showPartial(partial, dataPath);
    else host.showProfile(stored === undefined ? null : shownProfile(stored, { dataPath, stale }));
    this.stored = stale === null ? stored : undefined;
    this.estimate = timing === undefined ? null : estimateFrom(timing);
    this.showState();
    if (this.isOffered()) await this.offer(visit, dataPath);
  }

  private staleReason(stored: StoredProfile, dataStamp: string): StaleReason | null {
    if (!isSameFile(stored.modelStamp, this.host.conditions().modelStamp)) return 'model';
    if (stored.dataStamp !== dataStamp) return 'data';
    return stored.settings === this.host.settings ? null : 'settings';
  }

  /** Measures at once where the last time was quick; otherwise finds out how long it will take. */
  private async offer(visit: number, dataPath: string): Promise<void> {
    const { current, host, estimate } = this;
    await host.wait(settleMs);
    if (visit !== this.visitCount || current === undefined || !this.isOffered()) return;
    if (estimate !== null) {
      const isFree = host.conditions().engineActivity === undefined;
      if (estimate.durationMs < quickMs && isFree) this.want({ address: current.address, dataPath }, true);
      return;
    }
    const found = await host.estimate(dataPath).catch((error: unknown) => {
      // Only the button's "≈ 4 s" is lost; measuring itself tells what is wrong.
      host.warn(`No estimate for measuring ${current.address}: ${messageOf(error)}`);
      return null;
    });
    if (visit !== this.visitCount) return;
    this.estimate = found;
    if (this.isOffered()) this.showState();
  }

  private want(options: MeasureOptions, isAutomatic: boolean): void {
    this.ended.delete(options.address);
    this.queue.push({
      ...options,
      isAutomatic,
      estimate: scaledTo(this.estimate, options.limit),
      abort: new AbortController(),
      fractionDone: 0,
      message: '',
      hasBegun: false,
      partial: undefined,
    });
    void this.work();
    this.showState();
  }

  private async work(): Promise<void> {
    if (this.isWorking) return;
    this.isWorking = true;
    for (let want = this.queue.shift(); want !== undefined; want = this.queue.shift()) {
      this.running = want;
      this.showState();
      const profile = await this.profileOf(want);
      this.running = undefined;
      if (profile !== undefined) await this.keep(want, profile);
      else this.showState();
    }
    this.isWorking = false;
  }

  private async profileOf(want: Want): Promise<StoredProfile | undefined> {
    const { host } = this;
    const { modelStamp } = host.conditions();
    const { signal } = want.abort;
    try {
      const dataStamp = await host.dataStampOf(want.dataPath);
      const onProgress = (fractionDone: number, message: string): void => {
        Object.assign(want, { fractionDone, message, hasBegun: true });
        this.showState();
      };
      const onPartial = (partial: UnitProfile): void => {
        want.partial = partial;
        if (want.address === this.current?.address) this.showPartial(partial, want.dataPath);
      };
      const profile = await host.measure(want, { signal, onProgress, onPartial });
      const createdAt = host.now().toISOString();
      return { profile, createdAt, modelStamp, dataStamp, settings: host.settings };
    } catch (error) {
      this.ended.set(want.address, endOf(error, want));
      const isExpected = error instanceof UserError || error instanceof Cancelled;
      if (!isExpected) host.warn(`Measuring ${want.address} failed: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Stores a profile, and shows it where the page still shows its neuron. */
  private async keep({ address, dataPath }: Want, stored: StoredProfile): Promise<void> {
    const { host } = this;
    const { modelPath } = host.conditions();
    // Cancelled just too late.
    this.ended.delete(address);
    if (address === this.current?.address && dataPath === host.conditions().dataPath) {
      // Looked up before it is on disk, it would be gone again.
      this.visitCount++;
      this.stored = stored;
      host.showProfile(shownProfile(stored, { dataPath, stale: null }));
      this.showState();
    }
    try {
      await host.profiles.save({ modelPath, dataPath, address }, stored);
    } catch (error) {
      host.warn(`The measurement of ${address} is not kept: ${messageOf(error)}`);
    }
  }

  private conditionsText(): string {
    const { modelPath, modelStamp, dataPath, isTrusted } = this.host.conditions();
    return JSON.stringify([modelPath, modelStamp, dataPath, isTrusted]);
  }

  private showPartial(profile: UnitProfile, dataPath: string): void {
    const createdAt = this.host.now().toISOString();
    const dataName = basename(dataPath);
    this.host.showProfile({ profile, isPartial: true, createdAt, dataName, stale: null });
  }

  private showState(): void {
    if (this.current !== undefined) this.host.show(this.stateOf(this.current));
  }

  private isOffered(): boolean {
    return this.current !== undefined && this.stateOf(this.current).kind === 'offered';
  }

  private stateOf({ address, isInBody }: MeasuredNeuron): MeasurementState {
    if (isInBody) return { kind: 'in-body' };
    const want = this.wantOf(address);
    if (want !== undefined) return this.stateOfWant(want);
    const ended = this.ended.get(address);
    if (ended !== undefined) return ended;
    if (this.stored !== undefined) return { kind: 'done' };
    const { isTrusted, dataPath } = this.host.conditions();
    if (!isTrusted) return { kind: 'restricted' };
    if (dataPath === undefined) return { kind: 'no-data' };
    const { estimate } = this;
    const other = this.running === undefined || this.running.isAutomatic ? null : this.running.address;
    return { kind: 'offered', dataName: basename(dataPath), estimate, quick: quickOf(estimate), other };
  }

  private stateOfWant(want: Want): MeasurementState {
    const { running } = this;
    if (running !== want) return { kind: 'waiting', activity: running?.address ?? '' };
    const { engineActivity } = this.host.conditions();
    if (!want.hasBegun && engineActivity !== undefined) return { kind: 'waiting', activity: engineActivity };
    const { fractionDone, message, estimate } = want;
    return { kind: 'measuring', fractionDone, message, estimate };
  }

  private wantOf(address: string): Want | undefined {
    const isWanted = (want: Want | undefined): want is Want =>
      want?.address === address && !want.abort.signal.aborted;
    return isWanted(this.running) ? this.running : this.queue.find(isWanted);
  }
}

function shownProfile(
  { profile, createdAt }: StoredProfile,
  { dataPath, stale }: { readonly dataPath: string; readonly stale: StaleReason | null },
): ShownProfile {
  return { profile, isPartial: false, createdAt, dataName: basename(dataPath), stale };
}

function isSameFile(a: FileStamp, b: FileStamp): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;
}

function endOf(error: unknown, { estimate }: Want): MeasurementState {
  if (error instanceof Cancelled) return { kind: 'cancelled', estimate };
  if (error instanceof UserError) {
    // What is wrong with the environment may pass; other input may be the cure for the rest.
    const remedies: FailureRemedy[] =
      error.kind === 'environment' ? ['try-again', 'show-log'] : ['choose-data', 'try-again'];
    return { kind: 'failed', message: error.message, remedies };
  }
  return { kind: 'failed', message: messageOf(error), remedies: ['try-again', 'show-log'] };
}
