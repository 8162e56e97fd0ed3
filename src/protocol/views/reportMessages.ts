import type { Report } from '../report.js';
import type { SettingValues } from '../settings.js';
import type { LinkTell } from '../viewMessages.js';

// The report page: shows one report, of a file, of the history or of a run under way. The host decides what can be done
// with it; the page never asks, it is shown everything and tells what the person wants.

/** What a person may do with a report; the host offers those that make sense where it comes from. */
export type ReportAction =
  | 'run-again'
  | 'change'
  | 'compare'
  | 'other-method'
  | 'export'
  | 'open-data'
  | 'copy-command'
  | 'open-source';

/** What is asked and of which model: heads the page before there is a report. */
export interface ReportHeading {
  readonly question: string;
  readonly modelName: string;
}

/** A run under way. */
export interface ReportRun {
  readonly fractionDone: number;
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly isCancelling: boolean;
}

/** Why there is no report, and the one thing that helps. */
export interface ReportProblem {
  readonly heading: string;
  /** What happened, to which thing, what to do. */
  readonly message: string;
  readonly action?: ReportAction;
}

/** Everything the page shows; each replaces the one before. */
export interface ReportPageContent {
  readonly kind: 'page';
  /** How the host finds this page again after a reload; kept in the page's state, never read by the page. */
  readonly origin: unknown;
  readonly heading?: ReportHeading;
  /** The report, or what is known of it so far. */
  readonly report?: Report;
  readonly run?: ReportRun;
  readonly problem?: ReportProblem;
  /** The model changed since. */
  readonly isStale: boolean;
  /** Reasons of limits that were crossed. */
  readonly crossed: readonly string[];
  /** Address of the report's folder, for pictures that are files beside it. */
  readonly base: string;
  readonly actions: readonly ReportAction[];
}

/** A question about a piece of the report: a run of its analysis with these settings, all others at their defaults. */
export interface FollowUpTell {
  readonly kind: 'follow-up';
  readonly settings: SettingValues;
  /** Run it, or copy the command that does. */
  readonly way: 'run' | 'copy';
  /** Of two compared reports: which is asked. */
  readonly side?: 0 | 1;
}

/** The protocol of the report page. */
export interface ReportProtocol {
  readonly show: ReportPageContent | { readonly kind: 'progress'; readonly run: ReportRun };
  readonly ask: never;
  readonly answers: Readonly<Record<string, never>>;
  readonly tell:
    | LinkTell
    | FollowUpTell
    | { readonly kind: 'act'; readonly action: ReportAction }
    | { readonly kind: 'cancel' };
}

/** What the page keeps over hiding and reloads. */
export interface ReportPageState {
  readonly origin?: unknown;
  /** State of each part by its key: scroll, folds, sort orders, filters. */
  readonly parts: Readonly<Record<string, unknown>>;
}
