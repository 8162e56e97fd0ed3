import * as vscode from 'vscode';
import { type ProviderName, providerNames } from '../protocol/engineMessages.js';
import { idPrefix } from './manifest/contribution.js';

/** The section of the settings. */
export const configurationSection = idPrefix.slice(0, -1);

/** What the settings say about running models. */
export interface EngineConfiguration {
  readonly provider: ProviderName;
  /** Undefined: the runtime's own choice. */
  readonly threadCount: number | undefined;
  readonly memoryMegabytes: number;
  /** Undefined: the Node that runs the editor. */
  readonly nodePath: string | undefined;
}

/** Returns the settings that runs depend on, wrong values replaced by defaults. */
export function engineConfiguration(): EngineConfiguration {
  const settings = vscode.workspace.getConfiguration(configurationSection);
  const provider = providerNames.find((name) => name === settings.get('provider')) ?? 'auto';
  const threads = settings.get('threads');
  const memory = settings.get('memoryMegabytes');
  const nodePath = settings.get('engineNodePath');
  return {
    provider,
    threadCount: typeof threads === 'number' && threads >= 1 ? Math.floor(threads) : undefined,
    memoryMegabytes: typeof memory === 'number' && memory >= 16 ? memory : 256,
    nodePath: typeof nodePath === 'string' && nodePath.trim() !== '' ? nodePath.trim() : undefined,
  };
}

/** Returns what the settings say of every run: the memory it may take, and its threads where they are set. */
export function runLimits(): { readonly memoryMegabytes: number; readonly threadCount?: number } {
  const { threadCount, memoryMegabytes } = engineConfiguration();
  return { memoryMegabytes, ...(threadCount === undefined ? {} : { threadCount }) };
}

/** Returns the limits that the settings set for an analysis, as `--fail-on` takes them. */
export function configuredThresholds(analysisId: string, scope?: vscode.Uri): readonly string[] {
  const settings = vscode.workspace.getConfiguration(configurationSection, scope);
  const byAnalysis: unknown = settings.get('thresholds');
  if (typeof byAnalysis !== 'object' || byAnalysis === null) return [];
  const texts: unknown = (byAnalysis as Record<string, unknown>)[analysisId];
  return Array.isArray(texts) ? texts.filter((text): text is string => typeof text === 'string') : [];
}
