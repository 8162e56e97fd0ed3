import { basename, dirname, extname } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../../base/errors.js';
import { isInspectFileName } from '../../data/dataNames.js';
import type { SettingValues } from '../../protocol/settings.js';
import type { App } from '../app.js';
import { chooseModel as rememberModel, chosenModel } from '../hovers/chosenModels.js';
import { chooseItem } from '../run/chooseItem.js';
import { chooseModel } from '../run/chooseModel.js';
import { existsOnDisk } from '../run/data/knownData.js';
import { startAnalysis } from '../run/startAnalysis.js';
import { chosenSampleModel, type SampleModel, tiedModels } from './sampleModels.js';

/** A sample whose prediction is to be explained. */
export interface AskedSample {
  readonly file: string;
  /** Position in the file, counted from 0; default the only one, the first of an inspect file, else the person is asked. */
  readonly row?: number;
  /** Asks for the model even where one is known. */
  readonly asksForModel?: boolean;
}

/** Files that hold one sample for each of their rows. */
const tableEndings = new Set(['.csv', '.tsv', '.parquet', '.npz', '.npy']);

/**
 * Explains the prediction for one sample: on the model that an inspect file ties it to, the one chosen for its folder, or the
 * one that the person picks; by the method of the model's last attribution. The report opens beside.
 */
export async function explainSample(app: App, sample: AskedSample): Promise<void> {
  const { file } = sample;
  if (!(await existsOnDisk(file))) throw sampleGone(file);
  const model = await modelFor(app, sample);
  if (model === undefined) return;
  const row = await rowOf(sample);
  if (row === 'cancelled') return;
  const { modelPath, dataPath, describedBy } = model;
  await startAnalysis(app, {
    model: vscode.Uri.file(modelPath),
    analysisId: 'attribution',
    dataPath,
    ...(describedBy === undefined ? {} : { describedBy }),
    settings: { ...rememberedMethod(app, modelPath), ...(row === undefined ? {} : { rows: String(row) }) },
    way: 'now',
  });
}

async function modelFor(
  app: App,
  { file, asksForModel = false }: AskedSample,
): Promise<SampleModel | undefined> {
  await app.models.searched;
  const links = app.models.inspectFiles;
  const tied = tiedModels(file, links);
  const [first, ...others] = tied;
  if (!asksForModel && first !== undefined) return others.length === 0 ? first : chooseTied(file, tied);
  const memory = app.context.workspaceState;
  // Pictures of one folder are for one model.
  const place = vscode.Uri.file(dirname(file)).toString();
  const known = await knownModel(app, chosenModel(memory, place));
  if (!asksForModel && known !== undefined) return chosenSampleModel(file, known, links);
  const title = vscode.l10n.t('Explain Prediction — {0}', basename(file));
  const answer = await chooseModel(app, { title, canGoBack: false });
  if (answer.kind !== 'chosen') return undefined;
  await rememberModel(memory, place, answer.value.fsPath);
  return chosenSampleModel(file, answer.value.fsPath, links);
}

async function knownModel(app: App, remembered: string | undefined): Promise<string | undefined> {
  if (remembered !== undefined && (await existsOnDisk(remembered))) return remembered;
  const [only, ...others] = app.models.models;
  return others.length === 0 ? only?.uri.fsPath : undefined;
}

async function chooseTied(file: string, tied: readonly SampleModel[]): Promise<SampleModel | undefined> {
  const answer = await chooseItem<SampleModel>({
    title: vscode.l10n.t('Explain Prediction — {0}', basename(file)),
    placeholder: vscode.l10n.t('Which model?'),
    canGoBack: false,
    items: tied.map((value) => ({
      label: basename(value.modelPath),
      description: vscode.workspace.asRelativePath(dirname(value.modelPath)),
      iconPath: new vscode.ThemeIcon('circuit-board'),
      value,
    })),
  });
  return answer.kind === 'chosen' ? answer.value : undefined;
}

async function rowOf({ file, row }: AskedSample): Promise<number | undefined | 'cancelled'> {
  if (row !== undefined) return row;
  if (isInspectFileName(file)) return 0;
  if (!tableEndings.has(extname(file).toLowerCase())) return undefined;
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t('Explain Prediction — {0}', basename(file)),
    prompt: vscode.l10n.t('Number of the row, 1 for the first sample'),
    value: '1',
    validateInput: (typed) =>
      /^[1-9]\d{0,8}$/.test(typed.trim()) ? undefined : vscode.l10n.t('Give a whole number from 1.'),
  });
  return text === undefined ? 'cancelled' : Number(text) - 1;
}

/** The method that the model was last explained by; what it needs besides has its defaults. */
function rememberedMethod(app: App, modelPath: string): SettingValues {
  const last = app.results.results
    .filter((result) => result.analysis === 'attribution' && result.modelPath === modelPath)
    .filter(({ status }) => status === 'complete')
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0];
  const method = last?.request.settings['method'];
  return typeof method === 'string' ? { method } : {};
}

function sampleGone(file: string): UserError {
  return new UserError(
    'sample-gone',
    vscode.l10n.t('{0} is not there. Check its path, or choose another sample.', file),
  );
}
