import assert from 'node:assert/strict';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { verify } from '../../src/engine/graph/verify.js';
import type { AddressContext } from '../../src/engine/interventions/atAddresses.js';
import { createRuntime } from '../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../src/engine/runtime/session.js';
import { layersOf } from '../../src/onnx/layers/layerTable.js';
import type { Model } from '../../src/onnx/model.js';
import { inferTypes } from '../../src/onnx/shapes/inferTypes.js';
import { type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

/** Runs a model once, after checking its graph. */
export async function runOnce(model: Model, feeds: Feeds): Promise<Record<string, TensorValue>> {
  verify(model);
  const session = await runtime.open(model);
  const outputs = await session.run(feeds);
  await session.close();
  return { ...outputs };
}

/** Compares element by element, relative to the larger ones. */
export function assertClose(
  actual: TensorValue,
  expected: Iterable<number>,
  title: string,
  tolerance = 1e-5,
): void {
  const values = toFloat64(actual);
  const wanted = [...expected];
  assert.equal(values.length, wanted.length, title);
  for (const [i, value] of wanted.entries()) {
    assert.ok(
      Math.abs(values[i]! - value) <= tolerance * Math.max(1, Math.abs(value)),
      `${title} [${i}]: ${values[i]!} ${value}`,
    );
  }
}

/** x [N, 3, T] → Relu → `h` → Neg → `y`. */
export function chain(): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', 3, 'T'));
  builder.node('Relu', ['x'], { outputs: ['h'], name: '/act/Relu' });
  builder.addOutput(builder.node('Neg', ['h'], { outputs: ['y'] }), floatType('N', 3, 'T'));
  return builder.build();
}

/** What addresses of a model are resolved by. */
export function contextOf(model: Model): AddressContext {
  return { model, table: layersOf(model), types: inferTypes(model) };
}
