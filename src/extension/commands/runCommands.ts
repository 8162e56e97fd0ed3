import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { App } from '../app.js';
import type { ResultNode } from '../trees/resultsTree.js';
import { commandFor } from '../run/commandFor.js';
import { chooseData as askForData } from '../run/data/chooseData.js';
import { knownData } from '../run/data/knownData.js';
import { proposeInspectFile, saveProposal } from '../run/inspectFileProposal.js';
import { startAnalysis } from '../run/startAnalysis.js';
import { startTimeline } from '../run/startTimeline.js';
import { modelOf, uriIn } from './modelOf.js';
import { resultOf } from './resultCommands.js';

/** Asks which question to put to a model, and leads to its run. */
export async function runAnalysis(app: App, target?: unknown): Promise<void> {
  await start(app, undefined, target);
}

/** Leads to the run of one analysis, on the model that the command was called with, or the one asked about last. */
export async function runOneAnalysis(app: App, analysisId: string, target?: unknown): Promise<void> {
  await start(app, analysisId, target);
}

/** Follows a metric over checkpoints: a folder or the selected models of the explorer, or a folder that the person browses to. */
export async function timelineOverCheckpoints(app: App, target?: unknown, selected?: unknown): Promise<void> {
  const given = (Array.isArray(selected) ? selected : [target]).flatMap((each) => uriIn(each) ?? []);
  const checkpoints = given.length > 0 ? given : await browseForCheckpoints();
  if (checkpoints !== undefined) await startTimeline(app, checkpoints);
}

/** Opens the form of a result's question with the values it was asked with. */
export async function rerunWithChanges(app: App, target?: ResultNode | string): Promise<void> {
  const result = await resultOf(app, target);
  if (result !== undefined) await startAnalysis(app, { from: result });
}

/** Copies the command line that asks the same as a result. */
export async function copyCliCommand(app: App, target?: ResultNode | string): Promise<void> {
  const result = await resultOf(app, target);
  if (result === undefined) return;
  await vscode.env.clipboard.writeText(await commandFor(result.request));
  vscode.window.setStatusBarMessage(vscode.l10n.t('Command copied'), 3000);
}

/** Chooses the data that a model's runs use from now on. */
export async function chooseData(app: App, target?: unknown): Promise<void> {
  const model = await modelOf(app, target);
  if (model === undefined) return;
  const title = vscode.l10n.t('Choose Data — {0}', basename(model.path));
  await askForData(app, model, { title, canGoBack: false, isOptional: false });
}

/** Writes what is assumed of a model's data into an inspect file, where the person says. */
export async function writeInspectFile(app: App, target?: unknown): Promise<void> {
  const model = await modelOf(app, target);
  if (model === undefined) return;
  const dataPath = await dataFor(app, model);
  if (dataPath === undefined) return;
  const proposal = await proposeInspectFile(app, model, dataPath);
  if (proposal !== undefined) {
    await saveProposal(app, model, { proposal, isElsewhere: true, column: vscode.ViewColumn.Active });
    return;
  }
  // It is described already: that file is what they are looking for.
  await vscode.window.showTextDocument(vscode.Uri.file(dataPath));
}

/** Measures the states of a model's neurons with the data known for it; what hovers and badges show comes from it. */
export async function measureNow(app: App, target?: unknown): Promise<void> {
  const model = await modelOf(app, target);
  if (model !== undefined) await startAnalysis(app, { model, analysisId: 'dead-neurons', way: 'now' });
}

function browseForCheckpoints(): Thenable<vscode.Uri[] | undefined> {
  return vscode.window.showOpenDialog({
    canSelectFiles: false,
    canSelectFolders: true,
    openLabel: vscode.l10n.t('Open Checkpoints'),
  });
}

async function start(app: App, analysisId: string | undefined, target: unknown): Promise<void> {
  const model = uriIn(target);
  await startAnalysis(app, {
    ...(model === undefined ? {} : { model }),
    ...(analysisId === undefined ? {} : { analysisId }),
  });
}

async function dataFor(app: App, model: vscode.Uri): Promise<string | undefined> {
  const known = await knownData(app, model);
  if (known !== undefined) return known;
  const title = vscode.l10n.t('Write Inspect File — {0}', basename(model.path));
  const answer = await askForData(app, model, { title, canGoBack: false, isOptional: false });
  return answer.kind === 'chosen' ? (answer.value ?? undefined) : undefined;
}
