import type * as vscode from 'vscode';
import type { CurrentModel } from './models/currentModel.js';
import type { ModelStore } from './models/modelStore.js';
import type { Navigation } from './navigation.js';
import type { FormRequest } from './run/form/formRequest.js';
import type { KeptReport } from './panels/report/reportOrigin.js';
import type { LiveRun } from './run/liveRun.js';

/** The pages that navigation leads to. */
export interface Places {
  readonly models: {
    open(model: vscode.Uri, options: { readonly layer?: string }): Promise<void>;
  };
  readonly neurons: {
    open(model: vscode.Uri, address: string): Promise<void>;
    travel(by: 1 | -1): Promise<void>;
  };
  readonly forms: { open(request: FormRequest): void };
  readonly reports: {
    showResult(resultId: string): Promise<void>;
    showComparison(first: KeptReport, second: KeptReport): Promise<void>;
    showRun(run: LiveRun): void;
  };
}

/** Returns the ways to the places; `places` is asked only when one is taken, because places need the ways too. */
export function createNavigation(
  known: { readonly models: ModelStore; readonly currentModel: CurrentModel },
  places: () => Places,
): Navigation {
  const { models, currentModel } = known;
  return {
    openModel: async (model, options = {}) => {
      models.open(model);
      currentModel.choose(model);
      await places().models.open(model, options);
    },
    openAddress: async (model, address) => {
      models.open(model);
      currentModel.choose(model);
      await places().neurons.open(model, address);
    },
    travelNeurons: async (by) => {
      await places().neurons.travel(by);
    },
    openResult: async (resultId) => {
      await places().reports.showResult(resultId);
    },
    openRunForm: (request) => {
      places().forms.open(request);
    },
    openComparison: async (first, second) => {
      await places().reports.showComparison(first, second);
    },
    showRun: (run) => {
      places().reports.showRun(run);
    },
  };
}
