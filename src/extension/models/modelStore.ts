import type * as vscode from 'vscode';
import type { ModelStructure } from '../../protocol/structure.js';

/** A model file the editor knows of. */
export interface KnownModel {
  readonly uri: vscode.Uri;
  /** File name. */
  readonly name: string;
  /** Undefined until it was read, an Error when it cannot be. */
  readonly structure: ModelStructure | Error | undefined;
  /** Data chosen for it last, or tied to it by an `.inspect.json` that names it. */
  readonly dataPath: string | undefined;
}

/** The models of the workspace, and those opened from elsewhere. */
export interface ModelStore {
  readonly models: readonly KnownModel[];
  readonly onDidChange: vscode.Event<void>;
  /** Returns a model's entry, adding it when it is new; its structure is read in the background. */
  open(uri: vscode.Uri): KnownModel;
  find(uri: vscode.Uri): KnownModel | undefined;
  /** Reads the structure now; rejects with a UserError when it cannot be read. */
  structureOf(uri: vscode.Uri): Promise<ModelStructure>;
  /** Remembers the data that a person chose for a model. */
  setData(uri: vscode.Uri, dataPath: string): void;
  /** Searches the workspace again. */
  refresh(): Promise<void>;
}
