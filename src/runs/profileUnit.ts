import type { ProgressUpdate } from '../analyses/analysis.js';
import { type MeasuredUnit, measureUnit, type UnitRequest } from '../analyses/unit/measureUnit.js';
import type { FoundExample } from '../analyses/unit/unitExamples.js';
import { unitPlaceOf } from '../analyses/unit/unitPlace.js';
import { unitFiguresOf } from '../analyses/unit/unitProfile.js';
import type { Logger } from '../base/logger.js';
import { createRandom } from '../base/random.js';
import { noSamples } from '../data/dataErrors.js';
import { prepareData, type PreparedData } from '../data/openDataset.js';
import { type ReadCard, sampleCards } from '../data/sampleCards.js';
import { soundModel } from '../engine/graph/verify.js';
import { createRuntime } from '../engine/runtime/ortRuntime.js';
import type { Runtime } from '../engine/runtime/session.js';
import { layersOf } from '../onnx/layers/layerTable.js';
import type { Model } from '../onnx/model.js';
import { convertToOpset17 } from '../onnx/opsets/convert.js';
import { readModel } from '../onnx/readModel.js';
import type { UnitProfileRequest } from '../protocol/engineMessages.js';
import type { UnitExample, UnitProfile } from '../protocol/units.js';
import { chooseBatchSize, defaultMemoryMegabytes } from './batchSize.js';
import { sampleShapesOf } from '../data/sampleShapes.js';

/** What a profile needs from whoever asks for it. */
export interface ProfileHooks {
  readonly log: Logger;
  progress(update: ProgressUpdate): void;
  partial(profile: UnitProfile): void;
}

/** ε of "active relative to the RMS", as the health analyses default it. */
const defaultEpsilon = 1e-3;

/** Examples of each kind, at most. */
const maxExampleCount = 100;

/** The first partial result comes after this long, and each next one after twice as long: histograms grow with the samples. */
const firstPartialMs = 100;

/**
 * Measures one neuron on a data set: its state, how its outputs are spread, and the samples that show what it does.
 *
 * @throws UserError as reading the model and the data does, `unit-missing`, `unit-in-body`, `unit-not-measurable`,
 * `unit-out-of-range`, `bad-position`, `data-empty`.
 */
export async function profileUnit(request: UnitProfileRequest, hooks: ProfileHooks): Promise<UnitProfile> {
  const startMs = performance.now();
  hooks.progress({ fractionDone: 0, message: 'Reading the model' });
  const model = convertToOpset17(soundModel(await readModel(request.modelPath)));
  // Resolved before any data is read: a wrong address is told at once.
  const place = unitPlaceOf(request.address, layersOf(model));
  const data = await prepareData(request.dataPath, model);
  if (data.dataset.sampleCount === 0) throw noSamples(data.dataset.path);
  const { provider, threadCount, epsilon = defaultEpsilon } = request;
  const binCount = Math.max(1, request.binCount);
  const threads = threadCount === undefined ? {} : { threadCount };
  const runtime = createRuntime({ provider, log: hooks.log, ...threads });
  const batchSize = await batchSizeFor(request, model, data);
  const profileOf = (measured: MeasuredUnit, examples: Examples): UnitProfile => {
    const figures = unitFiguresOf(measured, { epsilon, binCount });
    return {
      ...figures,
      ...examples,
      warnings: [...model.warnings, ...data.dataset.warnings, ...figures.warnings],
      seed: request.seed,
      provider: runtime.provider ?? provider,
      batchSize,
      durationMs: Math.round(performance.now() - startMs),
    };
  };
  const partial = partialShower(hooks, place.measuredAt, (measured) => profileOf(measured, noExamples));
  const unitRequest = unitRequestFor(request, { model, data, runtime, batchSize, epsilon, onBatch: partial });
  const measured = await measureUnit(unitRequest, place);
  return profileOf(measured, await examplesOf(measured, data, request.pictureSize));
}

type Examples = Pick<UnitProfile, 'topExamples' | 'nearestExamples' | 'randomExamples'>;

const noExamples: Examples = { topExamples: [], randomExamples: [] };

async function batchSizeFor(
  { memoryMegabytes = defaultMemoryMegabytes, batchSize: wanted }: UnitProfileRequest,
  model: Model,
  { dataset }: PreparedData,
): Promise<number> {
  return chooseBatchSize({ model, sampleShapes: await sampleShapesOf(dataset), memoryMegabytes, wanted });
}

interface Parts {
  readonly model: Model;
  readonly data: PreparedData;
  readonly runtime: Runtime;
  readonly batchSize: number;
  readonly epsilon: number;
  readonly onBatch: (measured: MeasuredUnit, sampleTotal: number) => void;
}

function unitRequestFor(request: UnitProfileRequest, { data, ...parts }: Parts): UnitRequest {
  return {
    ...parts,
    data: data.dataset,
    limit: request.limit,
    // Nothing here cancels: the host ends the process.
    signal: new AbortController().signal,
    random: createRandom(request.seed),
    exampleCount: Math.min(maxExampleCount, Math.max(1, request.exampleCount)),
  };
}

function partialShower(
  hooks: ProfileHooks,
  name: string,
  profileOf: (measured: MeasuredUnit) => UnitProfile,
): Parts['onBatch'] {
  const startMs = performance.now();
  let nextMs = firstPartialMs;
  return (measured, sampleTotal) => {
    const { sampleCount } = measured.fold.statistics;
    const counted = `${sampleCount.toLocaleString('en')} of ${sampleTotal.toLocaleString('en')} samples`;
    hooks.progress({
      fractionDone: sampleCount / Math.max(1, sampleTotal),
      message: `Measuring ${name} (${counted})`,
    });
    const passedMs = performance.now() - startMs;
    if (passedMs < nextMs || sampleCount >= sampleTotal) return;
    nextMs = 2 * passedMs;
    hooks.partial(profileOf(measured));
  };
}

async function examplesOf(
  { fold, plan }: MeasuredUnit,
  data: PreparedData,
  pictureSize: number,
): Promise<Examples> {
  const top = fold.topExamples();
  const nearest = top.length === 0 && plan.entering !== undefined ? fold.nearestExamples() : undefined;
  const random = fold.chosenExamples();
  const indices = [...new Set([...top, ...(nearest ?? []), ...random].map(({ index }) => index))];
  const cards = new Map<number, ReadCard>();
  for (const card of await sampleCards(data, indices, { pictureSize, hasTokenIds: true })) {
    cards.set(card.index, card);
  }
  const withCard = ({ stretch, ...found }: FoundExample): UnitExample[] => {
    const read = cards.get(found.index);
    if (read === undefined) return [];
    const { tokenIds, ...card } = read;
    return [{ ...card, ...found, ...inWords(stretch, tokenIds, data) }];
  };
  return {
    topExamples: top.flatMap(withCard),
    ...(nearest === undefined ? {} : { nearestExamples: nearest.flatMap(withCard) }),
    randomExamples: random.flatMap(withCard),
  };
}

/** The tokens of a stretch, where the positions are those of the tokens. */
function inWords(
  stretch: FoundExample['stretch'],
  ids: readonly number[] | undefined,
  { dataset }: PreparedData,
): Pick<UnitExample, 'stretch'> {
  const tokenizer = dataset.tokens?.tokenizer;
  if (stretch === undefined || tokenizer === undefined || ids?.length !== stretch.length) return {};
  const { start, values, length } = stretch;
  const tokens = values.map((value, place) => ({ text: tokenizer.textOf(ids[start + place] ?? -1), value }));
  return { stretch: { start, tokens, length } };
}
