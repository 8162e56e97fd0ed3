import * as vscode from 'vscode';
import type { Finding } from '../../protocol/report.js';
import type { App } from '../app.js';
import { findingKey, mute, mutedFindings, type MutedFinding, unmute } from '../problems/mutedFindings.js';

/** A finding that a quick fix is about. */
export interface FindingTarget {
  readonly modelPath: string;
  readonly analysis: string;
  readonly finding: Finding;
}

/** Asks why a finding does not matter and keeps it out of the problems from then on; the message offers to undo it. */
export async function muteFinding(_app: App, target: FindingTarget): Promise<void> {
  const { modelPath, analysis, finding } = target;
  const reason = await vscode.window.showInputBox({
    title: vscode.l10n.t('Mute This Finding'),
    prompt: finding.message,
    placeHolder: vscode.l10n.t('Why it does not matter here'),
    validateInput: (text) =>
      text.trim() === '' ? vscode.l10n.t('Say why, for whoever reads it later.') : '',
  });
  if (reason === undefined) return;
  const key = findingKey(modelPath, analysis, finding);
  await mute(modelPath, key, reason.trim());
  const undo = vscode.l10n.t('Undo');
  const text = vscode.l10n.t('Muted in the settings of this workspace.');
  if ((await vscode.window.showInformationMessage(text, undo)) === undo) await unmute(modelPath, key);
}

/** Lists what is muted with its reason; those that are chosen are heard again. */
export async function showMutedFindings(app: App): Promise<void> {
  const byKey = new Map<string, MutedFinding & { readonly modelPath: string }>();
  for (const { uri } of app.models.models) {
    for (const muted of mutedFindings(uri.fsPath)) {
      byKey.set(JSON.stringify(muted), { ...muted, modelPath: uri.fsPath });
    }
  }
  if (byKey.size === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('No finding is muted in this workspace.'));
    return;
  }
  const items = [...byKey.values()].map((muted) => ({
    label: muted.finding,
    description: `${muted.analysis} · ${muted.model}`,
    detail: muted.reason,
    muted,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    placeHolder: vscode.l10n.t('Muted findings: choose those that should be heard again'),
  });
  for (const { muted } of chosen ?? []) await unmute(muted.modelPath, muted);
}
