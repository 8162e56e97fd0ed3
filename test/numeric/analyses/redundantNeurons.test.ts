import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { redundantNeurons } from '../../../src/analyses/health/redundant-neurons.js';
import { clustersAt, mergeSequence } from '../../../src/analyses/health/merging/mergeSequence.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runOn } from '../../support/runHealth.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const random = createRandom(23);

/** Copies slice `from` of an axis over slice `to`: plants a duplicate. */
function duplicated(
  tensor: TensorValue,
  axis: number,
  [from, to]: readonly [number, number],
  inner = 1,
): TensorValue {
  const { dims } = tensor;
  const run = dims.slice(axis + 1).reduce((product, size) => product * size, 1) * inner;
  const stride = dims.slice(axis).reduce((product, size) => product * size, 1);
  const data = Float32Array.from(tensor.data as Float32Array);
  for (let start = 0; start < data.length; start += stride) {
    data.copyWithin(start + to * run, start + from * run, start + (from + 1) * run);
  }
  return float32Tensor(data, dims);
}

/** x [N, 5] → Gemm 7 → Tanh → MatMul 6 + bias → x·σ(x) → Gemm 3; in each hidden layer a unit is planted twice. */
function denseTwins(): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 5));
  const constant = (name: string, tensor: TensorValue): string => builder.constant(tensor, name);
  // fc1[1] and fc1[4]; fc2[0] and fc2[5].
  const w1 = duplicated(normalTensor(random, [7, 5]), 0, [1, 4]);
  const b1 = duplicated(normalTensor(random, [7]), 0, [1, 4]);
  const w2 = duplicated(duplicated(normalTensor(random, [7, 6]), 0, [1, 4]), 1, [0, 5]);
  const b2 = duplicated(normalTensor(random, [6]), 0, [0, 5]);
  const w3 = duplicated(normalTensor(random, [6, 3]), 0, [0, 5]);
  const h1 = builder.node('Gemm', [x, constant('fc1.weight', w1), constant('fc1.bias', b1)], {
    attributes: { transB: 1 },
    name: '/fc1/Gemm',
  });
  const a1 = builder.node('Tanh', [h1], { name: '/act1/Tanh' });
  const h2 = builder.node('MatMul', [a1, constant('fc2.weight', w2)], { name: '/fc2/MatMul' });
  const s2 = builder.node('Add', [constant('fc2.bias', b2), h2], { name: '/fc2/Add' });
  const a2 = builder.node('Mul', [s2, builder.node('Sigmoid', [s2])]);
  const out = builder.node('Gemm', [a2, constant('fc3.weight', w3)], {
    name: '/fc3/Gemm',
    outputs: ['logits'],
  });
  builder.addOutput(out, floatType('N', 3));
  return builder.build();
}

/** Pictures through Conv, BatchNorm, ReLU, MaxPool, Conv, ReLU, a Reshape that names its size, and a Gemm. */
function convTwins(): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 2, 6, 6));
  const constant = (name: string, tensor: TensorValue): string => builder.constant(tensor, name);
  const positive = (tensor: TensorValue): TensorValue =>
    float32Tensor(Float32Array.from(toFloat64(tensor), Math.abs), tensor.dims);
  // conv1[0] and conv1[3], whose stored weights differ by a factor that BatchNorm takes back; conv2[2] and conv2[1].
  const w1 = duplicated(normalTensor(random, [5, 2, 3, 3]), 0, [0, 3]);
  const norm = ['scale', 'shift', 'mean', 'variance'].map((name) => {
    const drawn = normalTensor(random, [5]);
    return duplicated(name === 'variance' ? positive(drawn) : drawn, 0, [0, 3]);
  });
  const stored = Float32Array.from(w1.data as Float32Array);
  for (let i = 3 * 18; i < 4 * 18; i++) stored[i]! *= 2;
  (norm[0]!.data as Float32Array)[3]! /= 2;
  (norm[2]!.data as Float32Array)[3]! *= 2;
  const w2 = duplicated(duplicated(normalTensor(random, [4, 5, 1, 1]), 1, [0, 3]), 0, [2, 1]);
  const w3 = duplicated(normalTensor(random, [3, 4 * 4]), 1, [2, 1], 4);
  const maps = builder.node('Conv', [x, constant('conv1.weight', float32Tensor(stored, w1.dims))], {
    name: '/conv1/Conv',
  });
  const normed = builder.node(
    'BatchNormalization',
    [maps, ...norm.map((tensor, i) => constant(`bn1.${i}`, tensor))],
    { name: '/bn1/BatchNormalization' },
  );
  const pooled = builder.node('MaxPool', [builder.node('Relu', [normed])], {
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
  });
  const second = builder.node('Conv', [pooled, constant('conv2.weight', w2)], { name: '/conv2/Conv' });
  const flat = builder.node('Reshape', [builder.node('Relu', [second]), builder.int64s([0, 16])]);
  const out = builder.node('Gemm', [flat, constant('fc.weight', w3)], {
    attributes: { transB: 1 },
    name: '/fc/Gemm',
    outputs: ['logits'],
  });
  builder.addOutput(out, floatType('N', 3));
  return builder.build();
}

