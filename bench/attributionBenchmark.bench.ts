import { join } from 'node:path';
import { attributionBenchmark } from '../src/analyses/prediction/attribution-benchmark.js';
import type { BenchmarkSettings } from '../src/analyses/prediction/benchmark/settings.js';
import { unsharedWork } from '../src/analyses/sharedWork.js';
import { silentLogger } from '../src/base/logger.js';
import { createRandom } from '../src/base/random.js';
import { openModels } from '../src/runs/openModels.js';
import { openDataset } from '../src/data/openDataset.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import { readModel } from '../src/onnx/readModel.js';
import { rootDir } from '../test/support/paths.js';
import type { BenchRow } from './benchRow.js';

/** The bar: twelve methods by all measures on 64 images, in seconds on two cores. */
const maxSeconds = 120;

/** Measures a whole benchmark of the default methods on `digits-cnn`. */
export async function run(): Promise<BenchRow[]> {
  const folder = join(rootDir, 'sample-models', 'digits-cnn');
  const model = await readModel(join(folder, 'digits-cnn.onnx'));
  const data = await openDataset(join(folder, 'digits-cnn.inspect.json'), model);
  const defaults = Object.entries(attributionBenchmark.settings).map(([key, { default: value }]) => [
    key,
    value,
  ]);
  const [startMs, start] = [performance.now(), process.cpuUsage()];
  const { metrics } = await attributionBenchmark.run(
    {
      model,
      data,
      runtime: createRuntime({ provider: 'cpu', threadCount: 2 }),
      shared: unsharedWork,
      random: createRandom(0),
      batchSize: 64,
      limit: 64,
      log: silentLogger,
      signal: new AbortController().signal,
      openData: (path) => openDataset(path, model),
      openModels: (path, options) => openModels(path, model, options),
      ask: () => Promise.reject(new Error('It asks no other model.')),
      progress: () => undefined,
      partial: () => undefined,
    },
    Object.fromEntries(defaults) as BenchmarkSettings,
  );
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(start);
  const what = `${metrics['methodCount'] ?? 0} methods, 64 images, digits-cnn`;
  return [
    {
      name: what,
      value: seconds,
      unit: 's',
      ratio: seconds / maxSeconds,
      bar: `≤ ${maxSeconds} s`,
      ok: seconds <= maxSeconds,
    },
    { name: `${what}: processor time`, value: (user + system) / 1e6, unit: 's' },
  ];
}
