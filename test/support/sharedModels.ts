import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, type Random } from '../../src/base/random.js';
import type { DataType } from '../../src/onnx/dataTypes.js';
import type { Model, ValueType } from '../../src/onnx/model.js';
import { readModel } from '../../src/onnx/readModel.js';
import { elementCountOf, float32Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';

/** A model outside the repository, and random inputs it runs on. */
export interface SharedModel {
  readonly path: string;
  readonly model: Model;
  readonly feeds: Record<string, TensorValue>;
}

/** Returns every model of ../shared/models with seeded random inputs; named sizes are 2 on axis 0, else 7. */
export async function sharedModels(shared: string): Promise<readonly SharedModel[]> {
  const paths = readdirSync(join(shared, 'models'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.onnx'))
    .sort();
  const random = createRandom(3);
  return Promise.all(
    paths.map(async (relative) => {
      const path = join(shared, 'models', relative);
      const model = await readModel(path);
      const feeds: Record<string, TensorValue> = {};
      for (const { name, type } of model.graph.inputs) {
        if (!model.graph.initializers.has(name)) feeds[name] = randomInput(type, random);
      }
      return { path, model, feeds };
    }),
  );
}

function randomInput(type: ValueType, random: Random): TensorValue {
  if (type.kind !== 'tensor' || type.shape === null) throw new Error('Inputs of shared models are tensors.');
  const dims = type.shape.map((size, axis) => (typeof size === 'number' ? size : axis === 0 ? 2 : 7));
  return tensorOf(type.elementType, dims, random);
}

function tensorOf(dtype: DataType, dims: readonly number[], random: Random): TensorValue {
  const count = elementCountOf(dims);
  // Token numbers: small enough for every vocabulary and for byte values.
  const tokens = Array.from({ length: count }, () => Math.floor(random.next() * 200));
  if (dtype === 'int64') return { dtype, dims, data: BigInt64Array.from(tokens, BigInt) };
  if (dtype === 'int32') return { dtype, dims, data: Int32Array.from(tokens) };
  return float32Tensor(
    Float32Array.from({ length: count }, () => random.next()),
    dims,
  );
}
