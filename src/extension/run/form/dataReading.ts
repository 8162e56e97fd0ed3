import { basename } from 'node:path';
import * as vscode from 'vscode';
import { Cancelled } from '../../../base/abort.js';
import { messageOf } from '../../../base/errors.js';
import { isInspectFileName } from '../../../data/dataNames.js';
import type { DataDescription } from '../../../protocol/engineMessages.js';
import type { DataPlace, DataState } from '../../../protocol/views/runMessages.js';
import type { App } from '../../app.js';
import { readerWords, folderWords } from '../data/dataWords.js';

/** What is known of a form's data, read again whenever other data is chosen. */
export class DataReading {
  private readonly app: Pick<App, 'engine'>;
  private readonly modelPath: string;
  private readonly changed: () => void;
  private abort: AbortController | undefined;
  private current: DataState = { kind: 'none' };
  private path: string | null = null;

  constructor(app: Pick<App, 'engine'>, modelPath: string, changed: () => void) {
    this.app = app;
    this.modelPath = modelPath;
    this.changed = changed;
  }

  get state(): DataState {
    return this.current;
  }

  /** Absolute path of the data; null: none is chosen. */
  get dataPath(): string | null {
    return this.path;
  }

  /** Reads data, or none; what was being read before no longer counts. `describedBy` is as for a run. */
  async read(path: string | null, describedBy?: string): Promise<void> {
    this.stop();
    this.path = path;
    if (path === null) {
      this.set({ kind: 'none' });
      return;
    }
    const place = placeOf(path);
    if (!vscode.workspace.isTrusted) {
      this.set({ kind: 'unread', place });
      return;
    }
    const abort = new AbortController();
    this.abort = abort;
    this.set({ kind: 'reading', place });
    try {
      const description = await this.app.engine.ask(
        {
          kind: 'describe-data',
          modelPath: this.modelPath,
          dataPath: path,
          ...(describedBy === undefined ? {} : { describedBy }),
        },
        { signal: abort.signal },
      );
      if (!abort.signal.aborted) this.set({ kind: 'known', place, facts: factsOf(description) });
    } catch (error) {
      if (error instanceof Cancelled || abort.signal.aborted) return;
      this.set({ kind: 'refused', place, message: messageOf(error) });
    }
  }

  /** Stops reading. */
  stop(): void {
    this.abort?.abort();
    this.abort = undefined;
  }

  private set(state: DataState): void {
    this.current = state;
    this.changed();
  }
}

function placeOf(path: string): DataPlace {
  return {
    path,
    name: basename(path),
    folder: folderWords(path),
    isInspectFile: isInspectFileName(path),
  };
}

function factsOf(description: DataDescription): Extract<DataState, { kind: 'known' }>['facts'] {
  const { kind, sampleCount, hasLabels, labelNames = [], warnings, proposal } = description;
  return {
    kind: readerWords(kind),
    ...{ sampleCount, hasLabels, labelNames, warnings },
    canBeWritten: proposal !== undefined,
  };
}
