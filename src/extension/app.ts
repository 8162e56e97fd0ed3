import type * as vscode from 'vscode';
import type { Engine } from './engine/engine.js';
import type { Reader } from './engine/reader.js';
import type { CurrentModel } from './models/currentModel.js';
import type { ModelStore } from './models/modelStore.js';
import type { Navigation } from './navigation.js';
import type { OutputLog } from './outputLog.js';
import type { ResultStore } from './results/resultStore.js';
import type { Runner } from './run/runner.js';
import type { AnalysesTree } from './trees/analysesTree.js';
import type { ModelsTree } from './trees/modelsTree.js';
import type { ResultsTree } from './trees/resultsTree.js';
import type { UnitIndex } from './units/unitIndex.js';

/** Everything the extension's parts share; made once by `extension.ts` and passed to every command, tree and view. */
export interface App {
  readonly context: vscode.ExtensionContext;
  readonly extensionUri: vscode.Uri;
  /** Where results and caches of what is open are kept; shared by all windows that have it open. */
  readonly storageUri: vscode.Uri;
  readonly log: OutputLog;
  /** The channel behind `log`. */
  readonly output: vscode.LogOutputChannel;
  /** Reads structure; works in Restricted Mode. */
  readonly reader: Reader;
  /** Runs models; refuses in Restricted Mode. */
  readonly engine: Engine;
  /** Starts analyses and keeps their results. */
  readonly runner: Runner;
  readonly models: ModelStore;
  /** The model that questions are asked of when none is named. */
  readonly currentModel: CurrentModel;
  readonly results: ResultStore;
  readonly units: UnitIndex;
  readonly trees: {
    readonly models: ModelsTree;
    readonly analyses: AnalysesTree;
    readonly results: ResultsTree;
  };
  readonly navigation: Navigation;
}
