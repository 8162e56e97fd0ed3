import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import type { Random } from '../../../base/random.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { Session } from '../../../engine/runtime/session.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { elementCountOf, type TensorData, type TensorValue } from '../../../onnx/tensorValue.js';
import { chooseAnswerOutput } from '../../shared/accuracy.js';
import type { AnalysisContext } from '../../analysis.js';
import { fixedBatchSize } from '../../shared/fixedBatch.js';
import { explainableInputs } from '../attribution/inputs.js';
import { channelAxisOf } from '../../shared/layout.js';
import { readRows, type Rows } from '../attribution/rows.js';
import { takeRows } from '../../shared/tensorRows.js';
import { type Features, openFeatures } from '../features/features.js';
import { type ImportanceSettings, importanceRowCount } from './importanceSettings.js';
import { chooseLoss, type LossName, lossOf, scoresByRow } from './losses.js';

/** The row that a feature of a row is taken from; the row itself where it is intact. */
export type SourceOf = (row: number, feature: number) => number;

/** Rows, their features, and the model's answers when features are taken from other rows. */
export interface Shuffling {
  readonly rows: Rows;
  readonly features: Features;
  readonly loss: LossName;
  readonly random: Random;
  /** One number per row and feature, the mean of the feature's elements: `[features][rows]`. */
  readonly featureValues: readonly Float64Array[];
  readonly warnings: readonly string[];
  /** Mean loss of the rows as they are. */
  readonly intactLoss: number;
  /** Scores of the rows as they are. */
  readonly intactScores: readonly Float64Array[];
  /** Returns the mean loss. */
  lossWhere(source: SourceOf): Promise<number>;
  /** Returns the scores of some rows. */
  scoresWhere(rows: readonly number[], source: SourceOf): Promise<Float64Array[]>;
  close(): Promise<void>;
}

/**
 * Reads the rows, cuts them into features and runs the model on them as they are.
 *
 * `passCount` says how many times the rows will be run, for the progress bar.
 *
 * @throws UserError when there are fewer than two rows, no scores, or features that differ between rows.
 */
export async function openShuffling(
  context: AnalysisContext,
  settings: ImportanceSettings,
  passCount: (facts: { readonly featureCount: number; readonly rowCount: number }) => number,
): Promise<Shuffling> {
  const rows = await readRows(context, { defaultCount: importanceRowCount });
  if (rows.count < 2) throw tooFewRows(rows.count);
  const inputs = explainableInputs(context.model, rows.feeds).map(({ name }) => name);
  const features = await featuresOf(context, settings, { rows, inputs });
  const loss = chooseLoss(settings.loss, rows.labels);
  const session = await context.runtime.open(withoutZipMaps(context.model));
  const total = passCount({ featureCount: features.maxCount, rowCount: rows.count }) * rows.count;
  const run = runnerOf({ context, rows, features, inputs, session, total });
  const all = rows.ids.map((_, row) => row);
  const intactScores = await run(all, (row) => row);
  const meanLoss = (scores: readonly Float64Array[]): number => {
    let sum = 0;
    for (const [row, ofRow] of scores.entries()) {
      const intact = intactScores[row] ?? new Float64Array();
      sum += lossOf(loss, { scores: ofRow, label: rows.labels?.[row] ?? -1, intact });
    }
    return sum / rows.count;
  };
  return {
    rows,
    features,
    loss,
    random: context.random,
    featureValues: featureValuesOf(rows, features, inputs),
    warnings: [...rows.warnings, ...heldWarnings(rows, inputs)],
    intactScores,
    intactLoss: meanLoss(intactScores),
    lossWhere: async (source) => meanLoss(await run(all, source)),
    scoresWhere: run,
    close: () => session.close(),
  };
}

/** A ZipMap only puts names to the columns of a tensor: the tensor is what holds the scores. */
function withoutZipMaps(model: Model): Model {
  const { nodes, outputs } = model.graph;
  const names = outputs.map(({ name }) => {
    const producer = nodes.find((node) => node.outputs.includes(name));
    return producer?.opType === 'ZipMap' ? (producer.inputs[0] ?? name) : name;
  });
  if (names.every((name, i) => name === outputs[i]?.name)) return model;
  const builder = new GraphBuilder(model);
  builder.setOutputs(names);
  return prune(builder.build(), names);
}

function heldWarnings({ feeds }: Rows, inputs: readonly string[]): string[] {
  const held = Object.keys(feeds).filter((name) => !inputs.includes(name));
  return held.length === 0 ? [] : [`Held at the row's own values: ${held.join(', ')}.`];
}

function featuresOf(
  { model, data }: AnalysisContext,
  settings: ImportanceSettings,
  { rows, inputs }: { readonly rows: Rows; readonly inputs: readonly string[] },
): Promise<Features> {
  const described = inputs.map((name) => {
    const dims = rows.feeds[name]?.dims.slice(1) ?? [];
    // Values are only looked at by superpixels, which differ between rows and are not offered here.
    return { name, dims, channelAxis: channelAxisOf(model, name, dims), elements: new Float32Array() };
  });
  return openFeatures(
    described,
    { ...settings, features: 'auto' },
    // One mask for all rows: a feature that differs between rows cannot be exchanged between them.
    { rowCount: 1, columnNames: data?.columnNames ?? {} },
  );
}

