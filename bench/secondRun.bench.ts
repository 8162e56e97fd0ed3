import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../src/base/logger.js';
import { createRandom } from '../src/base/random.js';
import { writeNpz } from '../src/data/npz.js';
import { float32Tensor } from '../src/onnx/tensorValue.js';
import { writeModel } from '../src/onnx/writeModel.js';
import type { RunRequest } from '../src/protocol/engineMessages.js';
import { createEngineClient } from '../src/runs/engineClient.js';
import { rootDir } from '../test/support/paths.js';
import type { BenchRow } from './benchRow.js';
import { median } from './median.js';
import { resnet18 } from './resnet18.js';

// What a second question about an open model costs before its first numbers are there, in a process that has answered the
// first: ResNet-18's shape, 64 images of 112².

const repeats = 5;
const barMs = 100;
const imageSize = 112;
const sampleCount = 64;

/** Measures the time from a request to the first batch whose numbers are known. */
export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'neuron-inspector-second-'));
  const client = createEngineClient({ log: silentLogger, entry: join(rootDir, 'dist', 'engine.js') });
  try {
    const [modelPath, dataPath] = [join(folder, 'resnet18.onnx'), join(folder, 'images.npz')];
    await writeModel(resnet18(), modelPath);
    const random = createRandom(7);
    const data = Float32Array.from({ length: sampleCount * 3 * imageSize ** 2 }, () => random.normal());
    await writeNpz(dataPath, { x: float32Tensor(data, [sampleCount, 3, imageSize, imageSize]) });
    const timed = async (analysis: string, epsilon: number): Promise<number> => {
      const request: RunRequest = {
        ...{ kind: 'run', analysis, modelPath, dataPath, seed: 0, provider: 'cpu' },
        settings: { epsilon },
      };
      const start = performance.now();
      let first = Number.NaN;
      const heard = (): void => {
        if (Number.isNaN(first)) first = performance.now() - start;
      };
      const outcome = await client.request(request, {
        onProgress: (fractionDone) => {
          if (fractionDone > 0) heard();
        },
      });
      if (outcome.kind !== 'done') throw new Error(`${analysis} did not end: ${outcome.kind}`);
      heard();
      return first;
    };
    const first: number[] = [];
    const second: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      // Another threshold, so that nothing of the round before is shared.
      const epsilon = (repeat + 1) * 1e-3;
      first.push(await timed('dead-neurons', epsilon));
      second.push(await timed('activation-sparsity', epsilon));
    }
    const value = median(second);
    return [
      { name: 'first analysis: request to the first batch', value: median(first), unit: 'ms' },
      {
        name: 'second analysis of the model and data: the same',
        value,
        unit: 'ms',
        bar: `< ${barMs} ms`,
        ok: value < barMs,
      },
    ];
  } finally {
    client.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}
