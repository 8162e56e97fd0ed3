import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { analyses } from '../src/analyses/registry.js';
import { silentLogger } from '../src/base/logger.js';
import { createRandom } from '../src/base/random.js';
import { writeNpz } from '../src/data/npz.js';
import { readModel } from '../src/onnx/readModel.js';
import { runAnalysis } from '../src/runs/runAnalysis.js';
import { normalTensor } from '../test/support/modelBuilder.js';
import { rootDir } from '../test/support/paths.js';
import type { BenchRow } from './benchRow.js';

/** The bar: every health analysis of `digits-cnn` on ten thousand images, in seconds on two cores. */
const maxSeconds = 60;
const imageCount = 10_000;

/** Measures a whole checkup, without a budget that would end it. Its time depends on how many images there are, not on what they show. */
export async function run(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'neuron-inspector-bench-'));
  try {
    const modelPath = join(rootDir, 'sample-models', 'digits-cnn', 'digits-cnn.onnx');
    const [input] = (await readModel(modelPath)).graph.inputs;
    const dataPath = join(folder, 'images.npz');
    await writeNpz(dataPath, {
      [input?.name ?? 'image']: normalTensor(createRandom(1), [imageCount, 1, 28, 28]),
    });
    const [startMs, start] = [performance.now(), process.cpuUsage()];
    const { report } = await runAnalysis(
      {
        kind: 'run',
        analysis: 'checkup',
        ...{ modelPath, dataPath, settings: { budget: 600 }, seed: 0, provider: 'cpu', threadCount: 2 },
      },
      { analyses, log: silentLogger, progress: () => undefined, partial: () => undefined },
    );
    const seconds = (performance.now() - startMs) / 1000;
    const { user, system } = process.cpuUsage(start);
    const what = `checkup of digits-cnn, 10,000 images, ${String(report.metrics['ranCount'] ?? 0)} analyses`;
    const bar = { bar: `< ${maxSeconds} s`, ok: seconds < maxSeconds, ratio: seconds / maxSeconds };
    return [
      { name: what, value: seconds, unit: 's', ...bar },
      { name: `${what}: processor time`, value: (user + system) / 1e6, unit: 's' },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
