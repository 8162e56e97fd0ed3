import { createRandom } from '../../src/base/random.js';
import type { Model } from '../../src/onnx/model.js';
import type { TensorValue } from '../../src/onnx/tensorValue.js';
import { normalTensor } from './modelBuilder.js';

/** Returns seeded feeds: normal numbers for float inputs, whole ones below `tokenCount` for others; open sizes are `batch` and `size`. */
export function feedsFor(
  model: Model,
  {
    batch = 2,
    size,
    tokenCount = 20,
  }: { readonly batch?: number; readonly size: number; readonly tokenCount?: number },
): Record<string, TensorValue> {
  const random = createRandom(3);
  const feeds: Record<string, TensorValue> = {};
  for (const { name, type } of model.graph.inputs) {
    if (model.graph.initializers.has(name) || type.kind !== 'tensor') continue;
    const dims = (type.shape ?? []).map((given, axis) =>
      typeof given === 'number' && given > 0 ? given : axis === 0 ? batch : size,
    );
    if (type.elementType === 'float32') {
      feeds[name] = normalTensor(random, dims);
      continue;
    }
    const count = dims.reduce((product, length) => product * length, 1);
    const tokens = Array.from({ length: count }, () => random.integer(tokenCount));
    feeds[name] =
      type.elementType === 'int32'
        ? { dtype: 'int32', dims, data: Int32Array.from(tokens) }
        : { dtype: 'int64', dims, data: BigInt64Array.from(tokens, BigInt) };
  }
  return feeds;
}
