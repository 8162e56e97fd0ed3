import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { LiveRun } from './liveRun.js';

/** Returns what a run started now waits for, in words; undefined when it would begin at once. */
export function waitingFor(active: readonly Pick<LiveRun, 'title' | 'request'>[]): string | undefined {
  const [first] = active;
  if (first === undefined) return undefined;
  const name = `${first.title} — ${basename(first.request.modelPath)}`;
  return active.length === 1
    ? vscode.l10n.t('Starts when "{0}" has ended', name)
    : vscode.l10n.t('Starts when {0} other runs have ended', active.length);
}
