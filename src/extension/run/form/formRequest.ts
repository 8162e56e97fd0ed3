import type * as vscode from 'vscode';
import type { Analysis } from '../../../analyses/analysis.js';
import type { RunChoice } from '../../../protocol/views/runMessages.js';
import type { RunOptions } from '../askedRun.js';

/** What a form is opened for. */
export interface FormRequest {
  readonly model: vscode.Uri;
  readonly analysis: Analysis;
  /** null: none is chosen yet, or the run does without. */
  readonly dataPath: string | null;
  readonly options: RunOptions;
}

/** Returns a form's choice as options of a run. */
export function optionsOf(
  { settings, seed, provider, limit, batchSize }: RunChoice,
  describedBy?: string,
): RunOptions {
  return {
    ...{ settings, seed, provider },
    ...(limit === null ? {} : { limit }),
    ...(batchSize === null ? {} : { batchSize }),
    ...(describedBy === undefined ? {} : { describedBy }),
  };
}

/** Returns options of a run as a form shows them. */
export function choiceOf({ settings, seed, provider, limit, batchSize }: RunOptions): RunChoice {
  return { settings, seed, provider, limit: limit ?? null, batchSize: batchSize ?? null };
}
