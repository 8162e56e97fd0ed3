import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Disposable } from '../../../base/disposable.js';
import { messageOf } from '../../../base/errors.js';
import { formatEvidence } from '../../../protocol/formatReport.js';
import { isKnownBlock } from '../../../protocol/knownBlocks.js';
import type { Report } from '../../../protocol/report.js';
import type { KnownRole, RoleState } from '../../../protocol/views/neuronMessages.js';
import type { App } from '../../app.js';
import { engineConfiguration } from '../../configuration.js';
import type { StoredResult } from '../../results/storedResult.js';
import type { EndState, LiveRun } from '../../run/liveRun.js';

/** The analysis that measures a neuron's part. */
const analysis = 'neuron-role';

/** What runs measured of the part of the neuron in sight; a run is one of the history, like any other. */
export class NeuronRole implements Disposable {
  private readonly app: Pick<App, 'models' | 'results' | 'runner'>;
  private readonly model: vscode.Uri;
  private readonly show: (state: RoleState) => void;
  private address: string | undefined;
  private failure: string | null = null;
  private followed: { readonly run: LiveRun; readonly listener: vscode.Disposable } | undefined;

  constructor(
    app: Pick<App, 'models' | 'results' | 'runner'>,
    model: vscode.Uri,
    show: (state: RoleState) => void,
  ) {
    this.app = app;
    this.model = model;
    this.show = show;
  }

  /** The page shows this neuron now, or something about it may have changed; undefined: none. */
  visit(address: string | undefined): void {
    if (address !== this.address) {
      this.failure = null;
      this.unfollow();
    }
    this.address = address;
    if (address === undefined || this.followed !== undefined) return;
    const running = this.app.runner.active.find(({ request }) => this.isOf(request, address));
    if (running === undefined) void this.showKnown();
    else this.follow(running);
  }

  /** Measures the neuron's part on the model's data. */
  async measure(address: string): Promise<void> {
    const dataPath = this.app.models.find(this.model)?.dataPath;
    if (address !== this.address || dataPath === undefined || this.followed !== undefined) return;
    this.failure = null;
    const asked = { modelPath: this.model.fsPath, dataPath, settings: { neuron: address }, seed: 0 };
    const run = await this.app.runner.start({ analysis, ...asked, provider: engineConfiguration().provider });
    if (address === this.address) this.follow(run);
  }

  cancel(): void {
    this.followed?.run.cancel();
  }

  /** A run that is under way goes on: its result is one of the history. */
  dispose(): void {
    this.unfollow();
  }

  private follow(run: LiveRun): void {
    const listener = run.onDidChange(() => {
      this.showRunning(run);
    });
    this.followed = { run, listener };
    this.showRunning(run);
    void run.ended.then((end) => {
      if (this.followed?.run !== run) return;
      this.unfollow();
      this.failure = failureOf(end);
      void this.showKnown();
    });
  }

  private unfollow(): void {
    this.followed?.listener.dispose();
    this.followed = undefined;
  }

  private showRunning({ state }: LiveRun): void {
    if (state.kind !== 'running') return;
    const { fractionDone, message } = state;
    this.show({ kind: 'running', fractionDone, message });
  }

  private async showKnown(): Promise<void> {
    const { address, failure } = this;
    if (address === undefined) return;
    const known = await this.known(address);
    if (address !== this.address || this.followed !== undefined) return;
    const dataPath = vscode.workspace.isTrusted ? this.app.models.find(this.model)?.dataPath : undefined;
    this.show({ kind: 'idle', known, failure, dataName: dataPath === undefined ? null : basename(dataPath) });
  }

  private async known(address: string): Promise<KnownRole | null> {
    const { results } = this.app;
    const result = results.results.find(
      ({ analysis: id, status, request }) =>
        id === analysis && status !== 'cancelled' && status !== 'failed' && this.isOf(request, address),
    );
    if (result === undefined) return null;
    try {
      const isStale = (await results.isStale(result)) === true;
      return roleOf(result, await results.load(result.id), isStale);
    } catch {
      // A report that is gone or damaged says so when it is opened; here there is nothing to show.
      return null;
    }
  }

  private isOf(
    request: Pick<StoredResult['request'], 'analysis' | 'modelPath' | 'settings'>,
    address: string,
  ): boolean {
    const isSame = request.analysis === analysis && request.modelPath === this.model.fsPath;
    return isSame && request.settings['neuron'] === address;
  }
}

function failureOf(end: EndState): string | null {
  if (end.kind === 'refused') return end.error.message;
  return end.report.status === 'failed' ? messageOf(end.error ?? end.report.summary) : null;
}

function roleOf({ id, createdAt }: StoredResult, report: Report, isStale: boolean): KnownRole {
  const tables = report.blocks.flatMap((block) =>
    isKnownBlock(block) && block.type === 'table' ? [block] : [],
  );
  const table = tables.find(({ columns }) => columns.some(({ key }) => key === 'correlation'));
  const like = (table?.rows ?? []).map(({ address, correlation }) => ({
    address: String(address),
    correlation: typeof correlation === 'number' ? correlation : null,
  }));
  const evidence = report.evidence['intactScore'];
  return {
    sentence: report.summary,
    evidence: evidence === undefined ? '' : formatEvidence(evidence),
    like: like.filter(({ correlation }) => correlation !== null),
    ...{ resultId: id, createdAt, isStale },
  };
}
