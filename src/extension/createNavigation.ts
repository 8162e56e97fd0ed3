import type * as vscode from 'vscode';
import type { CurrentModel } from './models/currentModel.js';
import type { ModelStore } from './models/modelStore.js';
import type { Navigation } from './navigation.js';
import type { FormRequest } from './run/form/formRequest.js';
import type { KeptReport } from './panels/report/reportOrigin.js';
import type { LiveRun } from './run/liveRun.js';

/** What shows the pages, by the editor's own interfaces and by the ways that navigation takes. */
export interface Places {
  readonly models: vscode.CustomReadonlyEditorProvider & {
    open(model: vscode.Uri, options: { readonly layer?: string }): Promise<void>;
  };
  readonly neurons: vscode.WebviewPanelSerializer & {
    open(model: vscode.Uri, address: string): Promise<void>;
    travel(by: 1 | -1): Promise<void>;
  };
  readonly forms: vscode.WebviewPanelSerializer & { open(request: FormRequest): void };
  readonly reports: vscode.WebviewPanelSerializer & {
    showResult(resultId: string): Promise<void>;
    showComparison(first: KeptReport, second: KeptReport): Promise<void>;
    showRun(run: LiveRun): void;
    showFollowUp(run: LiveRun, asker: string): void;
  };
  readonly playgrounds: vscode.WebviewPanelSerializer & { open(model: vscode.Uri): void };
  readonly reportFiles: vscode.CustomReadonlyEditorProvider;
}

/** What a model that is opened becomes known to. */
interface KnownModels {
  readonly models: ModelStore;
  readonly currentModel: CurrentModel;
}

/** Returns the ways to the places; `places` is asked only when one is taken. */
export function createNavigation(known: KnownModels, places: () => Promise<Places>): Navigation {
  return {
    openModel: async (model, options = {}) => {
      choose(known, model);
      await (await places()).models.open(model, options);
    },
    openAddress: async (model, address) => {
      choose(known, model);
      await (await places()).neurons.open(model, address);
    },
    travelNeurons: async (by) => {
      await (await places()).neurons.travel(by);
    },
    openResult: async (resultId) => {
      await (await places()).reports.showResult(resultId);
    },
    openRunForm: async (request) => {
      (await places()).forms.open(request);
    },
    openComparison: async (first, second) => {
      await (await places()).reports.showComparison(first, second);
    },
    showRun: async (run) => {
      (await places()).reports.showRun(run);
    },
    showFollowUp: async (run, asker) => {
      (await places()).reports.showFollowUp(run, asker);
    },
    openPlayground: async (model) => {
      choose(known, model);
      (await places()).playgrounds.open(model);
    },
  };
}

function choose({ models, currentModel }: KnownModels, model: vscode.Uri): void {
  models.open(model);
  currentModel.choose(model);
}
