import { attribution } from '../src/analyses/prediction/attribution.js';
import type { AttributionSettings } from '../src/analyses/prediction/attribution/settings.js';
import type { AnalysisContext } from '../src/analyses/analysis.js';
import { unsharedWork } from '../src/analyses/sharedWork.js';
import { silentLogger } from '../src/base/logger.js';
import { createRandom } from '../src/base/random.js';
import { openModels } from '../src/runs/openModels.js';
import { openDataset } from '../src/data/openDataset.js';
import { quadrature } from '../src/engine/numeric/quadrature.js';
import { argmax, sumOf } from '../src/engine/numeric/vectors.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Runtime } from '../src/engine/runtime/session.js';
import type { Model } from '../src/onnx/model.js';
import { type TensorValue, toFloat64 } from '../src/onnx/tensorValue.js';
import { memoryDataset } from '../test/support/memoryDataset.js';
import { denseModel, normalTensor } from '../test/support/modelBuilder.js';
import type { BenchRow } from './benchRow.js';
import { median } from './median.js';
import { openTorch, pythonWithTorch, type TorchGradients, type TorchProblem } from './pytorch.js';
import { resnet18 } from './resnet18.js';

/** Interleaved repeats; the medians are compared. */
const repeatCount = 5;

/** The bar of the design: 50 steps cost at most this many forward passes at the same batch. */
const maxForwards = 130;

/** Measures the 50 steps of integrated gradients against plain forward passes of the same batch. */
export async function run(): Promise<BenchRow[]> {
  const dense = denseModel([784, 1024, 1024, 10], 'Relu');
  return [
    ...(await compare({
      name: 'dense 784-1024-1024-10, batch 64',
      model: dense,
      dims: [64, 784],
      torchBar: 3,
    })),
    ...(await compare({ name: 'ResNet-18 at 64², batch 4', model: resnet18(), dims: [4, 3, 64, 64] })),
  ];
}

interface Subject {
  readonly name: string;
  readonly model: Model;
  /** Sizes of the input, batch first. */
  readonly dims: readonly number[];
  /** How many times as fast as PyTorch it is to be, where the design asks for that. */
  readonly torchBar?: number;
}

const threadCount = 2;
const stepCount = 50;
const rule = quadrature('gauss-legendre', stepCount);

/** Steps of the shorter run: opening sessions and the report cancel out in the difference of the two. */
const fewSteps = 10;

async function compare({ name, model, dims, torchBar }: Subject): Promise<BenchRow[]> {
  const runtime = createRuntime({ provider: 'cpu', threadCount });
  const x = normalTensor(createRandom(1), dims);
  const session = await runtime.open(model);
  const forward = () => session.run({ x });
  const logits = (await forward())['logits'];
  const { sum } = await explainRows(runtime, model, { x, steps: stepCount });
  const torch = await torchBeside({ model, x, targets: winners(logits!), threadCount, rule });
  if (torch !== undefined) checkSame(name, sum, torch.sum);
  const times = { few: [] as number[], forward: [] as number[], many: [] as number[], torch: [] as number[] };
  for (let i = 0; i < repeatCount; i++) {
    times.few.push(await timeMs(() => explainRows(runtime, model, { x, steps: fewSteps })));
    // As many forwards as the longer side takes steps, so that both see the same machine.
    times.forward.push((await timeMs(() => repeat(stepCount, forward))) / stepCount);
    times.many.push(await timeMs(() => explainRows(runtime, model, { x, steps: fewSteps + stepCount })));
    if (torch !== undefined) times.torch.push(await torch.time());
  }
  await session.close();
  torch?.close();
  const ours = times.many.map((many, i) => many - times.few[i]!);
  const ratio = median(ours.map((ms, i) => ms / times.forward[i]!));
  const against = `50 steps of PyTorch ${torch?.version ?? ''} over ours: ${name}`;
  const faster = median(times.torch.map((ms, i) => ms / ours[i]!));
  return [
    { name: `50 steps: ${name}`, ratio, bar: `≤ ${maxForwards} ×`, ok: ratio <= maxForwards },
    {
      name: `whole analysis with ${fewSteps + stepCount} steps: ${name}`,
      value: median(times.many),
      unit: 'ms',
    },
    torch === undefined
      ? { name: against, bar: '≥ 3 ×', notMeasured: 'needs PyTorch: apt install python3-torch' }
      : {
          name: against,
          ratio: faster,
          ...(torchBar === undefined ? {} : { bar: `≥ ${torchBar} ×`, ok: faster >= torchBar }),
        },
  ];
}

async function torchBeside(problem: TorchProblem): Promise<TorchGradients | undefined> {
  const python = pythonWithTorch();
  return python === undefined ? undefined : openTorch(python, problem);
}

/** Both sides must have worked out the same before their times mean anything. */
function checkSame(name: string, ours: number, theirs: number): void {
  if (Math.abs(ours - theirs) <= 1e-3 * Math.max(1, Math.abs(theirs))) return;
  throw new Error(`${name}: scores add up to ${ours}, those of PyTorch to ${theirs}.`);
}

function winners({ data, dims }: TensorValue): number[] {
  const [rows = 0, classes = 0] = dims;
  const numbers = data as Float32Array;
  return Array.from({ length: rows }, (_, row) =>
    argmax(numbers.subarray(row * classes, (row + 1) * classes)),
  );
}

async function repeat(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await work();
}

/** The whole analysis, sessions and report included; returns the sum of all scores. */
async function explainRows(
  runtime: Runtime,
  model: Model,
  { x, steps }: { readonly x: TensorValue; readonly steps: number },
): Promise<{ readonly sum: number }> {
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
    openData: (path) => openDataset(path, model),
    openModels: (path, options) => openModels(path, model, options),
    ask: () => Promise.reject(new Error('It asks no other model.')),
    progress: () => undefined,
    partial: () => undefined,
  };
  const defaults = Object.entries(attribution.settings).map(([key, setting]) => [key, setting.default]);
  const draft = await attribution.run(context, {
    ...Object.fromEntries(defaults),
    steps,
  } as AttributionSettings);
  return { sum: sumOf(toFloat64(draft.arrays['attribution']!.value)) };
}

async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
