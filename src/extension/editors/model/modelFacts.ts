import * as vscode from 'vscode';
import { messageOf } from '../../../base/errors.js';
import type { ModelStructure } from '../../../protocol/structure.js';
import type { LayerBadge, LayerMetric, ModelFacts } from '../../../protocol/views/modelMessages.js';
import type { App } from '../../app.js';
import type { StoredResult } from '../../results/storedResult.js';
import { describeMeasurement, layerBadge } from '../../units/layerBadge.js';
import { layerMetrics } from './layerMetrics.js';

/** Returns what the newest results say of a model's layers. */
export async function modelFacts(
  app: App,
  modelPath: string,
  { inspection }: ModelStructure,
): Promise<ModelFacts> {
  await app.units.load(modelPath);
  const layers = inspection.layers.map(({ name }) => name);
  const metrics = await Promise.all(
    newestResults(app, modelPath).map((result) => metricsOf(app, result, layers)),
  );
  return {
    kind: 'facts',
    badges: badgesOf(app, modelPath, layers),
    metrics: metrics.flat(),
    canRun: vscode.workspace.isTrusted,
  };
}

function badgesOf(app: App, modelPath: string, layers: readonly string[]): Record<string, LayerBadge> {
  const badges: Record<string, LayerBadge> = {};
  for (const name of layers) {
    const facts = app.units.layer(modelPath, name);
    const words = layerBadge(facts);
    if (facts === undefined || words === undefined) continue;
    badges[name] = {
      text: words.text,
      level: words.isNotable ? 'warning' : 'plain',
      detail: describeMeasurement(facts),
      resultId: facts.resultId,
    };
  }
  return badges;
}

/** The newest result of each analysis that has one. */
function newestResults({ results }: App, modelPath: string): StoredResult[] {
  const analyses = new Set(
    results.results.filter((result) => result.modelPath === modelPath).map(({ analysis }) => analysis),
  );
  return [...analyses].flatMap((analysis) => results.latest(modelPath, analysis) ?? []);
}

async function metricsOf(app: App, result: StoredResult, layers: readonly string[]): Promise<LayerMetric[]> {
  try {
    const report = await app.results.load(result.id);
    const time = new Date(result.createdAt).toLocaleString(undefined, {
      ...{ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' },
    });
    return layerMetrics({ id: result.id, label: `${result.title}, ${time}`, report }, layers);
  } catch (error) {
    // A report that is gone or damaged says so when it is opened; here it only has nothing to show.
    app.log.debug(`The layers of result ${result.id} are not shown: ${messageOf(error)}`);
    return [];
  }
}
