import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import type { Batch } from '../../../data/dataset.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { fedBatches, pickFeeds } from '../../shared/sweep.js';
import { type HiddenState, hiddenStatesOf } from './hiddenStates.js';

/** What is massive, and on how many samples. */
export interface MassiveRule {
  /** |a| above this … */
  readonly magnitude: number;
  /** … and at least this × the median |a| of the hidden state. */
  readonly ratio: number;
  readonly sampleCount: number;
}

/** An entry that is massive on some sample. */
export interface MassiveEntry {
  readonly sample: number;
  readonly unit: number;
  /** Along the axes that are no units. */
  readonly position: readonly number[];
  readonly value: number;
}

/** The sizes of a hidden state, each the mean over samples. */
export interface StateFigures {
  readonly state: HiddenState;
  /** The three largest |a|, and the median |a|. */
  readonly top: readonly [number, number, number];
  readonly median: number;
  /** Largest |a| over the median. */
  readonly ratio: number;
  readonly entries: readonly MassiveEntry[];
  readonly entryCount: number;
  /** Elements that are NaN or infinite. */
  readonly notFiniteCount: number;
}

/** What one model's hidden states hold. */
export interface MassiveFigures {
  readonly states: readonly StateFigures[];
  readonly sampleCount: number;
}

interface Tally {
  readonly state: HiddenState;
  readonly sums: Float64Array;
  readonly entries: MassiveEntry[];
  entryCount: number;
  notFiniteCount: number;
}

/**
 * Looks for massive entries in every hidden state of a model on the first samples.
 *
 * @throws UserError `no-hidden-state` when nothing can be read.
 */
export async function measureMassive(
  context: AnalysisContext,
  model: Model,
  rule: MassiveRule,
): Promise<MassiveFigures> {
  const { data } = context;
  const states = await hiddenStatesOf(context, model);
  if (data === undefined || states.length === 0) {
    throw new UserError(
      'no-hidden-state',
      'No layer of this model has an output of real numbers whose shape is known: choose a model with layers in its main graph.',
    );
  }
  const { tapped, outputs } = tapStates(model, states);
  const tallies = states.map((state): Tally => {
    return { state, sums: new Float64Array(4), entries: [], entryCount: 0, notFiniteCount: 0 };
  });
  const limit = Math.min(data.sampleCount, context.limit ?? Infinity, rule.sampleCount);
  const session = await context.runtime.open(tapped, { purpose: 'probe' });
  let sampleCount = 0;
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data }, model, limit)) {
      const values = await session.run(pickFeeds(feeds, session));
      for (const [index, tally] of tallies.entries()) {
        addBatch(tally, { value: values[outputs[index] ?? ''], batch, feeds, rule });
      }
      sampleCount += batch.sampleCount;
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await session.close();
  }
  return { states: tallies.map((tally) => figuresOf(tally, sampleCount)), sampleCount };
}

/** Returns the model whose outputs are the hidden states, as float32. */
function tapStates(
  model: Model,
  states: readonly HiddenState[],
): { readonly tapped: Model; readonly outputs: readonly string[] } {
  const builder = new GraphBuilder(model);
  builder.setOutputs([]);
  const float32 = dataTypeFacts('float32').code;
  const outputs = states.map(({ target }) => {
    const output = builder.cast(target.leaving, float32);
    builder.addOutput(output);
    return output;
  });
  return { tapped: prune(builder.build(), outputs), outputs };
}

interface RunBatch {
  readonly value: TensorValue | undefined;
  readonly batch: Batch;
  readonly feeds: Feeds;
  readonly rule: MassiveRule;
}

function addBatch(tally: Tally, { value, batch, feeds, rule }: RunBatch): void {
  if (value === undefined) return;
  const { maskInput, maskLayout } = tally.state.target;
  const mask = maskLayout === undefined ? undefined : feeds[maskInput ?? 'attention_mask'];
  const flags = mask === undefined ? undefined : toFloat64(mask);
  const values = toFloat64(value);
  for (let row = 0; row < batch.sampleCount; row++) {
    addSample(tally, values, { row, sample: batch.firstIndex + row, flags, rule });
  }
}

