import { unitLinks } from '../engine/weights/unitLinks.js';
import { unitWeights } from '../engine/weights/unitWeights.js';
import { drawnGraph } from '../onnx/drawnGraph.js';
import type { OpenedModel } from '../onnx/openedModel.js';
import { structureOf } from '../onnx/structure.js';
import { weightList } from '../onnx/weightList.js';
import { weightStatistics } from '../onnx/weightStatistics.js';
import type { EngineRequest, EngineResults, ReaderRequest } from '../protocol/engineMessages.js';
import { createModelCache, type ModelCache } from './modelCache.js';
import { type HostChannel, serveRequests } from './requestServer.js';

/** Answers one kind of question about a model that was read. */
type Answer<K extends ReaderRequest['kind']> = (
  opened: OpenedModel,
  request: Extract<ReaderRequest, { kind: K }>,
) => EngineResults[K] | Promise<EngineResults[K]>;

/** Every question the reader answers, by its kind. */
const answers: { readonly [K in ReaderRequest['kind']]?: Answer<K> } = {
  structure: structureOf,
  graph: drawnGraph,
  weights: ({ constants }) => weightList(constants),
  'unit-weights': unitWeights,
  'unit-links': unitLinks,
  'weight-statistics': ({ constants }, request) => weightStatistics(constants, request),
};

/** Serves requests of the host that need no run; anything else fails as a bug of the host. */
export function serveReader(channel: HostChannel): void {
  const models = createModelCache();
  serveRequests(channel, (_, request) => {
    if (isReaderRequest(request)) return answerReader(request, models);
    throw new Error(`The reader process does not serve ${request.kind}.`);
  });
}

/** Tells whether a request needs no run, so that both processes can answer it. */
export function isReaderRequest(request: EngineRequest): request is ReaderRequest {
  return request.kind in answers;
}

/** Returns the answer to a question about a model, which is read unless `models` still holds it as it is. */
export async function answerReader<K extends ReaderRequest['kind']>(
  request: Extract<ReaderRequest, { kind: K }>,
  models: ModelCache,
): Promise<EngineResults[K]> {
  // The compiler does not follow that a request's kind selects the answer for that kind.
  const answer = answers[request.kind] as Answer<K>;
  return answer(await models.open(request.modelPath), request);
}
