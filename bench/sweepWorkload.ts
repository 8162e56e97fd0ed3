import { createRandom } from '../src/base/random.js';
import { GraphBuilder } from '../src/engine/graph/graphBuilder.js';
import { appendCount, appendReduction } from '../src/engine/rewrites/reduce.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Feeds, Session } from '../src/engine/runtime/session.js';
import type { Model } from '../src/onnx/model.js';
import { float32Tensor } from '../src/onnx/tensorValue.js';
import { measureDistributions } from '../src/analyses/shared/distribution.js';
import { type Sweep, sweepActivations, type SweepRequest } from '../src/analyses/shared/sweep.js';
import type { SweepTarget } from '../src/analyses/shared/targetTap.js';
import { memoryDataset } from '../test/support/memoryDataset.js';
import { resnet18 } from './resnet18.js';

const imageSize = 112;

/** Samples a step. */
export const sampleCount = 8;

/** A way to run the same samples; returns what a step costs in milliseconds. */
export type Step = () => Promise<number>;

/** What is compared: plain inference, a few statistics, all that `dead-neurons` needs, its histograms. */
export type Workload = 'plain' | 'few' | 'all' | 'histograms';

/** Opens a workload on ResNet-18's shape; sessions are warmed up. */
export async function openWorkload(workload: Workload, batchCount: number): Promise<Step> {
  const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });
  const model = resnet18();
  const random = createRandom(7);
  const total = sampleCount * batchCount;
  const data = Float32Array.from({ length: total * 3 * imageSize * imageSize }, () => random.normal());
  const inputs = { x: float32Tensor(data, [total, 3, imageSize, imageSize]) };
  const dataset = memoryDataset(inputs);
  if (workload === 'plain' || workload === 'few') {
    const session = await runtime.open(workload === 'plain' ? model : withFewStatistics(model));
    return async () => {
      let milliseconds = 0;
      for await (const { feeds } of dataset.batches({ batchSize: sampleCount })) {
        milliseconds += await timeRun(session, feeds);
      }
      return milliseconds;
    };
  }
  const request: SweepRequest = {
    model,
    data: dataset,
    runtime,
    targets: targetsOf(model),
    batchSize: sampleCount,
    limit: undefined,
    signal: new AbortController().signal,
    epsilon: 1e-3,
    topExampleCount: 8,
  };
  return () => timeSweep(request, workload);
}

/** Opening a session is left out: a step is the time from the first batch done to the last, scaled to all of them. */
async function timeSweep(request: SweepRequest, workload: 'all' | 'histograms'): Promise<number> {
  const marks: number[] = [];
  const mark = (): void => {
    marks.push(performance.now());
  };
  let sweep: Sweep;
  if (workload === 'all') {
    sweep = await sweepActivations({ ...request, onBatch: mark });
  } else {
    sweep = await sweepActivations({ ...request, limit: sampleCount });
    await measureDistributions(request, sweep, { binCount: 10, sampleLimit: Infinity, onBatch: mark });
  }
  const steps = marks.length - 1;
  return ((marks.at(-1)! - marks[0]!) / steps) * marks.length;
}

async function timeRun(session: Session, feeds: Feeds): Promise<number> {
  const start = performance.now();
  await session.run(feeds);
  return performance.now() - start;
}

export function withFewStatistics(model: Model): Model {
  const builder = new GraphBuilder(model);
  for (const { leaving: value } of targetsOf(model)) {
    const reduction = { value, axes: [2, 3] };
    builder.addOutput(appendReduction(builder, 'maximum', reduction));
    builder.addOutput(appendReduction(builder, 'sum', reduction));
    builder.addOutput(appendCount(builder, { kind: 'greater', bound: builder.scalar(0) }, reduction));
  }
  return builder.build();
}

function targetsOf(model: Model): SweepTarget[] {
  const widths = [64, 64, 64, 64, 64, 128, 128, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512];
  return model.graph.nodes
    .filter((node) => node.opType === 'Relu')
    .map((node, index) => ({
      layer: `relu_${index}`,
      entering: node.inputs[0]!,
      leaving: node.outputs[0]!,
      elementType: 'float32',
      rank: 4,
      unitAxis: 1,
      unitCount: widths[index]!,
      rowsPerSample: 1,
      maskLayout: undefined,
      rule: { kind: 'rectifier', isNonNegative: true },
    }));
}