interface Run {
  readonly context: AnalysisContext;
  readonly rows: Rows;
  readonly features: Features;
  readonly inputs: readonly string[];
  readonly session: Session;
  /** Rows that will be run in all. */
  readonly total: number;
}

function runnerOf(run: Run): Shuffling['scoresWhere'] {
  const { context, session, total } = run;
  const fixed = fixedBatchSize(context.model);
  const size = fixed ?? Math.max(1, context.batchSize);
  let output: string | undefined;
  let doneCount = 0;
  return async (wanted, source) => {
    const scores: Float64Array[] = [];
    for (let start = 0; start < wanted.length; start += size) {
      throwIfAborted(context.signal);
      const own = wanted.slice(start, start + size);
      // A model with a fixed batch gets its last batch filled up with repeats, which are dropped again.
      const slots = Array.from(
        { length: fixed ?? own.length },
        (_, i) => own[Math.min(i, own.length - 1)] ?? 0,
      );
      const outputs = await session.run(mixedFeeds(run, slots, source), session.outputNames);
      output ??= scoresOutput(outputs, slots.length);
      const value = output === undefined ? undefined : outputs[output];
      if (value === undefined) throw noScores(session.outputNames);
      scores.push(...scoresByRow(value).slice(0, own.length));
      doneCount += own.length;
      context.progress({
        fractionDone: Math.min(1, doneCount / total),
        message: `${doneCount.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} rows`,
      });
      await yieldToEventLoop();
    }
    return scores;
  };
}

/** The output with a score per class, or else with one number for every row. */
function scoresOutput(outputs: Readonly<Record<string, TensorValue>>, rowCount: number): string | undefined {
  const isFloat = (name: string): boolean => dataTypeFacts(outputs[name]?.dtype ?? 'int64').isFloat;
  const answer = chooseAnswerOutput(outputs, rowCount);
  if (answer !== undefined && isFloat(answer)) return answer;
  return Object.keys(outputs).find((name) => isFloat(name) && outputs[name]?.data.length === rowCount);
}

function mixedFeeds(
  { rows, features, inputs, session }: Run,
  slots: readonly number[],
  source: SourceOf,
): Record<string, TensorValue> {
  const feeds: Record<string, TensorValue> = {};
  for (const [name, tensor] of Object.entries(rows.feeds)) {
    if (!session.inputNames.includes(name)) continue;
    const taken = takeRows(tensor, slots);
    const input = inputs.indexOf(name);
    if (input >= 0) exchange(taken.data, { tensor, slots, source, ids: features.idsOf(0, input) });
    feeds[name] = taken;
  }
  return feeds;
}

function exchange(
  target: TensorData,
  from: {
    readonly tensor: TensorValue;
    readonly slots: readonly number[];
    readonly source: SourceOf;
    readonly ids: Int32Array;
  },
): void {
  const { tensor, slots, source, ids } = from;
  const size = elementCountOf(tensor.dims.slice(1));
  // Both are the data of one tensor: their element types agree.
  const [into, values] = [target as unknown[], tensor.data as ArrayLike<unknown>];
  for (const [slot, row] of slots.entries()) {
    for (let i = 0; i < size; i++) {
      const feature = ids[i] ?? -1;
      const other = feature < 0 ? row : source(row, feature);
      if (other !== row) into[slot * size + i] = values[other * size + i];
    }
  }
}

function featureValuesOf(rows: Rows, features: Features, inputs: readonly string[]): Float64Array[] {
  const count = features.maxCount;
  const sums = Array.from({ length: count }, () => new Float64Array(rows.count));
  const sizes = new Float64Array(count);
  for (const [input, name] of inputs.entries()) {
    const tensor = rows.feeds[name];
    const ids = features.idsOf(0, input);
    for (const id of ids) if (id >= 0) sizes[id] = (sizes[id] ?? 0) + 1;
    for (let row = 0; row < rows.count; row++) {
      for (const [i, id] of ids.entries()) {
        const sum = sums[id];
        const value = Number(tensor?.data[row * ids.length + i]);
        if (sum !== undefined) sum[row] = (sum[row] ?? 0) + value;
      }
    }
  }
  return sums.map((sum, feature) => sum.map((value) => value / (sizes[feature] ?? 1)));
}

function tooFewRows(count: number): UserError {
  return new UserError(
    'too-few-rows',
    `Importance exchanges features between rows, and there ${count === 1 ? 'is only one row' : 'are none'}. Pass --data with more rows, or a larger --limit.`,
  );
}

function noScores(outputs: readonly string[]): UserError {
  return new UserError(
    'no-scores',
    `None of the model's outputs (${outputs.join(', ')}) holds scores of whole rows, so there is no loss to measure. Importance is for models with one answer a row.`,
    { detail: { outputs } },
  );
}
