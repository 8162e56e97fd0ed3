import assert from 'node:assert/strict';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Checkpoint } from '../../../src/engine/training/checkpoint.js';
import { adam } from '../../../src/engine/training/optimizers/adam.js';
import { sgd } from '../../../src/engine/training/optimizers/sgd.js';
import { train } from '../../../src/engine/training/train.js';
import type { Model } from '../../../src/onnx/model.js';
import { toHalfPrecision } from '../../../scripts/samples/halfPrecision.js';
import { linearModel, requestFor, testData, weightsOf } from '../../support/training.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

/** Half the distance between float16 numbers of size 1 … 2, twice below: what rounding once may leave. */
const halfStep = 2 ** -11;

const names = ['fc.weight', 'fc.bias'];

/** The model whose weights are float16 numbers, once as such and once as float32. */
async function both(): Promise<{ readonly half: Model; readonly single: Model }> {
  const half = await toHalfPrecision(linearModel());
  const start = linearModel();
  const initializers = new Map(start.graph.initializers);
  for (const [name, { dims }] of start.graph.initializers) {
    const bytes = new Uint8Array(Float32Array.from(weightsOf(half, name)).buffer);
    initializers.set(name, { name, elementType: 'float32', dims, source: { kind: 'inline', bytes } });
  }
  return { half, single: { ...start, graph: { ...start.graph, initializers } } };
}

describe('training of float16 parameters', () => {
  const data = testData(32);

  it('adds up steps that are smaller than the distance between two float16 numbers', async () => {
    const { half, single } = await both();
    // Gradients are below 1, so a step moves a weight by less than 1e-5; float16 numbers near ½ are 5e-4 apart.
    const request = { optimizer: sgd(), learningRate: 1e-5, epochCount: 300, batchSize: 8 };
    const trained = await train(half, runtime, requestFor(half, data, { ...request, parameters: names }));
    const expected = await train(single, runtime, requestFor(single, data, request));
    for (const name of names) {
      assert.equal(trained.graph.initializers.get(name)?.elementType, 'float16');
      const [found, wanted, before] = [trained, expected, single].map((model) => weightsOf(model, name));
      const moved = Math.max(...wanted!.map((value, i) => Math.abs(value - before![i]!)));
      assert.ok(moved > 2 * halfStep, `${name} moved by ${moved}`);
      wanted!.forEach((value, i) => {
        const off = Math.abs(found![i]! - value);
        assert.ok(off <= halfStep, `${name}[${i}]: ${found![i]}, not ${value}`);
      });
    }
  });

  it('leaves the graph as it was built', async () => {
    const { half } = await both();
    const request = { optimizer: adam(), learningRate: 0.01, epochCount: 1, batchSize: 8, parameters: names };
    const trained = await train(half, runtime, requestFor(half, data, request));
    assert.deepEqual(trained.graph.nodes, half.graph.nodes);
    assert.deepEqual([...trained.graph.initializers.keys()], [...half.graph.initializers.keys()]);
  });

  it('goes on from a checkpoint to the same bytes', async () => {
    const { half } = await both();
    const request = { optimizer: adam(), learningRate: 0.01, epochCount: 3, batchSize: 8, parameters: names };
    const kept: Checkpoint[] = [];
    const checkpoints = { everySteps: 5, save: (checkpoint: Checkpoint) => void kept.push(checkpoint) };
    const whole = await train(half, runtime, requestFor(half, data, { ...request, checkpoints }));
    const resumed = await train(half, runtime, requestFor(half, data, { ...request, resume: kept[0]! }));
    for (const name of names) assert.deepEqual(weightsOf(resumed, name), weightsOf(whole, name));
  });
});
