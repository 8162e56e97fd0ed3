import * as vscode from 'vscode';
import type { UnitProfileRequest } from '../../../protocol/engineMessages.js';
import type { UnitProfile, UnitTokens } from '../../../protocol/units.js';
import type { App } from '../../app.js';
import { engineConfiguration, runLimits } from '../../configuration.js';
import type { EngineState } from '../../engine/engine.js';
import { localPath } from '../../localPath.js';
import type { TimedEstimate } from './measurementEstimates.js';
import type { MeasureListener, MeasureOptions } from './neuronMeasurer.js';

/** What every neuron is measured with; a change makes what was measured before stale. */
export const profileSettings = { seed: 0, exampleCount: 24, binCount: 32, pictureSize: 160 } as const;

/** Tokens named on each side. */
const tokenCount = 10;

/** Analyses that sweep the same samples as a neuron's measurement does, so that their time tells its. */
const sweepingAnalyses = ['dead-neurons', 'activation-sparsity'] as const;

/** Asks the engine for one page, and tells what of its work is not for this page. */
export class NeuronEngine {
  private readonly app: App;
  private readonly model: vscode.Uri;
  /** Requests of this page that the engine works for or keeps waiting. */
  private askedCount = 0;
  /** What the engine was busy with when this page asked; undefined since it works for the page. */
  private waitsFor: string | undefined;

  constructor(app: App, model: vscode.Uri) {
    this.app = app;
    this.model = model;
  }

  /** What keeps the engine busy besides this page; undefined when nothing does. */
  get otherActivity(): string | undefined {
    return this.askedCount > 0 ? this.waitsFor : activityOf(this.app.engine.state);
  }

  /** Measures a neuron; rejects with Cancelled when the signal was aborted. */
  async measure(options: MeasureOptions, listener: MeasureListener): Promise<UnitProfile> {
    const { address, dataPath, limit } = options;
    const request: UnitProfileRequest = {
      kind: 'unit-profile',
      modelPath: localPath(this.model),
      address,
      dataPath,
      ...(limit === undefined ? {} : { limit }),
      ...profileSettings,
      ...configured(),
    };
    return this.asking(() =>
      this.app.engine.ask(request, {
        signal: listener.signal,
        onProgress: (fractionDone, message) => {
          this.waitsFor = undefined;
          listener.onProgress(fractionDone, message);
        },
        onPartialProfile: (profile) => {
          listener.onPartial(profile);
        },
      }),
    );
  }

  /** Returns the tokens that a neuron of a language model makes likelier; null where no weights bring it to the vocabulary. */
  async tokens(address: string): Promise<UnitTokens | null> {
    const { app, model } = this;
    const dataPath = app.models.find(model)?.dataPath;
    const { threadCount } = runLimits();
    return this.asking(() =>
      app.engine.ask({
        kind: 'unit-tokens',
        modelPath: localPath(model),
        ...(dataPath === undefined ? {} : { dataPath }),
        ...(threadCount === undefined ? {} : { threadCount }),
        ...{ address, tokenCount },
      }),
    );
  }

  /** Returns what all samples will take: from the newest run over the same data, else from one batch that is timed now. */
  async estimate(dataPath: string): Promise<TimedEstimate | null> {
    const { app, model } = this;
    const runs = sweepingAnalyses.flatMap((id) => app.results.latest(model.fsPath, id) ?? []);
    const run = runs.find((result) => result.dataPath === dataPath && result.request.limit === undefined);
    if (run !== undefined) {
      const { durationMs, sampleCount, title } = run;
      return { durationMs, sampleCount, how: { kind: 'run', title } };
    }
    // Not worth a wait behind other work, and nothing to run in Restricted Mode.
    if (!vscode.workspace.isTrusted || this.otherActivity !== undefined) return null;
    const { seed } = profileSettings;
    const [analysis] = sweepingAnalyses;
    const asked = { analysis, modelPath: localPath(model), dataPath, settings: {}, seed, ...configured() };
    const { durationMs, sampleCount, how } = await this.asking(() =>
      app.engine.ask({ kind: 'estimate', run: asked }),
    );
    return { durationMs, sampleCount, how: { kind: 'engine', text: how } };
  }

  private async asking<T>(ask: () => Promise<T>): Promise<T> {
    if (this.askedCount === 0) this.waitsFor = activityOf(this.app.engine.state);
    this.askedCount++;
    try {
      return await ask();
    } finally {
      this.askedCount--;
      this.waitsFor = undefined;
    }
  }
}

function activityOf({ kind, activity = '' }: EngineState): string | undefined {
  return kind === 'busy' ? activity : undefined;
}

function configured(): Pick<UnitProfileRequest, 'provider' | 'memoryMegabytes' | 'threadCount'> {
  return { provider: engineConfiguration().provider, ...runLimits() };
}
