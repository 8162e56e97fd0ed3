import { createRandom } from '../src/base/random.js';
import { UserError } from '../src/base/errors.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Provider, Session } from '../src/engine/runtime/session.js';
import type { Model } from '../src/onnx/model.js';
import { type TensorValue, toFloat64 } from '../src/onnx/tensorValue.js';
import { normalTensor } from '../test/support/modelBuilder.js';
import type { BenchRow } from './benchRow.js';
import { withGradients } from './gradientSubjects.js';
import { median } from './median.js';
import { resnet18 } from './resnet18.js';
import { withFewStatistics } from './sweepWorkload.js';

// What a GPU gains on this machine, and whether it gives the CPU's numbers: ResNet-18's shape, a forward pass, the gradient of
// the sum of logits by the input, and statistics of every ReLU.

const imageSize = 112;
const batchSize = 32;
const repeatCount = 7;
/** Float32 sums in another order, through 18 layers; a GPU may round products to fewer bits. */
const allowedDifference = 1e-3;

/** Measures every GPU provider that opens here beside the CPU's; one that doesn't says why. */
export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const provider of ['cuda', 'webgpu'] as const) {
    try {
      rows.push(...(await compare(provider)));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      rows.push({ name: `ResNet-18 on ${provider}, against the CPU`, notMeasured: error.message });
    }
  }
  return rows;
}

async function compare(provider: Provider): Promise<BenchRow[]> {
  const feeds = { x: normalTensor(createRandom(5), [batchSize, 3, imageSize, imageSize]) };
  const rows: BenchRow[] = [];
  for (const [name, model] of Object.entries(workloads())) {
    const sessions = [
      await createRuntime({ provider }).open(model),
      await createRuntime({ provider: 'cpu' }).open(model),
    ] as const;
    const [found, expected] = [await sessions[0].run(feeds), await sessions[1].run(feeds)];
    const ratios: number[] = [];
    for (let i = 0; i < repeatCount; i++) {
      const [gpu, cpu] = [await timeOf(sessions[0], feeds), await timeOf(sessions[1], feeds)];
      ratios.push(gpu / cpu);
    }
    for (const session of sessions) await session.close();
    const difference = meanDifference(found, expected);
    rows.push(
      { name: `${name} on ${provider}, against the CPU`, ratio: median(ratios) },
      {
        name: `${name} on ${provider}: mean difference over the mean value`,
        value: difference,
        unit: '',
        bar: `≤ ${allowedDifference}`,
        ok: difference <= allowedDifference,
      },
    );
  }
  return rows;
}

function workloads(): Record<string, Model> {
  const model = resnet18();
  return {
    'forward pass': model,
    'input gradient': withGradients(model, ['x']),
    'maximum, sum and count at 17 ReLUs': withFewStatistics(model),
  };
}

async function timeOf(session: Session, feeds: Readonly<Record<string, TensorValue>>): Promise<number> {
  const start = performance.now();
  await session.run(feeds);
  return performance.now() - start;
}

/** Mean over elements of |difference|, over that of |value|; the largest of the outputs. A count may be off by one here or there. */
function meanDifference(
  found: Readonly<Record<string, TensorValue>>,
  expected: Readonly<Record<string, TensorValue>>,
): number {
  let largest = 0;
  for (const [name, value] of Object.entries(expected)) {
    const [a, b] = [toFloat64(found[name]!), toFloat64(value)];
    let [difference, size] = [0, 0];
    for (const [i, one] of b.entries()) {
      difference += Math.abs((a[i] ?? 0) - one);
      size += Math.abs(one);
    }
    if (size > 0) largest = Math.max(largest, difference / size);
  }
  return largest;
}
