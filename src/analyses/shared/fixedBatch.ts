import type { Model } from '../../onnx/model.js';

/** Returns the batch size a model insists on, or undefined when it takes any. */
export function fixedBatchSize(model: Model): number | undefined {
  const sizes = model.graph.inputs
    .filter((input) => !model.graph.initializers.has(input.name))
    .map((input) => (input.type.kind === 'tensor' ? input.type.shape?.[0] : undefined));
  return sizes.find((size): size is number => typeof size === 'number' && size > 0);
}

/** Points of one run. */
export interface SlotBatch {
  readonly start: number;
  /** Points of it that count: the first slots. */
  readonly count: number;
  /** The point in each slot; where the batch is fixed the last point is repeated until it is full. */
  readonly slots: readonly number[];
}

/** Deals points out to runs: as many at a time as the model insists on, else `batchSize`. */
export function* slotBatches(
  pointCount: number,
  { model, batchSize }: { readonly model: Model; readonly batchSize: number },
): Iterable<SlotBatch> {
  const fixed = fixedBatchSize(model);
  const size = fixed ?? Math.max(1, batchSize);
  for (let start = 0; start < pointCount; start += size) {
    const count = Math.min(size, pointCount - start);
    const slots = Array.from({ length: fixed ?? count }, (_, i) => start + Math.min(i, count - 1));
    yield { start, count, slots };
  }
}

/** Returns an order of samples with the last one repeated until batches of `size` are full. */
export function filledOrder(samples: readonly number[], size: number): Uint32Array {
  const length = Math.ceil(samples.length / size) * size;
  return Uint32Array.from({ length }, (_, index) => samples[index] ?? samples.at(-1) ?? 0);
}
