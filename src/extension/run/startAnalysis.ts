import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Analysis } from '../../analyses/analysis.js';
import type { SettingValues } from '../../protocol/settings.js';
import { findAnalysis } from '../../runs/findAnalysis.js';
import type { App } from '../app.js';
import { engineConfiguration } from '../configuration.js';
import { loadShownAnalyses } from '../shownAnalyses.js';
import { localPath } from '../localPath.js';
import type { StoredResult } from '../results/storedResult.js';
import { askedRun, type RunOptions } from './askedRun.js';
import { chooseAnalysis } from './chooseAnalysis.js';
import { chooseModel } from './chooseModel.js';
import { chooseWay } from './chooseWay.js';
import { chooseData } from './data/chooseData.js';
import { knownData } from './data/knownData.js';
import { type Step, walkSteps } from './walkSteps.js';

/** What is known of an analysis that a person wants to run; the rest is asked. */
export interface StartRequest {
  readonly model?: vscode.Uri;
  readonly analysisId?: string;
  /** Default: the data known for the model. */
  readonly dataPath?: string;
  /** An inspect file of other data that says how these are fed. */
  readonly describedBy?: string;
  /** Settings that differ from the defaults. */
  readonly settings?: SettingValues;
  /** A result whose question is asked again: fills everything that is not given. */
  readonly from?: StoredResult;
  /**
   * `ask` (default) offers to run at once or to change settings first; `form` leads to the settings; `now` runs as soon as
   * model, analysis and data are known.
   */
  readonly way?: 'ask' | 'form' | 'now';
}

/** What a run is made of, as far as it is known. */
interface Draft {
  readonly model: vscode.Uri | undefined;
  readonly analysis: Analysis | undefined;
  /** null: without data. */
  readonly dataPath: string | null | undefined;
  readonly options: RunOptions;
  readonly way: 'ask' | 'form' | 'now';
}

/** Leads a person from a question to a run: asks what is missing, proposes data, then runs or opens the settings. */
export async function startAnalysis(app: App, request: StartRequest = {}): Promise<void> {
  const draft = await walkSteps(stepsFor(app), await draftOf(request));
  const { model, analysis } = draft ?? {};
  if (draft === undefined || model === undefined || analysis === undefined) return;
  app.currentModel.choose(model);
  const dataPath = draft.dataPath ?? null;
  if (draft.way === 'form') {
    await app.navigation.openRunForm({ model, analysis, dataPath, options: draft.options });
    return;
  }
  const asked = askedRun(analysis, { modelPath: localPath(model), dataPath }, draft.options);
  await app.navigation.showRun(await app.runner.start(asked));
}

async function draftOf(request: StartRequest): Promise<Draft> {
  const { from, way } = request;
  const model = request.model ?? (from === undefined ? undefined : vscode.Uri.file(from.modelPath));
  const id = request.analysisId ?? from?.analysis;
  return {
    model,
    analysis: id === undefined ? undefined : findAnalysis(await loadShownAnalyses(), id),
    dataPath: request.dataPath ?? from?.request.dataPath,
    options: optionsOf(request),
    // Nothing runs in Restricted Mode; the form says so and leads out of it.
    way: vscode.workspace.isTrusted ? (way ?? (from === undefined ? 'ask' : 'form')) : 'form',
  };
}

function optionsOf({ settings, describedBy: given, from }: StartRequest): RunOptions {
  if (from === undefined) {
    const described = given === undefined ? {} : { describedBy: given };
    return { settings: settings ?? {}, seed: 0, provider: engineConfiguration().provider, ...described };
  }
  const { seed, provider, limit, batchSize, describedBy, settings: earlier } = from.request;
  return {
    settings: { ...earlier, ...settings },
    ...{ seed, provider },
    ...(limit === undefined ? {} : { limit }),
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(describedBy === undefined ? {} : { describedBy }),
  };
}

function stepsFor(app: App): readonly Step<Draft>[] {
  return [modelStep(app), analysisStep(), dataStep(app), wayStep(app)];
}

function modelStep(app: App): Step<Draft> {
  return {
    isNeeded: ({ model }) => model === undefined,
    ask: async (draft, canGoBack) => {
      const answer = await chooseModel(app, { title: titleOf(draft), canGoBack });
      return answer.kind === 'chosen' ? { kind: 'chosen', value: { ...draft, model: answer.value } } : answer;
    },
  };
}

function analysisStep(): Step<Draft> {
  return {
    isNeeded: ({ analysis }) => analysis === undefined,
    ask: async (draft, canGoBack) => {
      const answer = await chooseAnalysis({ title: titleOf(draft), canGoBack });
      return answer.kind === 'chosen'
        ? { kind: 'chosen', value: { ...draft, analysis: answer.value } }
        : answer;
    },
  };
}

/** Data that is known for the model is taken without asking; the next step offers to change it. */
function dataStep(app: App): Step<Draft> {
  return {
    settle: async (draft) => {
      if (draft.model === undefined || draft.dataPath !== undefined) return draft;
      return { ...draft, dataPath: await knownData(app, draft.model) };
    },
    // The form has a row for data of its own.
    isNeeded: ({ analysis, dataPath, way }) =>
      analysis?.needs.data !== 'none' && dataPath === undefined && way !== 'form',
    ask: async (draft, canGoBack) => {
      if (draft.model === undefined) return { kind: 'cancelled' };
      const isOptional = draft.analysis?.needs.data === 'optional';
      const answer = await chooseData(app, draft.model, { title: titleOf(draft), canGoBack, isOptional });
      return answer.kind === 'chosen'
        ? { kind: 'chosen', value: { ...draft, dataPath: answer.value } }
        : answer;
    },
  };
}

function wayStep(app: App): Step<Draft> {
  return {
    isNeeded: ({ way }) => way === 'ask',
    ask: async (draft, canGoBack) => {
      const { model, analysis, dataPath = null, options } = draft;
      if (model === undefined || analysis === undefined) return { kind: 'cancelled' };
      const answer = await chooseWay(app, {
        ...{ title: titleOf(draft), canGoBack, model, analysis, options, dataPath },
      });
      return answer.kind === 'chosen' ? { kind: 'chosen', value: { ...draft, ...answer.value } } : answer;
    },
  };
}

/** `Dead neurons — dying-relu.onnx`, as far as it is decided. */
function titleOf({ model, analysis }: Draft): string {
  const name = model === undefined ? undefined : basename(model.path);
  const parts = [analysis?.title ?? vscode.l10n.t('Run Analysis'), name];
  return parts.filter((part) => part !== undefined).join(' — ');
}