/** x [N, 5] → (x W_gate · σ + bias) ⊙ (x W_up) of 6 → down: units 1 and 4 are alike in both, 0 and 3 in the gate alone. */
function gatedTwins(): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 5));
  const gateTwins = duplicated(duplicated(normalTensor(random, [5, 6]), 1, [1, 4]), 1, [0, 3]);
  const upTwins = duplicated(normalTensor(random, [5, 6]), 1, [1, 4]);
  const bias = duplicated(normalTensor(random, [6]), 0, [1, 4]);
  const downTwins = duplicated(normalTensor(random, [6, 3]), 0, [1, 4]);
  const product = (input: string, tensor: TensorValue, name: string): string =>
    builder.node('MatMul', [input, builder.constant(tensor, `${name}.weight`)], { name: `/${name}/MatMul` });
  const gate = product(x, gateTwins, 'gate');
  const swish = builder.node('Mul', [gate, builder.node('Sigmoid', [gate])]);
  const up = builder.node('Add', [product(x, upTwins, 'up'), builder.constant(bias, 'up.bias')]);
  const down = product(builder.node('Mul', [swish, up]), downTwins, 'down');
  builder.addOutput(builder.node('Identity', [down], { outputs: ['logits'] }), floatType('N', 3));
  return builder.build();
}

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

async function logitsOf(model: Model, x: TensorValue): Promise<Float64Array> {
  const session = await runtime.open(model);
  const outputs = await session.run({ x });
  await session.close();
  return toFloat64(outputs['logits']!);
}

