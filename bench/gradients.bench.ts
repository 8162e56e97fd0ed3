import { promoteToInputs } from '../src/engine/rewrites/promote.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Feeds, Session } from '../src/engine/runtime/session.js';
import { loadTensor } from '../src/onnx/loadTensor.js';
import type { TensorValue } from '../src/onnx/tensorValue.js';
import type { BenchRow } from './benchRow.js';
import { openCoreProbe } from './coreProbe.js';
import { shapedModel, type Subject, subjects, trainedWeights, withGradients } from './gradientSubjects.js';
import { median } from './median.js';

/** Interleaved repeats, of small models more: a forward pass of 3 ms varies by its own length. The medians of the ratios are taken. */
const [fewestRepeats, mostRepeats] = [7, 41];

/** Milliseconds after which no more repeats than the fewest are made. */
const enoughTime = 6000;

/** Milliseconds after which a machine whose two cores share no cache is left alone. */
const longestWait = 40_000;

/** Nanoseconds of a round trip between the cores of two threads from which on they share no cache. */
const apartNanoseconds = 200;

/**
 * Measures the input's gradient, and that of all weights, against plain forward passes of the same batch, in one session: on one thread,
 * and on two. Long work runs in lanes of one thread each (`lanes.bench.ts`), so the bars are of one thread; a second one helps a
 * fused forward pass more than what moves elements.
 *
 * Two threads are two cores that share a cache. The host of a virtual machine moves them apart for seconds at times, and
 * everything takes twice as long: these rounds have rows of their own.
 */
export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const threadCount of [1, 2]) {
    for (const subject of await subjects()) rows.push(...(await measure(subject, threadCount)));
  }
  return rows;
}

async function measure(subject: Subject, threadCount: number): Promise<BenchRow[]> {
  const { x } = subject;
  const model = shapedModel(subject);
  const [input] = model.graph.inputs;
  const feeds: Feeds = { [input!.name]: x };
  const runtime = createRuntime({ provider: 'cpu', threadCount });
  const weights = trainedWeights(model, subject.fixed ?? []);
  const fed: Record<string, TensorValue> = { ...feeds };
  for (const name of weights) fed[name] = await loadTensor(model.graph.initializers.get(name)!);
  const promoted = promoteToInputs(model, weights);
  const runs = [
    { model, feeds },
    { model: withGradients(model, [subject.embedding ?? input!.name]), feeds },
    { model: withGradients(model, weights), feeds },
    // As in training, where the weights change between runs and nothing made from them can be prepared.
    { model: withGradients(promoted, weights), feeds: fed },
  ];
  const sessions = await Promise.all(runs.map((one) => runtime.open(one.model)));
  const rounds = await interleave(
    sessions.map((session, i) => () => time(session, runs[i]!.feeds)),
    threadCount,
  );
  for (const session of sessions) await session.close();
  const threads = threadCount === 1 ? 'one thread' : `${threadCount} threads`;
  const row = (what: string, index: number, bar?: number): BenchRow => {
    const name = `${what}: ${subject.name}, ${threads}`;
    if (rounds.together.length === 0) return { name, notMeasured: 'no two cores shared a cache' };
    const ratio = ratioOf(rounds.together, index);
    return bar === undefined || threadCount > 1
      ? { name, ratio }
      : { name, ratio, bar: `≤ ${bar} ×`, ok: ratio <= bar };
  };
  const apart = (what: string, index: number): BenchRow => ({
    name: `${what}: ${subject.name}, ${threads} without a common cache`,
    ratio: ratioOf(rounds.apart, index),
  });
  return [
    row('input gradient', 1, subject.inputBar),
    row('all weight gradients', 2, subject.weightsBar),
    row('all weight gradients, weights fed', 3),
    ...(rounds.apart.length < fewestRepeats
      ? []
      : [apart('input gradient', 1), apart('all weight gradients', 2)]),
  ];
}

async function time(session: Session, feeds: Feeds): Promise<number> {
  const start = performance.now();
  await session.run(feeds);
  return performance.now() - start;
}

/** Milliseconds of one run of each session, round by round: of rounds whose threads shared a cache, and of the others. */
interface Rounds {
  readonly together: (readonly number[])[];
  readonly apart: (readonly number[])[];
}

function ratioOf(rounds: readonly (readonly number[])[], index: number): number {
  return median(rounds.map((times) => times[index]! / times[0]!));
}

async function interleave(runs: readonly (() => Promise<number>)[], threadCount: number): Promise<Rounds> {
  for (const once of runs) await once();
  const rounds: Rounds = { together: [], apart: [] };
  const probe = threadCount === 1 ? undefined : openCoreProbe();
  const areApart = (): boolean => (probe?.roundTrip() ?? 0) >= apartNanoseconds;
  const start = performance.now();
  const passed = (): number => performance.now() - start;
  const { together } = rounds;
  while (together.length < mostRepeats && passed() < longestWait) {
    if (together.length >= fewestRepeats && passed() > enoughTime) break;
    const wereApart = areApart();
    const times: number[] = [];
    for (const once of runs) times.push(await once());
    (wereApart || areApart() ? rounds.apart : together).push(times);
  }
  await probe?.close();
  return rounds;
}
