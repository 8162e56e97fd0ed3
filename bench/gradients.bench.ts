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
import type { TensorValue } from '../src/onnx/tensorValue.js';
import { normalTensor } from '../test/support/modelBuilder.js';
import { sharedDir } from '../test/support/paths.js';
import type { BenchRow } from './benchRow.js';
import { median } from './median.js';
import { resnet18 } from './resnet18.js';

/** Interleaved repeats; the medians of the ratios are taken. */
const repeatCount = 7;

interface Subject {
  readonly name: string;
  readonly model: Model;
  /** Sizes of the input after the batch. */
  readonly shape: readonly number[];
  readonly batchSize: number;
  readonly inputBar: number;
  readonly weightsBar: number;
}

/** Measures the input's gradient, and that of all weights, against plain forward passes of the same batch. */
export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const subject of await subjects()) rows.push(...(await measure(subject)));
  return rows;
}

async function subjects(): Promise<Subject[]> {
  const dense = { inputBar: 2.5, weightsBar: 3.5 };
  const found: Subject[] = [
    { name: 'ResNet-18 at 112², batch 4', model: resnet18(), shape: [3, 112, 112], batchSize: 4, ...dense },
  ];
  const mobilenet = join(sharedDir ?? '', 'models', 'mobilenet-v1-025', 'model.onnx');
  if (sharedDir !== undefined && existsSync(mobilenet)) {
    const depthwise = { inputBar: 5, weightsBar: 7 };
    const model = convertToOpset17(await readModel(mobilenet));
    found.push({
      name: 'MobileNet 0.25 at 224², batch 2',
      model,
      shape: [3, 224, 224],
      batchSize: 2,
      ...depthwise,
    });
  }
  return found;
}

async function measure(subject: Subject): Promise<BenchRow[]> {
  const model = withShape(subject.model, subject.shape);
  const [input] = model.graph.inputs;
  const x = normalTensor(createRandom(5), [subject.batchSize, ...subject.shape]);
  const feeds: Feeds = { [input!.name]: x };
  const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });
  const weights = trainedWeights(model);
  const fed: Record<string, TensorValue> = { ...feeds };
  for (const name of weights) fed[name] = await loadTensor(model.graph.initializers.get(name)!);
  const promoted = promoteToInputs(model, weights);
  const runs = [
    { model, feeds },
    { model: withGradients(model, [input!.name]), feeds },
    { model: withGradients(model, weights), feeds },
    // As in training, where the weights change between runs and nothing made from them can be prepared.
    { model: withGradients(promoted, weights), feeds: fed },
  ];
  const sessions = await Promise.all(runs.map((one) => runtime.open(one.model)));
  const times = await interleave(sessions.map((session, i) => () => time(session, runs[i]!.feeds)));
  for (const session of sessions) await session.close();
  const row = (what: string, index: number, bar?: number): BenchRow => {
    const ratio = median(times[index]!.map((milliseconds, i) => milliseconds / times[0]![i]!));
    const verdict = bar === undefined ? {} : { bar: `≤ ${bar} ×`, ok: ratio <= bar };
    return { name: `${what}: ${subject.name}`, ratio, ...verdict };
  };
  return [
    row('input gradient', 1, subject.inputBar),
    row('all weight gradients', 2, subject.weightsBar),
    row('all weight gradients, weights fed', 3),
  ];
}

/** Float weights that training changes: not the running statistics of BatchNormalization. */
function trainedWeights(model: Model): string[] {
  const statistics = new Set(
    model.graph.nodes.flatMap((node) => (node.opType === 'BatchNormalization' ? node.inputs.slice(3) : [])),
  );
  return [...model.graph.initializers.values()]
    .filter((tensor) => tensor.elementType === 'float32' && tensor.dims.length > 0)
    .map((tensor) => tensor.name)
    .filter((name) => !statistics.has(name));
}

/** The model with fixed sizes but for the batch, as measuring its types would give. */
function withShape(model: Model, shape: readonly number[]): Model {
  const inputs = model.graph.inputs.map((input) => {
    const type: ValueType = { kind: 'tensor', elementType: 'float32', shape: ['N', ...shape] };
    return { ...input, type };
  });
  return { ...model, graph: { ...model.graph, inputs } };
}

/** Forward and backward in one graph, the loss being the sum of the results; only the gradients' norms come out. */
function withGradients(model: Model, wrt: readonly string[]): Model {
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

async function interleave(runs: readonly (() => Promise<number>)[]): Promise<number[][]> {
  for (const once of runs) await once();
  const times: number[][] = runs.map(() => []);
  for (let i = 0; i < repeatCount; i++) {
    for (const [index, once] of runs.entries()) times[index]!.push(await once());
  }
  return times;
}