describe('redundant-neurons', function () {
  this.timeout(30_000);
  const folder = useTemporaryFolder();

  /** Runs the analysis and returns its draft and the model that it wrote. */
  async function merge(
    model: Model,
    x: TensorValue,
    settings: Readonly<Record<string, unknown>> = {},
  ): Promise<{ readonly draft: ReportDraft; readonly written: Model }> {
    const output = join(folder(), 'merged.onnx');
    const draft = await runOn(redundantNeurons, model, memoryDataset({ x }), {
      settings: { beta: 1e-3, points: 3, ...settings, output },
    });
    return { draft, written: await readModel(output) };
  }

  const cases: readonly [
    string,
    () => Model,
    readonly number[],
    Readonly<Record<string, number>>,
    readonly number[],
  ][] = [
    ['dense layers', denseTwins, [16, 5], { fc1: 4, fc2: 5 }, [7 + 6, 7 + 6 - 2]],
    [
      'convolutions with BatchNorm and a flattened map',
      convTwins,
      [6, 2, 6, 6],
      { conv1: 3, conv2: 2 },
      [9, 7],
    ],
  ];
  for (const [what, make, dims, twins, [before, after]] of cases) {
    itHolds(
      23,
      `neurons planted twice in ${what} merge exactly: the written model is smaller and its outputs are equal to 1e-5 (seed 23)`,
      async () => {
        const model = make();
        const x = normalTensor(createRandom(5), dims);
        const { draft, written } = await merge(model, x);
        assert.equal(draft.metrics['featureCount'], before);
        assert.equal(draft.metrics['featuresLeft'], after);
        for (const [layer, gone] of Object.entries(twins)) {
          const clusters = arrayOf(draft, `${layer}.clusters`);
          const moved = [...clusters.keys()].filter((unit) => clusters[unit] !== unit);
          assert.deepEqual(moved, [gone], layer);
        }
        const [expected, actual] = [await logitsOf(model, x), await logitsOf(written, x)];
        const largest = Math.max(...expected.map((value, i) => Math.abs(value - actual[i]!)));
        assert.ok(largest < 1e-5, `outputs differ by ${largest}`);
        const elements = ({ graph }: Model): number =>
          [...graph.initializers.values()].reduce(
            (total, { dims: size }) => total + size.reduce((a, b) => a * b, 1),
            0,
          );
        assert.ok(elements(written) < elements(model));
      },
    );
  }

  it('a unit of a gated layer planted twice merges in gate, up and down together, exactly to 1e-5', async () => {
    const model = gatedTwins();
    const x = normalTensor(createRandom(5), [16, 5]);
    const { draft, written } = await merge(model, x);
    assert.deepEqual(arrayOf(draft, 'gate.clusters'), [0, 1, 2, 3, 1, 5]);
    const shapes = ['gate.weight', 'up.weight', 'up.bias', 'down.weight'].map(
      (name) => written.graph.initializers.get(name)?.dims,
    );
    assert.deepEqual(shapes, [[5, 5], [5, 5], [5], [5, 3]]);
    const [expected, actual] = [await logitsOf(model, x), await logitsOf(written, x)];
    assert.ok(expected.every((value, i) => Math.abs(value - actual[i]!) < 1e-5));
    const table = draft.blocks.find(({ title }) => title === 'Layers that cannot be merged');
    assert.ok(table?.type === 'table');
    const reason = table.rows.find(({ layer }) => layer === 'up')?.['reason'];
    assert.match(String(reason), /merged with those of the layer that gates it/u);
  });

  itHolds(
    23,
    'the curve of features left falls with β, from all of them at 0, and says what each costs',
    async () => {
      const labels = Array.from({ length: 16 }, (_, row) => row % 3);
      const x = normalTensor(createRandom(5), [16, 5]);
      const draft = await runOn(redundantNeurons, denseTwins(), memoryDataset({ x }, labels), {
        settings: { points: 6, largestBeta: 2, beta: 0.5 },
      });
      const curve = arrayOf(draft, 'curve');
      const rows = Array.from({ length: curve.length / 4 }, (_, i) => curve.slice(4 * i, 4 * i + 4));
      assert.deepEqual(rows[0]!.slice(0, 2), [0, 13]);
      for (const [i, row] of rows.entries()) assert.ok(i === 0 || row[1]! <= rows[i - 1]![1]!);
      assert.ok(rows.at(-1)![1]! < 6 && rows.at(-1)![3]! > 0.05);
      assert.equal(draft.metrics['mergedScore'], rows.find(([beta]) => beta === 0.5)![2]);
      assert.ok(draft.blocks.some(({ title }) => title === 'Features left against β'));
    },
  );

  it('merges nearest first by distances of means, as brute force does over 12 random units', async () => {
    const [unitCount, size] = [12, 4];
    const incoming = toFloat64(normalTensor(random, [unitCount, size]));
    const outgoing = toFloat64(normalTensor(random, [unitCount, 2]));
    const merges = await mergeSequence(
      { unitCount, incoming, outgoing },
      'both',
      new AbortController().signal,
    );
    const clusters = Array.from({ length: unitCount }, (_, unit) => [unit]);
    const meanOf = (part: Float64Array, members: readonly number[], width: number): number[] =>
      Array.from({ length: width }, (_, k) =>
        members.reduce((sum, unit) => sum + part[unit * width + k]! / members.length, 0),
      );
    const lengths = (part: Float64Array): number =>
      part.reduce((sum, value) => sum + value * value, 0) / unitCount;
    const apart = (a: readonly number[], b: readonly number[]): number =>
      a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
    for (const { kept, gone } of merges) {
      let best = { squared: Infinity, pair: [-1, -1] };
      for (const [i, a] of clusters.entries()) {
        for (const [j, b] of clusters.slice(0, i).entries()) {
          const squared =
            apart(meanOf(incoming, a, size), meanOf(incoming, b, size)) / lengths(incoming) / 2 +
            apart(meanOf(outgoing, a, 2), meanOf(outgoing, b, 2)) / lengths(outgoing) / 2;
          if (squared < best.squared) best = { squared, pair: [j, i] };
        }
      }
      const [i, j] = best.pair as [number, number];
      assert.deepEqual(
        [kept, gone],
        [Math.min(...clusters[i]!, ...clusters[j]!), Math.max(clusters[i]![0]!, clusters[j]![0]!)],
      );
      clusters[i] = [...clusters[i]!, ...clusters[j]!].sort((a, b) => a - b);
      clusters.splice(j, 1);
      clusters.sort((a, b) => a[0]! - b[0]!);
    }
    assert.equal(merges.length, unitCount - 1);
    assert.equal(new Set(clustersAt(merges, unitCount, Infinity)).size, 1);
  });

  it('units that compute the same but are read differently merge by incoming weights alone, exactly', async () => {
    const model = denseTwins();
    const weight = model.graph.initializers.get('fc3.weight')!;
    const initializers = new Map(model.graph.initializers);
    const source = {
      kind: 'inline',
      bytes: new Uint8Array(Float32Array.from({ length: 18 }, (_, i) => i / 9).buffer),
    } as const;
    initializers.set('fc3.weight', { ...weight, source });
    const other = { ...model, graph: { ...model.graph, initializers } };
    const x = normalTensor(createRandom(5), [16, 5]);
    assert.equal((await merge(other, x)).draft.metrics['featuresLeft'], 12);
    const { draft, written } = await merge(other, x, { compare: 'incoming' });
    assert.equal(draft.metrics['featuresLeft'], 11);
    const [expected, actual] = [await logitsOf(other, x), await logitsOf(written, x)];
    assert.ok(expected.every((value, i) => Math.abs(value - actual[i]!) < 1e-5));
  });

  it('says which layers cannot be merged and why', async () => {
    const builder = new GraphBuilder(emptyModel());
    const x = builder.addInput('x', floatType('N', 4));
    const dense = (input: string, name: string): string =>
      builder.node('MatMul', [input, builder.constant(normalTensor(random, [4, 4]), `${name}.weight`)], {
        name: `/${name}/MatMul`,
      });
    const hidden = builder.node('Relu', [dense(x, 'up')]);
    const sum = builder.node('Add', [dense(hidden, 'down'), x]);
    builder.addOutput(
      builder.node('Identity', [dense(sum, 'head')], { outputs: ['logits'] }),
      floatType('N', 4),
    );
    const draft = await runOn(
      redundantNeurons,
      builder.build(),
      memoryDataset({ x: normalTensor(random, [4, 4]) }),
    );
    const table = draft.blocks.find(({ title }) => title === 'Layers that cannot be merged');
    assert.ok(table?.type === 'table');
    const reasons = new Map(table.rows.map(({ layer, reason }) => [layer, String(reason)]));
    assert.match(reasons.get('down')!, /meets another value in Add/u);
    assert.match(reasons.get('head')!, /output of the model/u);
    assert.ok(!reasons.has('up'));
  });

  it('writes nothing over the model itself, and only .onnx files', async () => {
    const data = memoryDataset({ x: normalTensor(random, [2, 5]) });
    const run = (output: string): Promise<ReportDraft> =>
      runOn(redundantNeurons, denseTwins(), data, { settings: { output } });
    await assert.rejects(run('model.onnx'), { code: 'output-is-model' });
    await assert.rejects(run('merged.txt'), { code: 'output-not-onnx' });
    assert.ok(!existsSync('/test/merged.txt'));
  });
});
