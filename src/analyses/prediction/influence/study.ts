import { UserError } from '../../../base/errors.js';
import { didYouMean } from '../../../base/nearest.js';
import type { Dataset } from '../../../data/dataset.js';
import { neededNames } from '../../../engine/rewrites/prune.js';
import { argmax } from '../../../engine/numeric/vectors.js';
import { elementCountOf, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext, ListedModel } from '../../analysis.js';
import { listCheckpoints } from '../../shared/checkpoints.js';
import { type LearnedLayer, learnedLayers } from '../../shared/learnedLayers.js';
import { parseRows, readRows, rowName } from '../attribution/rows.js';
import {
  type LabelledRows,
  type LossGradients,
  openLossGradients,
  type WeightGradient,
} from './lossGradients.js';
import { readScores, type ScoredModel, scoredModel } from './scoredModel.js';
import { defaultTestCount, defaultTrainingCount, type InfluenceSettings, learningRates } from './settings.js';

/** Labelled rows of one data set. */
export interface StudiedRows extends LabelledRows {
  readonly data: Dataset;
}

/** A checkpoint as it was used. */
export interface UsedCheckpoint {
  readonly name: string;
  readonly learningRate: number;
  /** Share of training rows that it gets right; undefined where labels are no classes. */
  readonly accuracy: number | undefined;
}

/** A layer whose weights count. */
export interface CountedLayer {
  readonly name: string;
  readonly parameterCount: number;
  /** Σ η‖∇L‖² over rows asked about and checkpoints, this layer's share. */
  readonly share: number;
}

/** What was found. */
export interface InfluenceStudy {
  readonly test: StudiedRows;
  readonly training: StudiedRows;
  /** Position of each row asked about among the training rows; −1 where it is none of them. */
  readonly ownRows: readonly number[];
  /** Σ_checkpoints η ⟨∇L(test), ∇L(training)⟩, `[test, training]`. */
  readonly influence: Float64Array;
  /** Σ_checkpoints η ‖∇L(training)‖²; undefined where it was not asked for. */
  readonly selfInfluence: Float64Array | undefined;
  readonly checkpoints: readonly UsedCheckpoint[];
  readonly layers: readonly CountedLayer[];
  /** Classes that the last checkpoint predicts; undefined where labels are no classes. */
  readonly predictions: { readonly test: Int32Array; readonly training: Int32Array } | undefined;
}

/** Sums influence over the checkpoints, one of which is open at a time. */
export async function studyInfluence(
  context: AnalysisContext,
  settings: InfluenceSettings,
): Promise<InfluenceStudy> {
  const { test, training, ownRows } = await readBoth(context, settings);
  const listed = await listCheckpoints(context, settings.checkpoints);
  const rates = learningRates(settings.learningRate, listed.length);
  const sums = {
    influence: new Float64Array(test.rows.count * training.rows.count),
    selfInfluence: settings.selfInfluence ? new Float64Array(training.rows.count) : undefined,
  };
  const progress = progressOf(context, { listed, test, training, settings });
  const checkpoints: UsedCheckpoint[] = [];
  const layerNorms = new Map<string, CountedLayer>();
  let predictions: InfluenceStudy['predictions'];
  for (const [index, each] of listed.entries()) {
    const learningRate = rates[index] ?? NaN;
    const at = { ...context, model: await each.open() };
    const scored = await scoredModel(at, training.rows, settings);
    predictions = await predictionsOf(at, scored, { test, training });
    for (const rows of [test, training]) checkLabels(rows, scored, settings);
    const layers = chosenLayers(scored, settings.layers);
    const gradients = await openLossGradients(at, { ...scored, layers, loss: settings.loss });
    try {
      const part = { gradients, layers, learningRate, progress };
      await addInfluence(part, { test, training, sums, layerNorms });
    } finally {
      await gradients.close();
    }
    const accuracy =
      predictions === undefined ? undefined : accuracyOf(predictions.training, training.labels);
    checkpoints.push({ name: each.name, learningRate, accuracy });
  }
  const total = [...layerNorms.values()].reduce((sum, { share }) => sum + share, 0);
  const layers = [...layerNorms.values()].map((layer) => ({
    ...layer,
    share: total === 0 ? NaN : layer.share / total,
  }));
  return { test, training, ownRows, ...sums, checkpoints, layers, predictions };
}

async function readBoth(
  context: AnalysisContext,
  { training: path, rows }: InfluenceSettings,
): Promise<Pick<InfluenceStudy, 'test' | 'training' | 'ownRows'>> {
  const testData = dataOf(context);
  const trainingData = path === null ? testData : await context.openData(path);
  const chosen = parseRows(rows);
  const training = await labelled(
    { ...context, data: trainingData },
    { ...(path === null ? {} : { limit: context.limit }), defaultCount: defaultTrainingCount },
  );
  const test = await labelled(
    { ...context, data: testData, limit: undefined },
    { chosen, defaultCount: defaultTestCount },
  );
  const ownRows = Array.from({ length: test.rows.count }, (_, row) => {
    const position = chosen?.[row] ?? row;
    return path === null && position < training.rows.count ? position : -1;
  });
  return { test, training, ownRows };
}

function dataOf({ data }: AnalysisContext): Dataset {
  if (data === undefined) throw new Error('The analysis needs data, so a run without it does not begin.');
  return data;
}

async function labelled(
  context: AnalysisContext,
  choice: Parameters<typeof readRows>[1],
): Promise<StudiedRows> {
  const data = dataOf(context);
  const rows = await readRows(context, choice);
  if (rows.labels === undefined) {
    throw new UserError(
      'labels-missing',
      `${data.path} has no labels, and influence is about the loss at them. Add an array "labels" to the .npz, or "labels" to its .inspect.json.`,
      { detail: { path: data.path } },
    );
  }
  return { data, rows, labels: rows.labels };
}

