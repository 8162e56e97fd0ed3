import * as vscode from 'vscode';
import type { KnownModel } from '../models/modelStore.js';
import type { App } from '../app.js';
import { type Choice, chooseItem } from './chooseItem.js';
import type { Answer } from './walkSteps.js';

type ModelChoice = vscode.Uri | 'browse';

/** Asks for a model: one that the editor knows, or any file. */
export async function chooseModel(
  app: App,
  { title, canGoBack }: { readonly title: string; readonly canGoBack: boolean },
): Promise<Answer<vscode.Uri>> {
  const { models } = app.models;
  if (models.length === 0) return browseForModel();
  const browse: Choice<ModelChoice> = {
    label: vscode.l10n.t('Browse…'),
    iconPath: new vscode.ThemeIcon('folder-opened'),
    detail: vscode.l10n.t('An .onnx file from anywhere on this machine'),
    value: 'browse',
  };
  const answer = await chooseItem<ModelChoice>({
    title,
    placeholder: vscode.l10n.t('Which model?'),
    canGoBack,
    items: [...models.map(modelItem), { label: '', kind: vscode.QuickPickItemKind.Separator }, browse],
  });
  if (answer.kind !== 'chosen') return answer;
  return answer.value === 'browse' ? browseForModel() : { kind: 'chosen', value: answer.value };
}

function modelItem({ uri, name, structure }: KnownModel): Choice<ModelChoice> {
  const isBroken = structure instanceof Error;
  return {
    label: name,
    description: vscode.workspace.asRelativePath(vscode.Uri.joinPath(uri, '..')),
    iconPath: new vscode.ThemeIcon(isBroken ? 'warning' : 'circuit-board'),
    ...(isBroken ? { detail: structure.message } : {}),
    value: uri,
  };
}

async function browseForModel(): Promise<Answer<vscode.Uri>> {
  const files = await vscode.window.showOpenDialog({
    canSelectMany: false,
    filters: { [vscode.l10n.t('ONNX models')]: ['onnx'] },
    openLabel: vscode.l10n.t('Choose Model'),
  });
  const [file] = files ?? [];
  return file === undefined ? { kind: 'cancelled' } : { kind: 'chosen', value: file };
}
