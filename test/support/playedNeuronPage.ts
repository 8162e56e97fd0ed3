import assert from 'node:assert/strict';
import { Cancelled } from '../../src/base/abort.js';
import type { TimedEstimate } from '../../src/extension/panels/neuron/measurementEstimates.js';
import {
  type MeasureListener,
  type MeasureOptions,
  type MeasuringConditions,
  NeuronMeasurer,
} from '../../src/extension/panels/neuron/neuronMeasurer.js';
import type {
  ProfileKey,
  ProfileTiming,
  StoredProfile,
} from '../../src/extension/panels/neuron/profileStore.js';
import type { UnitProfile } from '../../src/protocol/units.js';
import type { MeasurementState, ShownProfile } from '../../src/protocol/views/neuronMessages.js';
import { unitProfile } from './unitProfile.js';

interface Asked {
  readonly options: MeasureOptions;
  readonly listener: MeasureListener;
  finish(profile: UnitProfile): void;
  fail(error: Error): void;
}

/** A page whose engine, storage and clock the test plays. */
export class PlayedPage {
  conditions: MeasuringConditions;
  readonly measurer: NeuronMeasurer;
  readonly asked: Asked[] = [];
  readonly states: MeasurementState[] = [];
  readonly warnings: string[] = [];
  readonly stored = new Map<string, StoredProfile>();
  shown: ShownProfile | null | undefined;
  timing: ProfileTiming | undefined;
  estimate: TimedEstimate | Error | null = null;
  saveError: Error | undefined;
  holdsWait = false;
  private waits: (() => void)[] = [];

  constructor(given: Partial<MeasuringConditions> = {}) {
    this.conditions = {
      modelPath: '/models/a.onnx',
      modelStamp: { sizeBytes: 7, modifiedMs: 1 },
      dataPath: '/data/test.npz',
      isTrusted: true,
      engineActivity: undefined,
      ...given,
    };
    this.measurer = new NeuronMeasurer({
      profiles: {
        load: (key) => Promise.resolve(this.stored.get(nameOf(key))),
        save: (key, stored) => this.save(key, stored),
        timing: () => Promise.resolve(this.timing),
      },
      settings: 'settings',
      conditions: () => this.conditions,
      dataStampOf: () => Promise.resolve('stamp'),
      measure: (options, listener) => this.measure(options, listener),
      estimate: () =>
        this.estimate instanceof Error ? Promise.reject(this.estimate) : Promise.resolve(this.estimate),
      now: () => new Date('2026-01-02T03:04:05Z'),
      wait: () => this.wait(),
      show: (state) => this.states.push(state),
      showProfile: (shown) => {
        this.shown = shown;
      },
      warn: (message) => this.warnings.push(message),
    });
  }

  get state(): MeasurementState | undefined {
    return this.states.at(-1);
  }

  async visit(address: string): Promise<void> {
    void this.measurer.visit({ address, isInBody: false });
    await settled();
  }

  /** Stores a profile as an earlier session would have. */
  keep(address: string, given: Partial<StoredProfile> = {}): void {
    const { modelPath, modelStamp, dataPath = '' } = this.conditions;
    this.stored.set(nameOf({ modelPath, dataPath, address }), {
      profile: unitProfile({ address }),
      createdAt: '2026-01-01T00:00:00.000Z',
      modelStamp,
      dataStamp: 'stamp',
      settings: 'settings',
      ...given,
    });
  }

  offered(): Extract<MeasurementState, { readonly kind: 'offered' }> {
    const { state } = this;
    assert.equal(state?.kind, 'offered');
    return state;
  }

  addressesAsked(): string[] {
    return this.asked.map(({ options }) => options.address);
  }

  endWaits(): void {
    for (const end of this.waits.splice(0)) end();
  }

  private wait(): Promise<void> {
    return this.holdsWait ? new Promise((resolve) => this.waits.push(resolve)) : Promise.resolve();
  }

  private save(key: ProfileKey, stored: StoredProfile): Promise<void> {
    if (this.saveError !== undefined) return Promise.reject(this.saveError);
    this.stored.set(nameOf(key), stored);
    return Promise.resolve();
  }

  /** As the engine does, a cancelled measurement ends a moment later. */
  private measure(options: MeasureOptions, listener: MeasureListener): Promise<UnitProfile> {
    return new Promise((resolve, reject) => {
      this.asked.push({ options, listener, finish: resolve, fail: reject });
      listener.signal.addEventListener('abort', () => {
        setImmediate(() => {
          reject(new Cancelled());
        });
      });
    });
  }
}

function nameOf({ dataPath, address }: ProfileKey): string {
  return `${dataPath} ${address}`;
}

/** Every promise that can settle has. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
