import { attribution } from '../src/analyses/prediction/attribution.js';
import type { AttributionSettings } from '../src/analyses/prediction/attribution/settings.js';
import type { AnalysisContext } from '../src/analyses/analysis.js';
import { unsharedWork } from '../src/analyses/sharedWork.js';
import { silentLogger } from '../src/base/logger.js';
import { createRandom } from '../src/base/random.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Runtime } from '../src/engine/runtime/session.js';
import type { Model } from '../src/onnx/model.js';
import type { TensorValue } from '../src/onnx/tensorValue.js';
import { memoryDataset } from '../test/support/memoryDataset.js';
import { denseModel, normalTensor } from '../test/support/modelBuilder.js';
import type { BenchRow } from './benchRow.js';
import { median } from './median.js';
import { resnet18 } from './resnet18.js';

/** Interleaved repeats; the medians are compared. */
const repeatCount = 5;

/** The bar of the design: 50 steps cost at most this many forward passes at the same batch. */
const maxForwards = 130;

/** Measures the 50 steps of integrated gradients against plain forward passes of the same batch. */
export async function run(): Promise<BenchRow[]> {
  const dense = denseModel([784, 1024, 1024, 10], 'Relu');
  return [
    ...(await compare('dense 784-1024-1024-10, batch 64', dense, [64, 784])),
    ...(await compare('ResNet-18 at 64², batch 4', resnet18(), [4, 3, 64, 64])),
  ];
}

/** Steps of the shorter run: opening sessions and the report cancel out in the difference of the two. */
const fewSteps = 10;

async function compare(name: string, model: Model, dims: readonly number[]): Promise<BenchRow[]> {
  const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });
  const x = normalTensor(createRandom(1), dims);
  const session = await runtime.open(model);
  const forward = () => session.run({ x });
  await forward();
  await explainRows(runtime, model, { x, steps: fewSteps });
  const ratios: number[] = [];
  const wholeMs: number[] = [];
  for (let i = 0; i < repeatCount; i++) {
    const few = await timeMs(() => explainRows(runtime, model, { x, steps: fewSteps }));
    // As many forwards as the longer side takes steps, so that both see the same machine.
    const forwardMs = (await timeMs(() => repeat(50, forward))) / 50;
    const many = await timeMs(() => explainRows(runtime, model, { x, steps: fewSteps + 50 }));
    ratios.push((many - few) / forwardMs);
    wholeMs.push(many);
  }
  await session.close();
  const ratio = median(ratios);
  return [
    { name: `50 steps: ${name}`, ratio, bar: `≤ ${maxForwards} ×`, ok: ratio <= maxForwards },
    { name: `whole analysis with ${fewSteps + 50} steps: ${name}`, value: median(wholeMs), unit: 'ms' },
  ];
}

async function repeat(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await work();
}

/** The whole analysis, sessions and report included. */
async function explainRows(
  runtime: Runtime,
  model: Model,
  { x, steps }: { readonly x: TensorValue; readonly steps: number },
): Promise<void> {
  const context: AnalysisContext = {
    model,
    data: memoryDataset({ x }),
    runtime,
    shared: unsharedWork,
    random: createRandom(0),
    batchSize: x.dims[0] ?? 1,
    limit: x.dims[0],
    log: silentLogger,
    signal: new AbortController().signal,
    progress: () => undefined,
    partial: () => undefined,
  };
  const defaults = Object.entries(attribution.settings).map(([key, setting]) => [key, setting.default]);
  await attribution.run(context, { ...Object.fromEntries(defaults), steps } as AttributionSettings);
}

async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
