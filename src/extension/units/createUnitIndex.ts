import * as vscode from 'vscode';
import type { App } from '../app.js';
import { HealthFacts } from './healthFacts.js';
import { SampleCards } from './sampleCards.js';
import type { LayerFacts, UnitIndex } from './unitIndex.js';

/** Longer side of the pictures in hovers and trees, in pixels. */
const pictureSize = 56;

type Sources = Pick<App, 'storageUri' | 'log' | 'engine' | 'models' | 'results'>;

/** Returns the index of measured neurons over the stored results; nothing is read before someone asks. */
export function createUnitIndex(sources: Sources): UnitIndex {
  const { models, results } = sources;
  const emitter = new vscode.EventEmitter<void>();
  const changed = (): void => {
    emitter.fire();
  };
  const facts = healthFactsOf(sources, changed);
  const cards = sampleCardsOf(sources, changed);
  const held = [
    results.onDidChange(() => {
      cards.reset();
      void facts.resultsChanged();
    }),
    models.onDidChange(() => void facts.modelsChanged()),
    emitter,
  ];
  return {
    onDidChange: emitter.event,
    layer: (modelPath, layer): LayerFacts | undefined => facts.layer(modelPath, layer),
    load: (modelPath) => facts.load(modelPath),
    samples: (resultId, indices) => {
      const { modelPath, dataPath } = results.find(resultId) ?? {};
      if (modelPath === undefined || dataPath === undefined) return indices.map(() => undefined);
      return cards.cards({ modelPath, dataPath }, indices);
    },
    dispose: () => {
      for (const one of held) one.dispose();
    },
  };
}

function healthFactsOf({ results, models, log }: Sources, changed: () => void): HealthFacts {
  return new HealthFacts({
    results: () => results.results,
    arraysDir: (id) => results.arraysDir(id).fsPath,
    isStale: (result) => results.isStale(result),
    activationOf: (modelPath, layer) => {
      const structure = models.find(vscode.Uri.file(modelPath))?.structure;
      if (structure === undefined || structure instanceof Error) return undefined;
      const states = structure.addresses.byName.get(layer)?.states;
      return states?.kind === 'activation' ? states.layer : undefined;
    },
    changed,
    log,
  });
}

function sampleCardsOf({ storageUri, engine, log }: Sources, changed: () => void): SampleCards {
  return new SampleCards({
    folder: vscode.Uri.joinPath(storageUri, 'samples').fsPath,
    mayAsk: () => vscode.workspace.isTrusted,
    ask: ({ modelPath, dataPath }, indices) =>
      engine.ask({ kind: 'samples', modelPath, dataPath, indices, pictureSize }),
    changed,
    log,
  });
}
