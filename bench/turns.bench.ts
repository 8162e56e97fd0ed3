import { InferenceSession, Tensor } from 'onnxruntime-node';
import { createRandom } from '../src/base/random.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import { serializeModel } from '../src/onnx/serializeModel.js';
import { normalTensor } from '../test/support/modelBuilder.js';
import type { BenchRow } from './benchRow.js';
import { median } from './median.js';
import { resnet18 } from './resnet18.js';

// Analyses open several sessions and run them in turns. By default the threads of one go on waiting for work, spinning, when its
// run has ended, and take the cores from the next; ours give them back. ResNet-18's shape, one image of 64², two threads.

const repeats = 41;
const threadCount = 2;
const imageSize = 64;
const restMs = 100;

/** Runs a session once. */
type RunOnce = () => Promise<unknown>;

/** Measures sessions as the engine opens them against the runtime's own, alone and in turns of three. */
export async function run(): Promise<BenchRow[]> {
  const x = normalTensor(createRandom(3), [1, 3, imageSize, imageSize]);
  const model = resnet18();
  const bytes = serializeModel(model);
  const [input] = model.graph.inputs;
  const runtime = createRuntime({ provider: 'cpu', threadCount });
  const openOurs = async (): Promise<RunOnce> => {
    const session = await runtime.open(model);
    return () => session.run({ [input!.name]: x });
  };
  const openDefault = async (): Promise<RunOnce> => {
    const session = await InferenceSession.create(bytes, {
      intraOpNumThreads: threadCount,
      logSeverityLevel: 3,
    });
    const feeds = { [input!.name]: new Tensor('float32', x.data as Float32Array, x.dims) };
    return () => session.run(feeds);
  };
  const three = (open: () => Promise<RunOnce>): Promise<RunOnce[]> =>
    Promise.all(Array.from({ length: 3 }, open));
  const groups = [[await openOurs()], [await openDefault()], await three(openOurs), await three(openDefault)];
  const times = groups.map((): number[] => []);
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [index, group] of groups.entries()) times[index]!.push(await timeTurns(group));
  }
  const [ours, theirs, oursInTurns, theirsInTurns] = times.map(median) as [number, number, number, number];
  return [
    { name: 'one session at a time, over the runtime’s default', ratio: ours / theirs },
    { name: 'three sessions in turns, over the runtime’s default', ratio: oursInTurns / theirsInTurns },
  ];
}

/** Milliseconds of one run of each session, one after the other, once the threads of runs before have come to rest. */
async function timeTurns(group: readonly RunOnce[]): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, restMs));
  for (const runOnce of group) await runOnce();
  const start = performance.now();
  for (const runOnce of group) await runOnce();
  return performance.now() - start;
}
