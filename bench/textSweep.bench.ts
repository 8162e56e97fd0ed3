import { join } from 'node:path';
import { planActivations } from '../src/analyses/shared/activationPlan.js';
import { pickFeeds, sweepActivations } from '../src/analyses/shared/sweep.js';
import type { SweepTarget } from '../src/analyses/shared/targetTap.js';
import { createRandom } from '../src/base/random.js';
import type { Batch, Dataset } from '../src/data/dataset.js';
import { openDataset } from '../src/data/openDataset.js';
import { sampleShapesOf } from '../src/data/sampleShapes.js';
import { GraphBuilder } from '../src/engine/graph/graphBuilder.js';
import { appendCount, appendReduction } from '../src/engine/rewrites/reduce.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Session } from '../src/engine/runtime/session.js';
import type { Model } from '../src/onnx/model.js';
import { readModel } from '../src/onnx/readModel.js';
import { chooseBatchSize, defaultMemoryMegabytes } from '../src/runs/batchSize.js';
import { samplesDir } from '../test/support/paths.js';
import type { BenchRow } from './benchRow.js';

/** Tokens of a row of the sample. */
const rowLength = 64;

/** Tokens swept; `NEURON_INSPECTOR_BENCH_TOKENS` names another number. */
const tokenCount = Number(process.env['NEURON_INSPECTOR_BENCH_TOKENS'] ?? 1_000_000);

/** Time on the clock and of the processor, in milliseconds. */
interface Spent {
  wallMs: number;
  cpuMs: number;
}

type Workload = 'plain' | 'few' | 'all';

/**
 * Measures the statistics sweep of story-lm over 1M tokens against plain inference of the same batches.
 *
 * The three take turns at every batch, so that a machine that slows down slows all of them. The sample's text is shorter: its
 * rows are drawn from it with a seed, and come several times each. What `dead-neurons` needs is the whole sweep, with the pass
 * over the first rows that measures sizes. Processor time is of all threads of this process.
 */
export async function run(): Promise<BenchRow[]> {
  const dir = join(samplesDir, 'story-lm');
  const model = await readModel(join(dir, 'story-lm.onnx'));
  const text = await openDataset(join(dir, 'story-lm.inspect.json'), model);
  const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });
  const batchSize = chooseBatchSize({
    ...{ model, sampleShapes: await sampleShapesOf(text), wanted: undefined },
    memoryMegabytes: defaultMemoryMegabytes,
  });
  const { signal } = new AbortController();
  const { targets } = await planActivations({ model, runtime, batchSize, signal }, text);
  const plain = await runtime.open(model);
  const few = await runtime.open(withFewStatistics(model, targets));
  const spent: Record<Workload, Spent> = {
    plain: { wallMs: 0, cpuMs: 0 },
    few: { wallMs: 0, cpuMs: 0 },
    all: { wallMs: 0, cpuMs: 0 },
  };
  const data = takingTurns(text, {
    batchSize,
    rowCount: Math.ceil(tokenCount / rowLength),
    spent,
    plain,
    few,
  });
  const sweep = await sweepActivations({
    ...{ model, data, runtime, targets, batchSize, limit: undefined, epsilon: 1e-3, topExampleCount: 8 },
    signal,
  });
  await plain.close();
  await few.close();
  if (sweep.sampleCount < tokenCount / rowLength) {
    throw new Error(`Only ${String(sweep.sampleCount)} rows were swept.`);
  }
  const tokens = `${(tokenCount / 1e6).toLocaleString('en')}M tokens of story-lm`;
  return [
    ...rowsOf(`${tokens}: maximum, sum and count`, 1.35, [spent.few, spent.plain]),
    ...rowsOf(`${tokens}: all that dead-neurons needs`, 1.6, [spent.all, spent.plain]),
  ];
}

function rowsOf(name: string, bar: number, [of, plain]: readonly [Spent, Spent]): BenchRow[] {
  const ratio = of.wallMs / plain.wallMs;
  return [
    { name, ratio, bar: `≤ ${String(bar)} ×`, ok: ratio <= bar },
    { name: `${name}, processor time`, ratio: of.cpuMs / plain.cpuMs },
  ];
}

interface Turns {
  readonly batchSize: number;
  readonly rowCount: number;
  readonly spent: Record<Workload, Spent>;
  readonly plain: Session;
  readonly few: Session;
}

/** Rows of a data set, drawn with a seed; before a batch is handed out by the whole pass, the other two workloads run it. */
function takingTurns(text: Dataset, { batchSize, rowCount, spent, plain, few }: Turns): Dataset {
  const random = createRandom(17);
  const order = Uint32Array.from({ length: rowCount }, () => random.integer(text.sampleCount));
  return {
    ...text,
    sampleCount: rowCount,
    async *batches({ limit = rowCount }) {
      // The pass that measures sizes is a part of the sweep alone.
      const isWhole = limit === rowCount;
      let firstIndex = 0;
      // A data set hands out no more rows at a time than it has.
      for (let first = 0; first < limit; first += text.sampleCount) {
        const rows = order.subarray(first, Math.min(limit, first + text.sampleCount));
        for await (const batch of text.batches({ batchSize, order: rows })) {
          if (isWhole) {
            await timed(spent.plain, () => plain.run(pickFeeds(batch.feeds, plain)));
            await timed(spent.few, () => few.run(pickFeeds(batch.feeds, few)));
          }
          yield* handedOut({ ...batch, firstIndex }, spent.all);
          firstIndex += batch.sampleCount;
        }
      }
    },
  };
}

/** What happens between handing a batch out and being asked for the next is the taker's time. */
function* handedOut(batch: Batch, spent: Spent): Generator<Batch> {
  const stop = clock(spent);
  yield batch;
  stop();
}

async function timed(spent: Spent, work: () => Promise<unknown>): Promise<void> {
  const stop = clock(spent);
  await work();
  stop();
}

function clock(spent: Spent): () => void {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    spent.wallMs += performance.now() - wall;
    spent.cpuMs += (user + system) / 1000;
  };
}

/** The model with the maximum, the sum and the count of positive ones of every unit of the targets as further outputs. */
function withFewStatistics(model: Model, targets: readonly SweepTarget[]): Model {
  const builder = new GraphBuilder(model);
  for (const { leaving: value, rank, unitAxis } of targets) {
    const axes = Array.from({ length: rank }, (_, axis) => axis).filter(
      (axis) => axis > 0 && axis !== unitAxis,
    );
    builder.addOutput(appendReduction(builder, 'maximum', { value, axes }));
    builder.addOutput(appendReduction(builder, 'sum', { value, axes }));
    builder.addOutput(appendCount(builder, { kind: 'greater', bound: builder.scalar(0) }, { value, axes }));
  }
  return builder.build();
}
