import { createRandom, type Random } from '../base/random.js';
import type { Model } from '../onnx/model.js';
import { elementCountOf, type TensorValue } from '../onnx/tensorValue.js';
import { castElements } from './castElements.js';
import type { Batch, BatchOptions, Dataset } from './dataset.js';
import { type InputTarget, inputTargets } from './inputTargets.js';

/** How synthetic data is made. */
export interface SyntheticOptions {
  readonly sampleCount: number;
  readonly seed: number;
  /** Size for open dimensions other than the batch; default 8. */
  readonly openSize?: number;
  /** Integer inputs are drawn from 0 to below this; default 2, which any embedding and any index of two has. */
  readonly integerBound?: number;
}

/**
 * Returns random data that fits a model's inputs: floats from the standard normal distribution, integers from 0 to below
 * `integerBound`, masks of ones. For tests and for measuring shapes, never for judging a model.
 *
 * Each sample depends on the seed and its index only, so that batch size and order change nothing.
 */
export function syntheticDataset(model: Model, options: SyntheticOptions): Dataset {
  const targets = inputTargets(model);
  const unit = targets.find(({ fixedBatch }) => fixedBatch !== undefined)?.fixedBatch ?? 1;
  const sampleCount = Math.ceil(options.sampleCount / unit) * unit;
  return {
    path: '',
    kind: 'synthetic',
    sampleCount,
    hasLabels: false,
    warnings: ['The data is random: it shows that the model runs, not what it does.'],
    batches: (batching) => makeBatches(targets, options, { ...batching, sampleCount, unit }),
  };
}

// Nothing is awaited: the numbers are made on the spot.
// eslint-disable-next-line @typescript-eslint/require-await
async function* makeBatches(
  targets: readonly InputTarget[],
  options: SyntheticOptions,
  batching: BatchOptions & { readonly sampleCount: number; readonly unit: number },
): AsyncGenerator<Batch> {
  const { limit, order, sampleCount, unit } = batching;
  const batchSize =
    unit > 1 || targets.some(({ fixedBatch }) => fixedBatch === 1) ? unit : batching.batchSize;
  const count = Math.min(
    sampleCount,
    Math.ceil((limit ?? Infinity) / unit) * unit,
    order?.length ?? Infinity,
  );
  for (let firstIndex = 0; firstIndex < count; firstIndex += batchSize) {
    const size = Math.min(batchSize, count - firstIndex);
    const indices = Array.from({ length: size }, (_, row) => order?.[firstIndex + row] ?? firstIndex + row);
    const feeds = Object.fromEntries(
      targets.map((target, place) => [target.name, feedOf(target, { indices, place, options })]),
    );
    yield { feeds, sampleCount: size, firstIndex, ids: indices.map(String) };
  }
}

interface Feeding {
  readonly indices: readonly number[];
  readonly place: number;
  readonly options: SyntheticOptions;
}

function feedOf(target: InputTarget, { indices, place, options }: Feeding): TensorValue {
  const { openSize = 8, integerBound = 2, seed } = options;
  const { elementType, name, shape } = target;
  const open = (dim: string | number | null) => (typeof dim === 'number' ? dim : openSize);
  // An input without a first axis, or whose fixed first axis is no batch, is fed whole.
  const isWhole =
    shape?.length === 0 || (target.fixedBatch !== undefined && target.fixedBatch !== indices.length);
  const sampleDims = (target.sampleShape ?? []).map(open);
  const dims = isWhole ? (shape ?? []).map(open) : [indices.length, ...sampleDims];
  const numbers = new Float64Array(elementCountOf(dims));
  const sampleSize = isWhole ? numbers.length : elementCountOf(sampleDims);
  for (const [row, index] of (isWhole ? [0] : indices).entries()) {
    const random = createRandom(seed + 7919 * (index + 1) + 104729 * place);
    const sample = numbers.subarray(row * sampleSize, (row + 1) * sampleSize);
    for (let at = 0; at < sample.length; at++) sample[at] = draw(random, target, integerBound);
  }
  if (elementType === 'string') return { dtype: elementType, dims, data: Array.from(numbers, () => '') };
  return {
    dtype: elementType,
    dims,
    data: castElements(numbers, elementType, { input: name, sample: 'synthetic' }),
  };
}

function draw(random: Random, { elementType, name }: InputTarget, integerBound: number): number {
  if (name.endsWith('attention_mask')) return 1;
  if (elementType.startsWith('float') || elementType === 'bfloat16') return random.normal();
  return random.integer(elementType === 'bool' ? 2 : integerBound);
}
