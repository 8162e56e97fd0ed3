import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../src/base/random.js';
import { GraphBuilder } from '../src/engine/graph/graphBuilder.js';
import { differentiate } from '../src/engine/gradients/differentiate.js';
import { promoteToInputs } from '../src/engine/rewrites/promote.js';
import { createRuntime } from '../src/engine/runtime/ortRuntime.js';
import type { Feeds, Session } from '../src/engine/runtime/session.js';
import { loadTensor } from '../src/onnx/loadTensor.js';
import type { Model, ValueType } from '../src/onnx/model.js';
import { convertToOpset17 } from '../src/onnx/opsets/convert.js';
import { readModel } from '../src/onnx/readModel.js';
import { inferTypes } from '../src/onnx/shapes/inferTypes.js';
import { int64Tensor, type TensorValue } from '../src/onnx/tensorValue.js';
import { normalTensor } from '../test/support/modelBuilder.js';
import { sharedDir } from '../test/support/paths.js';
import type { BenchRow } from './benchRow.js';
import { openCoreProbe } from './coreProbe.js';
import { median } from './median.js';
import { resnet18 } from './resnet18.js';

/** Interleaved repeats, of small models more: a forward pass of 3 ms varies by its own length. The medians of the ratios are taken. */
const [fewestRepeats, mostRepeats] = [7, 41];

/** Milliseconds after which no more repeats than the fewest are made. */
const enoughTime = 6000;

/** Milliseconds after which a machine whose two cores share no cache is left alone. */
const longestWait = 40_000;

/** Nanoseconds of a round trip between the cores of two threads from which on they share no cache. */
const apartNanoseconds = 200;

interface Subject {
  readonly name: string;
  readonly model: Model;
  /** What the input is fed, the batch along axis 0. */
  readonly x: TensorValue;
  /** The value whose gradient is the input's, where that is not the input itself: the embedding of token ids. */
  readonly embedding?: string;
  /** Tables of the model that no training changes. */
  readonly fixed?: readonly string[];
  readonly inputBar: number;
  readonly weightsBar: number;
}

/**
 * Measures the input's gradient, and that of all weights, against plain forward passes of the same batch: on two threads and,
 * as a second one helps a fused forward pass more than what moves elements, on one.
 *
 * Two threads are two cores that share a cache. The host of a virtual machine moves them apart for seconds at times, and
 * everything takes twice as long: these rounds have rows of their own.
 */
export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const threadCount of [2, 1]) {
    for (const subject of await subjects()) rows.push(...(await measure(subject, threadCount)));
  }
  return rows;
}

async function subjects(): Promise<Subject[]> {
  const random = createRandom(5);
  const dense = { inputBar: 2.5, weightsBar: 3.5 };
  const image = normalTensor(random, [4, 3, 112, 112]);
  const found: Subject[] = [{ name: 'ResNet-18 at 112², batch 4', model: resnet18(), x: image, ...dense }];
  const mobilenet = await sharedModel('mobilenet-v1-025');
  if (mobilenet !== undefined) {
    const x = normalTensor(random, [2, 3, 224, 224]);
    found.push({ name: 'MobileNet 0.25 at 224², batch 2', model: mobilenet, x, inputBar: 5, weightsBar: 7 });
  }
  const stories = await sharedModel('stories260k');
  if (stories !== undefined) {
    const ids = Array.from({ length: 4 * 128 }, () => random.integer(512));
    found.push({
      name: 'stories260k, 4 texts of 128 tokens',
      model: stories,
      x: int64Tensor(ids, [4, 128]),
      embedding: 'embed_out',
      fixed: ['rope_cos', 'rope_sin', 'mask_full'],
      ...dense,
    });
  }
  return found;
}

async function sharedModel(name: string): Promise<Model | undefined> {
  const path = join(sharedDir ?? '', 'models', name, 'model.onnx');
  return sharedDir === undefined || !existsSync(path) ? undefined : convertToOpset17(await readModel(path));
}

async function measure(subject: Subject, threadCount: number): Promise<BenchRow[]> {
  const { x } = subject;
  const model = withShape(subject.model, x);
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
    const limit = bar === undefined ? {} : { bar: `≤ ${bar} ×` };
    if (rounds.together.length === 0) return { name, ...limit, notMeasured: 'no two cores shared a cache' };
    const ratio = ratioOf(rounds.together, index);
    return { name, ratio, ...limit, ...(bar === undefined ? {} : { ok: ratio <= bar }) };
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

/** Float weights that training changes: not the running statistics of BatchNormalization, nor fixed tables. */
function trainedWeights(model: Model, fixed: readonly string[]): string[] {
  const constant = new Set([
    ...fixed,
    ...model.graph.nodes.flatMap((node) =>
      node.opType === 'BatchNormalization' ? node.inputs.slice(3) : [],
    ),
  ]);
  return [...model.graph.initializers.values()]
    .filter((tensor) => tensor.elementType === 'float32' && tensor.dims.length > 0)
    .map((tensor) => tensor.name)
    .filter((name) => !constant.has(name));
}

/** The model with fixed sizes but for the batch, as measuring its types would give. */
function withShape(model: Model, { dtype, dims }: TensorValue): Model {
  const inputs = model.graph.inputs.map((input) => {
    const type: ValueType = { kind: 'tensor', elementType: dtype, shape: ['N', ...dims.slice(1)] };
    return { ...input, type };
  });
  return { ...model, graph: { ...model.graph, inputs } };
}

/** Forward and backward in one graph, the loss being the sum of the results; only the gradients' norms come out. */
export function withGradients(model: Model, wrt: readonly string[]): Model {
  const builder = new GraphBuilder(model);
  const [output] = model.graph.outputs;
  const value = output!.name;
  const cotangent = builder.node('Expand', [builder.scalar(1), builder.node('Shape', [value])]);
  const { model: both, gradients } = differentiate(builder.build(), {
    seeds: [{ value, cotangent }],
    wrt,
    types: inferTypes(model),
  });
  const last = new GraphBuilder(both);
  // A gradient is read inside the graph (by an optimiser, a reduction), so that only what is asked for leaves it.
  const sizes = [...gradients.values()].map((gradient) =>
    last.node('ReduceL2', [gradient], { attributes: { keepdims: 0 } }),
  );
  last.setOutputs([value, ...sizes]);
  return last.build();
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
