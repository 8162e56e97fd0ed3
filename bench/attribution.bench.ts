import { attribution } from '../src/analyses/prediction/attribution.js';
import type { AttributionSettings } from '../src/analyses/prediction/attribution/settings.js';
import type { AnalysisContext } from '../src/analyses/analysis.js';
import { silentLogger } from '../src/base/logger.js';
import { createRandom } from '../src/base/random.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Runtime } from '../src/engine/runtime/session.js';
import type { Model } from '../src/onnx/model.js';
import { float32Tensor, type TensorValue } from '../src/onnx/tensorValue.js';
import { memoryDataset } from '../test/support/memoryDataset.js';
import { denseModel } from '../test/support/modelBuilder.js';
import type { BenchRow } from './benchRow.js';
import { resnet18 } from './resnet18.js';

/** Interleaved repeats; the medians are compared. */
const repeatCount = 5;

/** The bar of the design: 50 steps cost at most this many forward passes at the same batch. */
const maxForwards = 130;

/** Measures integrated gradients with 50 steps against plain forward passes of the same batch. */
export async function run(): Promise<BenchRow[]> {
  const dense = denseModel([784, 1024, 1024, 10], 'Relu');
  return [
    await compare('integrated gradients, 50 steps: dense 784-1024-1024-10, batch 16', dense, [16, 784]),
    await compare('integrated gradients, 50 steps: ResNet-18 at 64², batch 4', resnet18(), [4, 3, 64, 64]),
  ];
}

async function compare(name: string, model: Model, dims: readonly number[]): Promise<BenchRow> {
  const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });
  const x = randomTensor(dims);
  const session = await runtime.open(model);
  const forward = () => session.run({ x });
  const explain = () => explainRows(runtime, model, x);
  await forward();
  await explain();
  const ratios: number[] = [];
  for (let i = 0; i < repeatCount; i++) {
    // Ten forwards a turn, so that the shorter side is measured as well as the longer one.
    const forwardMs =
      (await timeMs(async () => {
        for (let k = 0; k < 10; k++) await forward();
      })) / 10;
    ratios.push((await timeMs(explain)) / forwardMs);
  }
  await session.close();
  const ratio = ratios.sort((a, b) => a - b)[Math.floor(repeatCount / 2)] ?? NaN;
  return { name, ratio, bar: `≤ ${maxForwards} ×`, ok: ratio <= maxForwards };
}

/** The whole analysis, sessions and report included. */
async function explainRows(runtime: Runtime, model: Model, x: TensorValue): Promise<void> {
  const context: AnalysisContext = {
    model,
    data: memoryDataset({ x }),
    runtime,
    random: createRandom(0),
    batchSize: x.dims[0] ?? 1,
    limit: undefined,
    log: silentLogger,
    signal: new AbortController().signal,
    progress: () => undefined,
    partial: () => undefined,
  };
  const defaults = Object.entries(attribution.settings).map(([key, setting]) => [key, setting.default]);
  await attribution.run(context, Object.fromEntries(defaults) as AttributionSettings);
}

function randomTensor(dims: readonly number[]): TensorValue {
  const random = createRandom(1);
  return float32Tensor(
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal()),
    dims,
  );
}

async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
