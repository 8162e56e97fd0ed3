import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { BenchRow } from './benchRow.js';
import { median } from './median.js';
import { openWorkload, type Step, type Workload } from './sweepWorkload.js';

/** Interleaved repeats; the medians are compared. */
const repeatCount = 7;

const batchesPerStep = 4;

const bars = [
  ['few', 'statistics: maximum, sum and count of 17 ReLUs', 1.35],
  ['all', 'statistics: all that dead-neurons needs', 1.6],
  ['histograms', 'histograms of 10 bins, second pass', 1.8],
] as const;

const memoryBar = 1.5;

/** Measures the statistics sweep on ResNet-18's shape (112², batch 8) against plain inference of the same batches. */
export async function run(): Promise<BenchRow[]> {
  const workloads: Workload[] = ['plain', ...bars.map(([workload]) => workload)];
  const steps = new Map<Workload, Step>();
  for (const workload of workloads) {
    const step = await openWorkload(workload, batchesPerStep);
    await step();
    steps.set(workload, step);
  }
  const times = new Map<Workload, number[]>(workloads.map((workload) => [workload, []]));
  for (let repeat = 0; repeat < repeatCount; repeat++) {
    for (const [workload, step] of steps) times.get(workload)!.push(await step());
  }
  const plain = times.get('plain')!;
  const rows = bars.map(([workload, name, bar]): BenchRow => {
    // Each repeat against the plain run beside it, so that a machine that slows down slows both.
    const ratio = median(times.get(workload)!.map((milliseconds, repeat) => milliseconds / plain[repeat]!));
    return { name, ratio, bar: `≤ ${bar} ×`, ok: ratio <= bar };
  });
  const memoryRatio = peakBytes('all') / peakBytes('plain');
  rows.push({
    name: 'statistics: peak resident memory while running (Linux)',
    ratio: memoryRatio,
    bar: `≤ ${memoryBar} ×`,
    ok: memoryRatio <= memoryBar,
  });
  return rows;
}

function peakBytes(workload: Workload): number {
  const script = join(import.meta.dirname, 'sweepMemory.ts');
  return Number(execFileSync(process.execPath, ['--import', 'tsx', script, workload], { encoding: 'utf8' }));
}
