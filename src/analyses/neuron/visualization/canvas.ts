import { throwIfAborted } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import { noSamples } from '../../../data/dataErrors.js';
import type { Dataset } from '../../../data/dataset.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import type { Feeds, Session } from '../../../engine/runtime/session.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { elementCountOf, float32Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { createRangeFold, type InputRange, type RangeFold } from '../../shared/descent/inputRange.js';
import { movableInput, type MovableInput } from '../../shared/descent/movableInput.js';
import { slotBatches } from '../../shared/fixedBatch.js';
import { fedBatches, pickFeeds, sampleTotalOf } from '../../shared/sweep.js';
import { declaredInput } from './declaredInput.js';
import { appendActivation, type Excited, notExcitable, readExcited } from './excited.js';
import { defaultRowCount, type VisualizationSettings } from './settings.js';

/** What inputs are looked for in, and what is to be exceeded there. */
export interface Canvas {
  readonly input: MovableInput;
  readonly range: InputRange;
  /** What one row of the other inputs is held at. */
  readonly held: Feeds;
  /** What is excited, each with what excites it most without being looked for. */
  readonly targets: readonly Target[];
  /** What targets are compared with: samples, or uniform noise where there are no data. */
  readonly comparedWith: 'samples' | 'noise';
  readonly comparedCount: number;
  readonly availableCount: number;
  readonly warnings: readonly string[];
}

/** What is excited, and what it does on what it is compared with. */
export interface Target {
  readonly excited: Excited;
  readonly best: number;
  readonly mean: number;
  /** The best row, as z, and what it is called. */
  readonly bestZ: Float64Array;
  readonly bestId: string;
}

/** Inputs of uniform noise that units are compared with where there are no data. */
const noiseCount = 32;

/**
 * Reads the range of the input and how far samples excite the units; without data noise stands for samples.
 *
 * @throws UserError as `readExcited`, `movableInput`; `input-shape-open`, `inputs-missing`, `input-not-finite`, `data-empty`.
 */
export async function readCanvas(context: AnalysisContext, settings: VisualizationSettings): Promise<Canvas> {
  return context.data === undefined
    ? noiseCanvas(context, settings)
    : dataCanvas(context, context.data, settings);
}

async function dataCanvas(
  context: AnalysisContext,
  data: Dataset,
  settings: VisualizationSettings,
): Promise<Canvas> {
  const { model, batchSize, signal } = context;
  const total = sampleTotalOf({ data, limit: context.limit ?? defaultRowCount });
  let reading: Reading | undefined;
  const warnings: string[] = [];
  try {
    for await (const { batch, feeds } of fedBatches({ data, batchSize, signal }, model, total)) {
      reading ??= await startReading(context, feeds, settings);
      const { dims, name } = reading.input;
      const value = feeds[name];
      if (value?.dims.slice(1).join() !== dims.slice(1).join()) {
        warnings.push(
          `Only the first ${reading.count.toLocaleString('en')} samples are looked at: further ones have another shape.`,
        );
        break;
      }
      await readBatch(reading, feeds, batch.ids);
    }
  } finally {
    await reading?.session.close();
  }
  if (reading === undefined) throw noSamples(data.path);
  if (reading.heldNames.length > 0) {
    warnings.push(
      `Held at the first sample’s own values and not looked for: ${reading.heldNames.join(', ')}.`,
    );
  }
  return canvasOf(reading, settings, {
    comparedWith: 'samples',
    availableCount: data.sampleCount,
    warnings,
  });
}

async function noiseCanvas(context: AnalysisContext, settings: VisualizationSettings): Promise<Canvas> {
  const { model, random, signal } = context;
  const { name, elementType, dims } = declaredInput(model);
  const { low, high } = endsWithout(settings);
  if (!(low < high)) throw emptyRange({ low, high });
  const empty = { dtype: elementType, dims: [0, ...dims], data: new Float32Array() };
  const reading = await startReading(context, { [name]: empty }, settings);
  try {
    for (const { start, count, slots } of slotBatches(noiseCount, context)) {
      throwIfAborted(signal);
      const size = slots.length * elementCountOf(dims);
      const noise = Float32Array.from({ length: size }, () => low + (high - low) * random.next());
      const ids = Array.from({ length: count }, (_, i) => `noise ${String(start + i)}`);
      await readBatch(reading, { [name]: float32Tensor(noise, [slots.length, ...dims]) }, ids);
    }
  } finally {
    await reading.session.close();
  }
  return canvasOf(
    reading,
    { low, high },
    {
      comparedWith: 'noise',
      availableCount: noiseCount,
      warnings: [
        `No data were given: the input is taken to reach from ${String(low)} to ${String(high)} (settings low and high), and activations are compared with those on ${String(noiseCount)} inputs of noise.`,
      ],
    },
  );
}

/** What is known while batches are read. */
interface Reading {
  readonly input: MovableInput;
  readonly heldNames: readonly string[];
  readonly held: Feeds;
  readonly session: Session;
  readonly fold: RangeFold;
  readonly excited: readonly Excited[];
  readonly outputs: readonly string[];
  readonly best: { value: number; row: Float64Array; id: string; sum: number }[];
  count: number;
}

async function startReading(
  { model, runtime }: AnalysisContext,
  feeds: Feeds,
  settings: VisualizationSettings,
): Promise<Reading> {
  const { heldNames, ...input } = movableInput(model, feeds);
  const excited = await readExcited(model, input.name, settings);
  const builder = new GraphBuilder(model);
  const outputs = excited.map((each) => appendActivation(builder, each));
  builder.setOutputs(outputs);
  return {
    input,
    heldNames,
    held: Object.fromEntries(heldNames.map((name) => [name, firstRow(feeds[name])])),
    session: await runtime.open(prune(builder.build(), outputs), { purpose: 'probe' }),
    fold: createRangeFold(input.dims, input.rangeAxis),
    excited,
    outputs,
    best: excited.map(() => ({ value: -Infinity, row: new Float64Array(), id: '', sum: 0 })),
    count: 0,
  };
}

async function readBatch(reading: Reading, feeds: Feeds, ids: readonly string[]): Promise<void> {
  const { input, session, outputs, excited } = reading;
  const value = feeds[input.name];
  if (value === undefined) throw new Error(`The input ${input.name} is not fed.`);
  const size = elementCountOf(input.dims.slice(1));
  const numbers = toFloat64(value);
  if (!reading.fold.add(numbers.subarray(0, ids.length * size))) throw notFinite(input.name);
  const results = await session.run(pickFeeds(feeds, session));
  for (const [index, output] of outputs.entries()) {
    const result = results[output];
    const best = reading.best[index];
    if (result === undefined || best === undefined) continue;
    if (result.dims[0] !== value.dims[0]) {
      throw notExcitable(excited[index]?.address ?? '', 'its first axis does not count samples');
    }
    for (const [row, activation] of toFloat64(result).subarray(0, ids.length).entries()) {
      best.sum += activation;
      if (!(activation > best.value)) continue;
      best.value = activation;
      best.row = numbers.slice(row * size, (row + 1) * size);
      best.id = ids[row] ?? '';
    }
  }
  reading.count += ids.length;
}

function canvasOf(
  { input, held, fold, excited, best, count }: Reading,
  ends: Pick<VisualizationSettings, 'low' | 'high'>,
  facts: Pick<Canvas, 'comparedWith' | 'availableCount' | 'warnings'>,
): Canvas {
  const range = fold.range(ends);
  // One end is set, and lies beyond the other one of the data.
  const isEmpty =
    toFloat64(range.half).some((half) => half <= 0) || (ends.low !== null && ends.low === ends.high);
  if (isEmpty) throw emptyRange(ends);
  const targets = excited.map((each, index) => {
    const { value = NaN, row = new Float64Array(), id = '', sum = NaN } = best[index] ?? {};
    if (row.length === 0) throw notExcitable(each.address, 'it is NaN or −∞ wherever it was looked at');
    return { excited: each, best: value, mean: sum / count, bestZ: range.toZ(row), bestId: id };
  });
  return { input, range, held, targets, comparedCount: count, ...facts };
}

function firstRow(value: TensorValue | undefined): TensorValue {
  if (value === undefined) throw new Error('An input that is held is fed.');
  const size = elementCountOf(value.dims.slice(1));
  return { ...value, dims: [1, ...value.dims.slice(1)], data: value.data.slice(0, size) };
}

/** Ends of the range where no data say them. */
function endsWithout({ low, high }: Pick<VisualizationSettings, 'low' | 'high'>): {
  readonly low: number;
  readonly high: number;
} {
  return { low: low ?? -1, high: high ?? 1 };
}

function emptyRange({ low, high }: Pick<VisualizationSettings, 'low' | 'high'>): UserError {
  const [from, to] = [low ?? 'the lowest of the data', high ?? 'the highest of the data'].map(String);
  return new UserError(
    'range-empty',
    `The range of the input, from ${from ?? ''} to ${to ?? ''}, is empty. Set low to its smallest and high to its largest value.`,
  );
}

function notFinite(name: string): UserError {
  return new UserError(
    'input-not-finite',
    `The samples hold NaN or infinities in "${name}", so there is no range to look in. Repair the data, or leave those samples out.`,
  );
}
