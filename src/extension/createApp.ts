import * as vscode from 'vscode';
import type { App } from './app.js';
import { createEngine } from './engine/engine.js';
import { createReader } from './engine/reader.js';
import { createCurrentModel } from './models/currentModel.js';
import { announceLanguageModels } from './models/languageModels.js';
import { createModelStore } from './models/modelStore.js';
import { createNavigation, type Places } from './createNavigation.js';
import { loadLatePart } from './loadLatePart.js';
import { createOutputLog } from './outputLog.js';
import { createResultStore } from './results/resultStore.js';
import { registerPlaces } from './registerPlaces.js';
import { createRunner } from './run/runner.js';
import { storageFolder } from './storageFolder.js';
import { AnalysesTree } from './trees/analysesTree.js';
import { ModelsTree } from './trees/modelsTree.js';
import { ResultsTree } from './trees/resultsTree.js';
import { createUnitIndex } from './units/createUnitIndex.js';

/** Makes what the extension's parts share; nothing is read and no process started before someone asks. */
export function createApp(context: vscode.ExtensionContext): App {
  const { extensionUri, subscriptions } = context;
  const output = vscode.window.createOutputChannel('Neuron Inspector', { log: true });
  const log = createOutputLog(output);
  const storageUri = storageFolder(context.globalStorageUri);
  const reader = createReader(extensionUri, log);
  const engine = createEngine({ extensionUri, storageUri, log });
  const results = createResultStore(storageUri, log);
  const runner = createRunner({ engine, results, log });
  const models = createModelStore({ reader, memory: context.workspaceState, log });
  const currentModel = createCurrentModel(models);
  const units = createUnitIndex({ storageUri, log, engine, models, results });
  const modelsTree = new ModelsTree({ models, units, log }, subscriptions);
  const app: App = {
    ...{ context, extensionUri, storageUri, output, log, reader, engine, runner, results },
    ...{ models, currentModel, units },
    trees: {
      models: modelsTree,
      analyses: new AnalysesTree({ results, models }, currentModel, subscriptions),
      results: new ResultsTree({ results, runner, models }, subscriptions),
    },
    navigation: createNavigation({ models, currentModel }, () => places()),
  };
  let loading: Promise<Places> | undefined;
  const places = (): Promise<Places> =>
    (loading ??= loadLatePart().then(({ createPlaces }) => createPlaces(app)));
  registerPlaces(app, places);
  subscriptions.push(announceLanguageModels(models, context.workspaceState));
  subscriptions.push(output, reader, engine, results, runner, models, currentModel, units);
  return app;
}
