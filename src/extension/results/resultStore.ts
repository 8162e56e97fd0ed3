import type * as vscode from 'vscode';
import type { Report } from '../../protocol/report.js';
import type { FileStamp } from '../../protocol/structure.js';
import type { RunRequest } from '../../protocol/engineMessages.js';

/** A finished run as the history lists it. */
export interface StoredResult {
  /** Unique; also the name of its folder. */
  readonly id: string;
  readonly analysis: string;
  readonly title: string;
  readonly summary: string;
  readonly status: Report['status'];
  readonly modelPath: string;
  readonly dataPath?: string;
  readonly sampleCount: number;
  readonly findingCount: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly durationMs: number;
  /** The model file when it ran: another stamp now means that the result is stale. */
  readonly modelStamp?: FileStamp;
  /** What was asked, to ask it again. */
  readonly request: RunRequest;
}

/** The history of runs, kept in the workspace's storage; survives reloads. */
export interface ResultStore {
  /** Newest first. */
  readonly results: readonly StoredResult[];
  readonly onDidChange: vscode.Event<void>;
  find(id: string): StoredResult | undefined;
  /** Newest complete or partial result of an analysis on a model. */
  latest(modelPath: string, analysis: string): StoredResult | undefined;
  /** Returns the report; rejects with a UserError when its file is gone or damaged. */
  load(id: string): Promise<Report>;
  /** The report file of a result. */
  reportUri(id: string): vscode.Uri;
  /** Folder of the result's raw arrays (`.npy` and `arrays.json`); may not exist. */
  arraysDir(id: string): vscode.Uri;
  /** Reserves an id and folder for a run about to start, so that the engine can write its arrays there. */
  reserve(): { readonly id: string; readonly arraysDir: string };
  save(id: string, report: Report, request: RunRequest): Promise<StoredResult>;
  /** Deletes a result's files; `undo` brings them back until the next start. */
  delete(id: string): Promise<{ undo(): Promise<void> }>;
  /** Tells whether the model changed since the result was made; undefined when that is not known. */
  isStale(result: StoredResult): Promise<boolean | undefined>;
}
