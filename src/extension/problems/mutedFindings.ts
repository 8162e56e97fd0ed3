import * as vscode from 'vscode';
import type { Finding } from '../../protocol/report.js';
import { configurationSection } from '../configuration.js';

/** A finding that a person does not want to hear of again, as the settings keep it. */
export interface MutedFinding {
  /** The model, relative to the workspace, or its whole path. */
  readonly model: string;
  readonly analysis: string;
  /** What was found, numbers left out: the next run may count others. */
  readonly finding: string;
  readonly reason: string;
}

/** What makes a finding the same one in the next run. */
export type FindingKey = Omit<MutedFinding, 'reason'>;

const key = 'mutedFindings';

/** Returns the key of a finding on a model. */
export function findingKey(modelPath: string, analysis: string, { message }: Finding): FindingKey {
  const model = vscode.workspace.asRelativePath(modelPath);
  // Numbers that stand alone are counts; those in `fc1`, `features.3` and `fc1[3]` say which.
  const finding = message.replace(/(?<![\w.[])\d+(?:[.,]\d+)*(?!\w)/gu, '#');
  return { model, analysis, finding };
}

/** Returns the muted findings of the folder that a model is in; what is no finding is left out. */
export function mutedFindings(modelPath: string): readonly MutedFinding[] {
  const value: unknown = configurationOf(modelPath).get(key);
  return Array.isArray(value) ? value.filter(isMutedFinding) : [];
}

/** Tells whether a finding is muted. */
export function isMuted(muted: readonly MutedFinding[], wanted: FindingKey): boolean {
  return muted.some((one) => isSame(one, wanted));
}

/** Keeps a finding muted, with the reason, in the settings of the workspace. */
export async function mute(modelPath: string, wanted: FindingKey, reason: string): Promise<void> {
  const others = mutedFindings(modelPath).filter((one) => !isSame(one, wanted));
  await write(modelPath, [...others, { ...wanted, reason }]);
}

/** Lets a finding be heard again. */
export async function unmute(modelPath: string, wanted: FindingKey): Promise<void> {
  await write(
    modelPath,
    mutedFindings(modelPath).filter((one) => !isSame(one, wanted)),
  );
}

async function write(modelPath: string, muted: readonly MutedFinding[]): Promise<void> {
  const inFolder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(modelPath)) !== undefined;
  const target =
    vscode.workspace.workspaceFolders === undefined
      ? vscode.ConfigurationTarget.Global
      : inFolder && vscode.workspace.workspaceFile !== undefined
        ? vscode.ConfigurationTarget.WorkspaceFolder
        : vscode.ConfigurationTarget.Workspace;
  await configurationOf(modelPath).update(key, muted.length === 0 ? undefined : muted, target);
}

function configurationOf(modelPath: string): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration(configurationSection, vscode.Uri.file(modelPath));
}

function isSame(one: FindingKey, other: FindingKey): boolean {
  return one.model === other.model && one.analysis === other.analysis && one.finding === other.finding;
}

function isMutedFinding(value: unknown): value is MutedFinding {
  const fields = value as Partial<Record<keyof MutedFinding, unknown>> | null;
  return [fields?.model, fields?.analysis, fields?.finding, fields?.reason].every(
    (text) => typeof text === 'string',
  );
}