async function predictionsOf(
  context: AnalysisContext,
  scored: ScoredModel,
  both: { readonly test: StudiedRows; readonly training: StudiedRows },
): Promise<InfluenceStudy['predictions']> {
  if (scored.classCount < 2) return undefined;
  const classes = async ({ rows }: StudiedRows): Promise<Int32Array> =>
    Int32Array.from(await readScores(context, scored, rows), argmax);
  return { test: await classes(both.test), training: await classes(both.training) };
}

function checkLabels(
  { data, rows, labels }: StudiedRows,
  { classCount }: ScoredModel,
  { loss }: InfluenceSettings,
): void {
  if (loss === 'squared-error' && classCount === 1) return;
  const outside = labels.findIndex((label) => label < 0 || label >= classCount);
  if (outside < 0) return;
  throw new UserError(
    'label-out-of-range',
    `${rowName(rows.ids[outside] ?? '')} of ${data.path} has label ${String(labels[outside])}, and the model scores ${String(classCount)} classes, counted from 0. Correct the label or leave the row out.`,
    { detail: { path: data.path, row: outside, label: labels[outside], classCount } },
  );
}

/** Layers whose weights count, among those that the scores depend on. */
function chosenLayers({ model, scores }: ScoredModel, wanted: string): readonly LearnedLayer[] {
  const read = neededNames(model.graph, [scores]);
  const all = learnedLayers(model).flatMap((layer) => {
    const weights = layer.weights.filter(
      ({ name, elementType }) => read.has(name) && /^float/.test(elementType),
    );
    return weights.length === 0 ? [] : [{ ...layer, weights }];
  });
  if (all.length === 0) {
    throw new UserError(
      'no-weights',
      `${model.file.path} stores no floating-point weights that its scores depend on, so no training row can have moved them. Give the model before it was quantised.`,
    );
  }
  if (wanted === 'all') return all;
  if (wanted === 'last') return all.slice(-1);
  const names = all.map(({ name }) => name);
  return wanted.split(',').map((part) => {
    const name = part.trim();
    const layer = all.find((each) => each.name === name);
    if (layer !== undefined) return layer;
    throw new UserError(
      'unknown-layer',
      `There is no layer "${name}" with weights that the scores depend on.${didYouMean(name, names)} Set layers to last, all, or some of ${names.join(', ')}.`,
      { detail: { layer: name, layers: names } },
    );
  });
}

interface CheckpointPart {
  readonly gradients: LossGradients;
  readonly layers: readonly LearnedLayer[];
  readonly learningRate: number;
  readonly progress: (doneRows: number) => void;
}

async function addInfluence(
  { gradients, layers, learningRate, progress }: CheckpointPart,
  {
    test,
    training,
    sums,
    layerNorms,
  }: Pick<InfluenceStudy, 'test' | 'training'> & {
    readonly sums: Pick<InfluenceStudy, 'influence' | 'selfInfluence'>;
    readonly layerNorms: Map<string, CountedLayer>;
  },
): Promise<void> {
  const count = training.rows.count;
  for (let row = 0; row < test.rows.count; row++) {
    const gradient = await gradients.gradientOf(test, row);
    addNorms(layerNorms, { layers, gradient, learningRate });
    const products = await gradients.products(gradient, training);
    for (const [j, product] of products.entries()) {
      sums.influence[row * count + j] = (sums.influence[row * count + j] ?? 0) + learningRate * product;
    }
    progress(passesPerProduct * count);
  }
  if (sums.selfInfluence === undefined) return;
  let row = 0;
  for await (const norms of gradients.squaredNorms(training)) {
    const norm = norms.reduce((sum, each) => sum + each, 0);
    sums.selfInfluence[row] = (sums.selfInfluence[row] ?? 0) + learningRate * norm;
    row++;
    progress(passesPerNorm);
  }
}

function addNorms(
  layerNorms: Map<string, CountedLayer>,
  {
    layers,
    gradient,
    learningRate,
  }: {
    readonly layers: readonly LearnedLayer[];
    readonly gradient: WeightGradient;
    readonly learningRate: number;
  },
): void {
  for (const { name, weights } of layers) {
    let norm = 0;
    for (const weight of weights) {
      const tensor = gradient.tensors.get(weight.name);
      if (tensor !== undefined) norm += toFloat64(tensor).reduce((sum, value) => sum + value * value, 0);
    }
    const parameterCount = weights.reduce((sum, { dims }) => sum + elementCountOf(dims), 0);
    const share = (layerNorms.get(name)?.share ?? 0) + learningRate * norm;
    layerNorms.set(name, { name, parameterCount, share });
  }
}

/** Forward passes of one row that a product, and a gradient by itself with its overhead, take as long as. */
export const [passesPerProduct, passesPerNorm] = [3, 6];

function progressOf(
  context: AnalysisContext,
  {
    listed,
    test,
    training,
    settings,
  }: Pick<InfluenceStudy, 'test' | 'training'> & {
    readonly listed: readonly ListedModel[];
    readonly settings: InfluenceSettings;
  },
): (done: number) => void {
  const each = test.rows.count * passesPerProduct + (settings.selfInfluence ? passesPerNorm : 0);
  const total = listed.length * training.rows.count * each;
  let done = 0;
  return (passes) => {
    done += passes;
    const message = `Gradients of ${training.rows.count.toLocaleString('en-US')} training rows at ${String(listed.length)} checkpoints`;
    context.progress({ fractionDone: Math.min(1, done / total), message });
  };
}

function accuracyOf(predictions: Int32Array, labels: Int32Array): number {
  return predictions.filter((prediction, row) => prediction === labels[row]).length / predictions.length;
}
