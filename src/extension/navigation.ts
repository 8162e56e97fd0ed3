import type * as vscode from 'vscode';

/** Ways to the places of the extension; a command, link or click anywhere ends in one of these. */
export interface Navigation {
  /** Opens a model's editor. */
  openModel(model: vscode.Uri, options?: { readonly layer?: string }): Promise<void>;
  /** Opens the page of a neuron, or the layer's row in the model's editor when the address has no unit. */
  openAddress(model: vscode.Uri, address: string): Promise<void>;
  /** Opens a stored result beside the code. */
  openResult(resultId: string): Promise<void>;
}
