import * as vscode from 'vscode';
import type { Analysis } from '../../analyses/analysis.js';
import type { App } from '../app.js';
import { runLimits } from '../configuration.js';
import { earlierRun } from './earlierRun.js';
import type { AskedRun } from './runner.js';

/** How long a run will take, and how that is known. */
export interface TimeEstimate {
  readonly durationMs: number;
  /** In words: `measured at 10:42`, `from one batch of 128 samples`. */
  readonly how: string;
}

/**
 * Estimates how long a run will take: as long as the same run took before, if the model is still the same, else from one
 * timed batch. Aborting the signal stops the batch.
 */
export async function estimateRun(
  app: Pick<App, 'results' | 'engine' | 'runner'>,
  asked: AskedRun,
  options: { readonly analysis: Analysis; readonly signal: AbortSignal },
): Promise<TimeEstimate> {
  const earlier = earlierRun(app.results.results, asked, options.analysis.settings);
  if (earlier !== undefined && (await app.results.isStale(earlier)) === false) {
    return {
      durationMs: earlier.durationMs,
      how: vscode.l10n.t('as long as last time, {0}', timeOf(earlier.createdAt)),
    };
  }
  const isShared = app.runner.active.length > 0;
  const { durationMs, how } = await app.engine.ask(
    { kind: 'estimate', run: { ...runLimits(), ...asked } },
    { signal: options.signal },
  );
  // What runs meanwhile slows the batch down as it would not slow the run down, which waits for it.
  return { durationMs, how: isShared ? vscode.l10n.t('{0}, timed beside another run', how) : how };
}

/** Hours and minutes today, the date before. */
function timeOf(createdAt: string): string {
  const date = new Date(createdAt);
  return date.toDateString() === new Date().toDateString()
    ? date.toLocaleTimeString(vscode.env.language, { hour: '2-digit', minute: '2-digit' })
    : date.toLocaleDateString(vscode.env.language, { day: 'numeric', month: 'short' });
}