function figuresOf({ state, sums, ...counts }: Tally, sampleCount: number): StateFigures {
  const [first = NaN, second = NaN, third = NaN, median = NaN] = sums.map((sum) => sum / sampleCount);
  return { state, top: [first, second, third], median, ratio: first / median, ...counts };
}

interface Place {
  readonly row: number;
  readonly sample: number;
  /** Mask [N, T]: 0 where a token counts nowhere. */
  readonly flags: Float64Array | undefined;
  readonly rule: MassiveRule;
}

function addSample(tally: Tally, values: Float64Array, { row, sample, flags, rule }: Place): void {
  const { sampleDims, unitAxis } = tally.state;
  const size = sampleDims.reduce((product, dim) => product * dim, 1);
  const own = values.subarray(row * size, (row + 1) * size);
  const tokenAxis = sampleDims.findIndex((_, axis) => axis !== unitAxis);
  const tokenCount = sampleDims[tokenAxis] ?? 1;
  const stride = sampleDims.slice(tokenAxis + 1).reduce((product, dim) => product * dim, 1);
  const isSeen = (at: number): boolean =>
    flags === undefined || flags[row * tokenCount + (Math.floor(at / stride) % tokenCount)] !== 0;
  const seen = own.filter((value, at) => isSeen(at) && Number.isFinite(value)).map(Math.abs);
  tally.entryCount += seen.length;
  tally.notFiniteCount += own.filter((value, at) => isSeen(at) && !Number.isFinite(value)).length;
  const sorted = seen.toSorted();
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
  const sizes = [sorted.at(-1), sorted.at(-2), sorted.at(-3), median];
  for (const [index, one] of sizes.entries()) tally.sums[index] = (tally.sums[index] ?? 0) + (one ?? 0);
  const bound = Math.max(rule.magnitude, rule.ratio * median);
  if (!((sorted.at(-1) ?? 0) >= bound)) return;
  for (const [at, value] of own.entries()) {
    const magnitude = Math.abs(value);
    const isMassive = magnitude > rule.magnitude && magnitude >= rule.ratio * median;
    if (isMassive && Number.isFinite(value) && isSeen(at)) {
      tally.entries.push({ sample, value, ...placeOf(at, sampleDims, unitAxis) });
    }
  }
}

function placeOf(
  at: number,
  dims: readonly number[],
  unitAxis: number,
): { readonly unit: number; readonly position: readonly number[] } {
  let rest = at;
  const indices = dims.map(() => 0);
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const dim = dims[axis] ?? 1;
    indices[axis] = rest % dim;
    rest = Math.floor(rest / dim);
  }
  return { unit: indices[unitAxis] ?? 0, position: indices.filter((_, axis) => axis !== unitAxis) };
}

/** Massive entries of one unit, over samples and positions. */
export interface MassiveUnit {
  readonly figures: StateFigures;
  readonly unit: number;
  readonly values: readonly number[];
  readonly mean: number;
  /** Standard deviation over |mean|: near 0, the value is a constant whatever the input. */
  readonly variation: number;
  readonly sampleCount: number;
  /** Each position once, the most frequent first. */
  readonly positions: readonly (readonly number[])[];
}

/** Returns the massive units of all states, those seen most often first within a state. */
export function massiveUnits({ states }: MassiveFigures): MassiveUnit[] {
  return states.flatMap((figures) => {
    const units = [...new Set(figures.entries.map(({ unit }) => unit))];
    return units
      .map((unit): MassiveUnit => {
        const own = figures.entries.filter((entry) => entry.unit === unit);
        const values = own.map(({ value }) => value);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
        const counts = new Map<string, number>();
        for (const { position } of own) {
          counts.set(position.join(), (counts.get(position.join()) ?? 0) + 1);
        }
        const positions = [...counts].sort((a, b) => b[1] - a[1]).map(([key]) => key.split(',').map(Number));
        const sampleCount = new Set(own.map(({ sample }) => sample)).size;
        return {
          ...{ figures, unit, values, mean, positions, sampleCount },
          variation: Math.sqrt(variance) / Math.abs(mean),
        };
      })
      .sort((a, b) => b.values.length - a.values.length);
  });
}
