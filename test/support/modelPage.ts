import { basename } from 'node:path';
import { drawnGraph } from '../../src/onnx/drawnGraph.js';
import type { Model } from '../../src/onnx/model.js';
import { type OpenedModel, openedModel } from '../../src/onnx/openedModel.js';
import { structureOf } from '../../src/onnx/structure.js';
import { weightList } from '../../src/onnx/weightList.js';
import { weightStatistics } from '../../src/onnx/weightStatistics.js';
import type { ModelContent, ModelFacts, ModelProtocol } from '../../src/protocol/views/modelMessages.js';
import { openView, type ViewSetup, type WebviewPage } from './webviewPage.js';

/** What the host shows of a model that was read. */
export function modelContent(opened: OpenedModel): ModelContent {
  const { inspection, addresses, metadata } = structureOf(opened);
  const states = Object.fromEntries(addresses.layers.map((layer) => [layer.name, layer.states]));
  return { kind: 'model', name: basename(inspection.model), inspection, states, metadata };
}

/** Facts of a model that nothing is known of. */
export const noFacts: ModelFacts = { kind: 'facts', badges: {}, metrics: [], canRun: true };

/** Opens the page of a model, its questions answered as the reader does. */
export function openModelPage(
  model: Model,
  { facts = noFacts, ...setup }: ViewSetup<ModelProtocol> & { readonly facts?: ModelFacts } = {},
): Promise<WebviewPage<ModelProtocol>> {
  const opened = openedModel(model);
  return openView<ModelProtocol>('model', {
    shows: [modelContent(opened), facts],
    ...setup,
    answers: {
      graph: () => drawnGraph(opened),
      weights: () => weightList(opened.constants),
      'weight-statistics': (question) => weightStatistics(opened.constants, question),
      ...setup.answers,
    },
  });
}
