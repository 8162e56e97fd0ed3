import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Feeds, Lanes, Session } from '../src/engine/runtime/session.js';
import type { BenchRow } from './benchRow.js';
import { shapedModel, type Subject, subjects, trainedWeights, withGradients } from './gradientSubjects.js';
import { median } from './median.js';

/** Rounds whose ratios' medians are taken, and milliseconds that each way of running takes of one. */
const [roundCount, turnMilliseconds] = [9, 300];

const threadCount = 2;

/**
 * Measures a batch of a long run, as `runAhead` has it: in lanes, two sessions on a thread each that run at the same time. Gradients against
 * forward passes in lanes, and both against one session on two threads.
 */
export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const subject of await subjects()) rows.push(...(await measure(subject)));
  return rows;
}

async function measure(subject: Subject): Promise<BenchRow[]> {
  const model = shapedModel(subject);
  const input = model.graph.inputs[0]!.name;
  const feeds: Feeds = { [input]: subject.x };
  const runtime = createRuntime({ provider: 'cpu', threadCount });
  const graphs = [
    model,
    withGradients(model, [subject.embedding ?? input]),
    withGradients(model, trainedWeights(model, subject.fixed ?? [])),
  ];
  const sessions: Session[] = [];
  const lanes: Lanes[] = [];
  for (const graph of graphs) {
    const session = await runtime.open(graph);
    sessions.push(session);
    lanes.push((await session.lanes!())!);
  }
  const inTurns: number[][] = graphs.map(() => []);
  const inLanes: number[][] = graphs.map(() => []);
  for (let round = 0; round < roundCount; round++) {
    for (const index of graphs.keys()) {
      inTurns[index]!.push(await batchTime(1, () => sessions[index]!.run(feeds)));
      inLanes[index]!.push(await batchTime(lanes[index]!.count, () => lanes[index]!.run(feeds)));
    }
  }
  for (const session of sessions) await session.close();
  const ratio = (of: readonly number[], over: readonly number[]): number =>
    median(of.map((time, i) => time / over[i]!));
  const against = (what: string, index: number, bar: number): BenchRow => {
    const measured = ratio(inLanes[index]!, inLanes[0]!);
    return {
      name: `${what} × forward, both in lanes: ${subject.name}`,
      ratio: measured,
      bar: `≤ ${bar} ×`,
      ok: measured <= bar,
    };
  };
  const gain = (what: string, index: number): BenchRow => ({
    name: `${what} in lanes over one session on ${threadCount} threads: ${subject.name}`,
    ratio: ratio(inLanes[index]!, inTurns[index]!),
  });
  return [
    against('input gradient', 1, subject.inputBar),
    against('all weight gradients', 2, subject.weightsBar),
    gain('forward pass', 0),
    gain('input gradient', 1),
    gain('all weight gradients', 2),
  ];
}

/** Milliseconds a batch, so many under way at any time. */
async function batchTime(count: number, once: () => Promise<unknown>): Promise<number> {
  await Promise.all(Array.from({ length: count }, once));
  let finished = 0;
  const start = performance.now();
  const isOver = (): boolean => performance.now() - start >= turnMilliseconds && finished >= 2 * count;
  await Promise.all(
    Array.from({ length: count }, async () => {
      while (!isOver()) {
        await once();
        finished++;
      }
    }),
  );
  return (performance.now() - start) / finished;
}
