import { type TensorData, type TensorValue, elementCountOf } from '../onnx/tensorValue.js';
import { throwIfAborted } from '../base/abort.js';
import { type ConvertedInput, convertInput } from './convertInput.js';
import type { Batch } from './dataset.js';
import type { InputPlan } from './inputPlan.js';
import { allocateElements } from './namedArray.js';
import type { RawSample } from './sampleSource.js';

interface ReadySample {
  readonly sample: RawSample;
  readonly inputs: ReadonlyMap<string, ConvertedInput>;
}

/**
 * Converts samples and gathers them into batches; a batch also ends where the next sample has another shape, so that
 * rows of one batch are always equally long and nothing is padded.
 */
export async function* assembleBatches(
  samples: AsyncIterable<RawSample>,
  plans: readonly InputPlan[],
  {
    batchSize,
    hasLabels,
    signal,
  }: { batchSize: number; hasLabels: boolean; signal: AbortSignal | undefined },
): AsyncGenerator<Batch> {
  let waiting: ReadySample[] = [];
  let firstIndex = 0;
  for await (const sample of samples) {
    throwIfAborted(signal);
    const ready = await convertSample(sample, plans);
    const [first] = waiting;
    if (first !== undefined && !hasSameShape(first, ready)) {
      yield batchOf(waiting, plans, { firstIndex, hasLabels });
      firstIndex += waiting.length;
      waiting = [];
    }
    waiting.push(ready);
    if (waiting.length < batchSize) continue;
    yield batchOf(waiting, plans, { firstIndex, hasLabels });
    firstIndex += waiting.length;
    waiting = [];
  }
  if (waiting.length > 0) yield batchOf(waiting, plans, { firstIndex, hasLabels });
}

/** Carries out every input's plan on one sample. */
export async function convertSample(sample: RawSample, plans: readonly InputPlan[]): Promise<ReadySample> {
  const inputs = new Map<string, ConvertedInput>();
  for (const plan of plans) {
    const raw = sample.values.get(plan.target.name);
    if (raw === undefined) throw new Error(`Sample ${sample.id} has no value for ${plan.target.name}.`);
    inputs.set(plan.target.name, await convertInput(plan, raw, sample.id));
  }
  return { sample, inputs };
}

function hasSameShape(a: ReadySample, b: ReadySample): boolean {
  for (const [name, { dims }] of a.inputs) {
    if (b.inputs.get(name)?.dims.join() !== dims.join()) return false;
  }
  return true;
}

function batchOf(
  ready: readonly ReadySample[],
  plans: readonly InputPlan[],
  { firstIndex, hasLabels }: { firstIndex: number; hasLabels: boolean },
): Batch {
  const feeds: Record<string, TensorValue> = {};
  for (const plan of plans) {
    const parts = ready
      .map(({ inputs }) => inputs.get(plan.target.name))
      .filter((part) => part !== undefined);
    feeds[plan.target.name] = plan.isConstant ? constantFeed(plan, parts) : stack(plan, parts);
  }
  const labels = Int32Array.from(ready, ({ sample }) => sample.label ?? -1);
  return {
    feeds,
    sampleCount: ready.length,
    firstIndex,
    ids: ready.map(({ sample }) => sample.id),
    ...(hasLabels ? { labels } : {}),
  };
}

function constantFeed({ target }: InputPlan, parts: readonly ConvertedInput[]): TensorValue {
  const [first] = parts;
  if (first === undefined) throw new Error('A batch has at least one sample.');
  return { dtype: target.elementType, ...first };
}

/** Puts samples of equal shape one after the other: [N, …]. */
function stack({ target }: InputPlan, parts: readonly ConvertedInput[]): TensorValue {
  const dims = parts[0]?.dims ?? [];
  const size = elementCountOf(dims);
  const data = allocateElements(target.elementType, size * parts.length);
  for (const [row, part] of parts.entries()) place(data, part.data, row * size);
  return { dtype: target.elementType, dims: [parts.length, ...dims], data };
}

function place(into: TensorData, from: TensorData, offset: number): void {
  if (Array.isArray(into) || Array.isArray(from)) {
    for (const [index, element] of from.entries()) into[offset + index] = element;
  } else if (into instanceof BigInt64Array || into instanceof BigUint64Array) {
    // Both come from `castElements` or the same element type, so they are of one kind.
    into.set(from as BigInt64Array, offset);
  } else {
    into.set(from as Float32Array, offset);
  }
}
