import type * as vscode from 'vscode';
import type { FormRequest } from './run/form/formRequest.js';
import type { KeptReport } from './panels/report/reportOrigin.js';
import type { LiveRun } from './run/liveRun.js';

/** Ways to the places of the extension; a command, link or click anywhere ends in one of these. */
export interface Navigation {
  /** Opens a model's editor, at a layer when one is named. */
  openModel(model: vscode.Uri, options?: { readonly layer?: string }): Promise<void>;
  /** Opens the page of a neuron, or the layer's row in the model's editor when the address has no unit. */
  openAddress(model: vscode.Uri, address: string): Promise<void>;
  /** Goes back (-1) or forward (1) on the neuron page in front, if one is. */
  travelNeurons(by: 1 | -1): Promise<void>;
  /** Opens a stored result beside the code. */
  openResult(resultId: string): Promise<void>;
  /** Opens the form that a run is started from. */
  openRunForm(request: FormRequest): Promise<void>;
  /** Opens two reports side by side, the older compared with. */
  openComparison(first: KeptReport, second: KeptReport): Promise<void>;
  /** Shows a run under way beside the code; it becomes its report. */
  showRun(run: LiveRun): Promise<void>;
  /** Shows a run that was asked from a page (the key of its report, or a name), beside it and in place of the one asked before. */
  showFollowUp(run: LiveRun, asker: string): Promise<void>;
  /** Opens the playground of a language model. */
  openPlayground(model: vscode.Uri): Promise<void>;
}
