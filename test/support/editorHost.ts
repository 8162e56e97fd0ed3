import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { App } from '../../src/extension/app.js';
import type { AskedRun } from '../../src/extension/run/runner.js';
import type { EndState, LiveRun } from '../../src/extension/run/liveRun.js';

// For tests inside the extension host: the extension's inside, the samples of the open folder, messages to the person.

/** Id of the extension under test. */
export const extensionId = 'neuron-inspector.neuron-inspector';

/** Activates the extension and returns what its parts share, which it hands out to tests only. */
export async function activeApp(): Promise<App> {
  const extension = vscode.extensions.getExtension<{ readonly app: App }>(extensionId);
  assert.ok(extension, `${extensionId} is not installed`);
  return (await extension.activate()).app;
}

/** A sample model of the open workspace. */
export interface OpenSample {
  readonly model: vscode.Uri;
  readonly inspectFile: vscode.Uri;
  readonly code: vscode.Uri;
  readonly folder: vscode.Uri;
}

/** Finds a sample in the folders that are open. */
export function openSample(name: 'digits-cnn' | 'dying-relu' | 'tone-cnn' | 'story-lm'): OpenSample {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const own = folders.find(({ uri }) => basename(uri.fsPath) === name)?.uri;
  const [first] = folders;
  assert.ok(first, 'no folder is open');
  const folder = own ?? vscode.Uri.joinPath(first.uri, name);
  return {
    folder,
    model: vscode.Uri.joinPath(folder, `${name}.onnx`),
    inspectFile: vscode.Uri.joinPath(folder, `${name}.inspect.json`),
    code: vscode.Uri.joinPath(folder, 'training.py'),
  };
}

/** A question about a sample on its own data. */
export function questionAbout(sample: OpenSample, asked: Partial<AskedRun> = {}): AskedRun {
  return {
    analysis: 'dead-neurons',
    modelPath: sample.model.fsPath,
    dataPath: sample.inspectFile.fsPath,
    settings: {},
    seed: 0,
    provider: 'cpu',
    ...asked,
  };
}

/** Asks the question of the samples' first result: which neurons are dead. */
export async function runToEnd(
  app: App,
  asked: AskedRun,
): Promise<Extract<EndState, { readonly kind: 'ended' }>> {
  const end = await (await app.runner.start(asked)).ended;
  assert.equal(end.kind, 'ended', end.kind === 'refused' ? end.error.message : '');
  return end;
}

/** Starts a run that takes long (one image at a time) and waits until it is under way. */
export async function startLongRun(app: App, sample: OpenSample): Promise<LiveRun> {
  const run = await app.runner.start(questionAbout(sample, { batchSize: 1 }));
  await until(
    () => run.state.kind !== 'running' || (run.state.fractionDone > 0 && app.engine.pid !== undefined),
    'the run did not begin',
  );
  assert.equal(run.state.kind, 'running', 'the run was over before it could be disturbed');
  return run;
}

/** Waits for a condition, 10 s at most. */
export async function until(isTrue: () => boolean, complaint: string, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!isTrue()) {
    if (Date.now() > deadline) assert.fail(complaint);
    await wait(5);
  }
}

/** The label of a tree's line as it is read. */
export function labelOf({ label }: vscode.TreeItem): string {
  return typeof label === 'string' ? label : (label?.label ?? '');
}

/** The custom editor or webview that is active, by its type. */
export function activeViewType(): string | undefined {
  const input: unknown = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputCustom) return input.viewType;
  // The editor puts its own prefix before the type of a panel.
  if (input instanceof vscode.TabInputWebview) return input.viewType.replace(/^mainThreadWebview-/, '');
  return undefined;
}

/** What is said to the person, instead of being shown; the test answers with one of the buttons. */
export interface SaidMessages {
  readonly texts: string[];
  readonly buttons: string[];
  answer: string | undefined;
}

type Say = (text: string, ...items: unknown[]) => Promise<unknown>;

/** Takes messages of each test of the suite that would wait for a click. */
export function useMessages(): () => SaidMessages {
  const said: SaidMessages = { texts: [], buttons: [], answer: undefined };
  const names = ['showErrorMessage', 'showWarningMessage', 'showInformationMessage'] as const;
  const window = vscode.window as unknown as Record<(typeof names)[number], Say>;
  const originals = names.map((name) => window[name]);
  beforeEach(() => {
    said.texts.length = 0;
    said.buttons.length = 0;
    said.answer = undefined;
    for (const name of names) {
      window[name] = (text, ...items) => {
        said.texts.push(text);
        const buttons = items.filter((item): item is string => typeof item === 'string');
        said.buttons.push(...buttons);
        return Promise.resolve(buttons.find((button) => button === said.answer));
      };
    }
  });
  afterEach(() => {
    for (const [index, name] of names.entries()) {
      const original = originals[index];
      if (original !== undefined) window[name] = original;
    }
  });
  return () => said;
}

/** Lists that ask the person, newest last; a closed one stays here. */
export type AskedLists = readonly vscode.QuickPick<vscode.QuickPickItem>[];

/** Keeps hold of the lists that the extension opens during each test of the suite; they are shown as ever. */
export function useAskedLists(): () => AskedLists {
  const lists: vscode.QuickPick<vscode.QuickPickItem>[] = [];
  const window = vscode.window as { createQuickPick: () => vscode.QuickPick<vscode.QuickPickItem> };
  const original = window.createQuickPick;
  beforeEach(() => {
    lists.length = 0;
    window.createQuickPick = () => {
      const list = original();
      lists.push(list);
      return list;
    };
  });
  afterEach(() => {
    window.createQuickPick = original;
  });
  return () => lists;
}

/** Waits until the n-th list (from 1) is open with a line that begins so, and takes that line as Enter does. */
export async function takeLine(lists: AskedLists, nth: number, beginning: string): Promise<void> {
  const find = (): vscode.QuickPickItem | undefined =>
    lists[nth - 1]?.items.find(({ label }) => label.startsWith(beginning));
  await until(() => find() !== undefined, `list ${nth} has no line ${beginning}`);
  // Items that come in later may move the line that is chosen.
  await until(() => lists[nth - 1]?.busy === false, `list ${nth} is never complete`, 30_000);
  const list = lists[nth - 1];
  const line = find();
  assert.ok(list !== undefined && line !== undefined);
  // As the arrow keys do: an active item that is set from here reaches the window later than the accepting.
  for (let step = 0; step < 100 && list.activeItems[0] !== line; step++) {
    await vscode.commands.executeCommand('workbench.action.quickOpenSelectNext');
    await wait(50);
  }
  const done = new AbortController();
  list.onDidHide(() => {
    done.abort();
  });
  // The list may not have reached the window yet, which then has nothing to accept.
  for (let attempt = 0; attempt < 50 && !done.signal.aborted; attempt++) {
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await wait(100);
  }
  assert.ok(done.signal.aborted, `${beginning} could not be taken`);
}
