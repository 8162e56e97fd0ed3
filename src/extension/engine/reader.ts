import type * as vscode from 'vscode';
import type { EngineResults, ReaderRequest } from '../../protocol/engineMessages.js';
import type { ModelStructure } from '../../protocol/structure.js';

/** Reads models without running them, in a process of its own without native code; works in Restricted Mode. */
export interface Reader {
  /** Returns a model's structure; cached until the file changes. */
  structure(model: vscode.Uri): Promise<ModelStructure>;
  /** Asks the reader process; rejects with a UserError that says what to do. */
  ask<R extends ReaderRequest>(request: R, signal?: AbortSignal): Promise<EngineResults[R['kind']]>;
}
