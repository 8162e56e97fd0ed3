import * as vscode from 'vscode';
import type { Disposable } from '../../base/disposable.js';
import type { Logger } from '../../base/logger.js';
import type { EngineResults, ReaderRequest } from '../../protocol/engineMessages.js';
import type { ModelStructure } from '../../protocol/structure.js';
import { createEngineClient, type EngineClient } from '../../runs/engineClient.js';
import { localPath } from '../localPath.js';
import { resultOf } from './resultOf.js';

/** Reads models without running them, in a process of its own without native code; works in Restricted Mode. */
export interface Reader extends Disposable {
  /** Returns a model's structure; cached until the file changes. */
  structure(model: vscode.Uri): Promise<ModelStructure>;
  /** Asks the reader process; rejects with a UserError that says what to do. */
  ask<R extends ReaderRequest>(request: R, signal?: AbortSignal): Promise<EngineResults[R['kind']]>;
}

/** Structures of this many models are kept. */
const keptStructureCount = 16;

interface KeptStructure {
  readonly stamp: string;
  readonly structure: Promise<ModelStructure>;
}

/** Returns the reader; its process starts with the first question. */
export function createReader(extensionUri: vscode.Uri, log: Logger): Reader {
  return new ReaderProcess(extensionUri, log);
}

class ReaderProcess implements Reader {
  private readonly client: EngineClient;
  private readonly kept = new Map<string, KeptStructure>();

  constructor(extensionUri: vscode.Uri, log: Logger) {
    const entry = vscode.Uri.joinPath(extensionUri, 'dist', 'reader.js').fsPath;
    this.client = createEngineClient({ log, entry });
  }

  async structure(model: vscode.Uri): Promise<ModelStructure> {
    const modelPath = localPath(model);
    const stamp = await stampOf(model);
    const known = this.kept.get(modelPath);
    if (known?.stamp === stamp) return known.structure;
    const structure = this.ask({ kind: 'structure', modelPath });
    this.kept.delete(modelPath);
    this.kept.set(modelPath, { stamp, structure });
    // A failure is not kept: the file may be whole the next time.
    structure.catch(() => this.kept.delete(modelPath));
    const [oldest] = this.kept.keys();
    if (this.kept.size > keptStructureCount && oldest !== undefined) this.kept.delete(oldest);
    return structure;
  }

  async ask<R extends ReaderRequest>(request: R, signal?: AbortSignal): Promise<EngineResults[R['kind']]> {
    return resultOf(await this.client.request(request, signal === undefined ? {} : { signal }));
  }

  dispose(): void {
    this.client.dispose();
  }
}

/** Size and time of the file; of a missing one too, so that asking again after it came back reads it. */
async function stampOf(model: vscode.Uri): Promise<string> {
  try {
    const { size, mtime } = await vscode.workspace.fs.stat(model);
    return `${String(size)}:${String(mtime)}`;
  } catch {
    return 'missing';
  }
}
