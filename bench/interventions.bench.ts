import { join } from 'node:path';
import { createRandom } from '../src/base/random.js';
import { interventionsAt } from '../src/engine/interventions/atAddresses.js';
import { batchVariants } from '../src/engine/interventions/variants.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../src/engine/runtime/session.js';
import { layersOf } from '../src/onnx/layers/layerTable.js';
import type { Model } from '../src/onnx/model.js';
import { readModel } from '../src/onnx/readModel.js';
import { inferTypes } from '../src/onnx/shapes/inferTypes.js';
import { int64Tensor } from '../src/onnx/tensorValue.js';
import { normalTensor } from '../test/support/modelBuilder.js';
import { samplesDir } from '../test/support/paths.js';
import type { BenchRow } from './benchRow.js';
import { median } from './median.js';

const repeatCount = 7;

interface Subject {
  readonly name: string;
  readonly sample: string;
  readonly addresses: readonly string[];
  readonly feeds: Feeds;
}

/** Measures every unit of a layer zeroed in one batch against as many plain forward passes, which one by one would cost. */
export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const subject of subjects()) rows.push(await measure(subject));
  return rows;
}

function subjects(): readonly Subject[] {
  const random = createRandom(1);
  const units = (layer: string, count: number): string[] =>
    Array.from({ length: count }, (_, unit) => `${layer}[${unit}]`);
  const image = normalTensor(random, [8, 1, 28, 28]);
  const tokens = int64Tensor(
    Array.from({ length: 64 }, () => random.integer(1024)),
    [1, 64],
  );
  const heads = [0, 1, 2, 3].flatMap((block) => units(`blocks.${block}.attention.head`, 4));
  const fashion = { sample: 'fashion-cnn', feeds: { image } };
  return [
    { ...fashion, name: '16 channels, first block', addresses: units('block1.relu1', 16) },
    { ...fashion, name: '64 channels, last block', addresses: units('block3.relu1', 64) },
    { sample: 'story-lm', name: '16 heads', addresses: heads, feeds: { tokens } },
  ];
}

async function measure({ name, sample, addresses, feeds }: Subject): Promise<BenchRow> {
  const model = await readModel(join(samplesDir, sample, `${sample}.onnx`));
  const types = inferTypes(model);
  const context = { model, table: layersOf(model), types };
  const variants = addresses.map((address) => interventionsAt([address], { kind: 'zero' }, context));
  const batched = batchVariants(model, variants, types);
  if (batched.kind === 'impossible') throw new Error(batched.reason);
  const plain = await timer(model, feeds);
  const together = await timer(batched.model, feeds);
  const ratios: number[] = [];
  for (let repeat = -1; repeat < repeatCount; repeat++) {
    const single = await plain.time(addresses.length);
    const ratio = (await together.time(1)) / single;
    // The first round warms up.
    if (repeat >= 0) ratios.push(ratio);
  }
  await plain.close();
  await together.close();
  return { name: `${sample}: ${name}, zeroed in one batch`, ratio: median(ratios) };
}

async function timer(
  model: Model,
  feeds: Feeds,
): Promise<{ time: (runCount: number) => Promise<number>; close: () => Promise<void> }> {
  const session = await createRuntime({ provider: 'cpu', threadCount: 2 }).open(model);
  return {
    time: async (runCount) => {
      const start = performance.now();
      for (let i = 0; i < runCount; i++) await session.run(feeds);
      return performance.now() - start;
    },
    close: () => session.close(),
  };
}
