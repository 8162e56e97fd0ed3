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
  await app.models.searched;
  const current = app.currentModel.uri?.fsPath;
  // The one asked about last comes first.
  const models = [...app.models.models].sort(
    (a, b) => Number(b.uri.fsPath === current) - Number(a.uri.fsPath === current),
  );
  if (models.length === 0) return browsed();
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
  return answer.value === 'browse' ? browsed() : { kind: 'chosen', value: answer.value };
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

async function browsed(): Promise<Answer<vscode.Uri>> {
  const file = await browseForModel();
  return file === undefined ? { kind: 'cancelled' } : { kind: 'chosen', value: file };
}

/** Returns a model file that the person browses to. */
export async function browseForModel(): Promise<vscode.Uri | undefined> {
  const files = await vscode.window.showOpenDialog({
    canSelectMany: false,
    filters: { [vscode.l10n.t('ONNX models')]: ['onnx'] },
    openLabel: vscode.l10n.t('Open Model'),
  });
  return files?.[0];
}
