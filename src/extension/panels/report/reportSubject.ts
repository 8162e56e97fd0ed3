import type * as vscode from 'vscode';
import type { Disposable } from '../../../base/disposable.js';
import type { Report } from '../../../protocol/report.js';
import type { ReportHeading, ReportProblem, ReportRun } from '../../../protocol/views/reportMessages.js';
import type { StoredResult } from '../../results/storedResult.js';
import type { ReportOrigin } from './reportOrigin.js';

/** What there is to show of a report. */
export interface SubjectState {
  readonly heading?: ReportHeading;
  readonly report?: Report;
  readonly run?: ReportRun;
  readonly problem?: ReportProblem;
  /** The model changed since. */
  readonly isStale: boolean;
  /** Reasons of limits that were crossed. */
  readonly crossed: readonly string[];
  /** What to ask again: its place in the history, or what the history would say of it. */
  readonly result?: StoredResult;
  /** What to ask again of two reports that are compared, the older first. */
  readonly compared?: readonly [StoredResult, StoredResult];
  /** The file that holds the report. */
  readonly reportUri?: vscode.Uri;
}

/** What a report page is about: a result, a run, a file or a comparison. */
export interface ReportSubject extends Disposable {
  /** How to find it again after a reload. */
  readonly origin: ReportOrigin;
  /** Title of the tab, as far as it is known. */
  readonly title: string;
  readonly state: SubjectState;
  readonly onDidChange: vscode.Event<void>;
  /** Reads it again where it may have changed meanwhile: called when the page comes into view. */
  refresh(): void;
  /** Stops the run, if one is under way. */
  cancel(): void;
}

/** Nothing known yet. */
export const emptyState: SubjectState = { isStale: false, crossed: [] };
