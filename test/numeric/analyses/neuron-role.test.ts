import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { neuronRole } from '../../../src/analyses/neuron/neuron-role.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { layersOf } from '../../../src/onnx/layers/layerTable.js';
import { loadTensor } from '../../../src/onnx/loadTensor.js';
import type { Graph, Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { samplesDir } from '../../support/paths.js';
import { runAnalysisOn, runAnalysisOnSample } from '../../support/runAnalysisOn.js';
import { isCode } from '../../support/tensors.js';

/** Weights of a network of 3 inputs, 5 hidden ReLUs and 2 classes; hidden unit 4 is a copy of unit 1. */
const first = copied(normalTensor(createRandom(3), [3, 5]));
const second = normalTensor(createRandom(4), [5, 2]);
const rows = normalTensor(createRandom(5), [60, 3]);

function copied(weight: TensorValue): TensorValue {
  const data = Float32Array.from(toFloat64(weight));
  for (let row = 0; row < 3; row++) data[row * 5 + 4] = data[row * 5 + 1]!;
  return float32Tensor(data, [3, 5]);
}

/** `edit` changes the row of the second weight that reads hidden unit 2, and adds to the scores. */
function network(edit?: { readonly bias: readonly [number, number] }): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', 3));
  const h = builder.node('MatMul', ['x', builder.constant(first, 'fc1.weight')], { name: '/fc1/MatMul' });
  const r = builder.node('Relu', [h], { name: '/act/Relu' });
  const weight = Float32Array.from(toFloat64(second));
  if (edit !== undefined) weight.fill(0, 4, 6);
  const bias = builder.constant(float32Tensor([...(edit?.bias ?? [0, 0])], [2]), 'fc2.bias');
  const y = builder.node('Gemm', [r, builder.constant(float32Tensor(weight, [5, 2]), 'fc2.weight'), bias], {
    name: '/fc2/Gemm',
  });
  builder.addOutput(y, floatType('N', 2));
  return builder.build();
}

/** Values of the hidden units, by hand: [60][5]. */
const hidden = Array.from({ length: 60 }, (_, row) =>
  Array.from({ length: 5 }, (_unused, unit) => {
    const sum = [0, 1, 2].reduce(
      (total, input) => total + toFloat64(rows)[row * 3 + input]! * toFloat64(first)[input * 5 + unit]!,
      0,
    );
    return Math.max(0, sum);
  }),
);
const meanOf = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** Labels that the untouched model gives for two rows of three. */
const labels = hidden.map((values, row) => {
  const score = (t: number): number =>
    values.reduce((sum, v, u) => sum + v * toFloat64(second)[u * 2 + t]!, 0);
  const answer = score(1) > score(0) ? 1 : 0;
  return row % 3 === 0 ? 1 - answer : answer;
});

function roleOf(model: Model, neuron: string | null): Promise<ReportDraft> {
  return runAnalysisOn(neuronRole, { model, feeds: { x: rows } }, { neuron }, { labels, batchSize: 17 });
}

function columns(draft: ReportDraft, title: RegExp): Record<string, Record<string, unknown>> {
  const table = draft.blocks.find((block) => title.test(block.title ?? ''));
  assert.ok(table?.type === 'table', `no table ${String(title)}`);
  return Object.fromEntries(table.rows.map((row) => [String(row['address']), row]));
}

describe('the part of a neuron', () => {
  let role: ReportDraft;
  before(async () => {
    role = await roleOf(network(), 'fc1[2]');
  });

  it('is what the next layer weighs it with, number for number', () => {
    const found = columns(role, /^Weights of fc1\[2\] in fc2, through act$/);
    for (const t of [0, 1]) assert.equal(found[`fc2[${String(t)}]`]?.['weight'], toFloat64(second)[4 + t]);
    assert.deepEqual(
      [...toFloat64(role.arrays['fc2.weightsOut']!.value)],
      [...toFloat64(second).subarray(4, 6)],
    );
  });

  it('is what the model loses without it: the score of models edited by hand', async () => {
    const mean = meanOf(hidden.map((values) => values[2]!));
    const asBias = [0, 1].map((t) => mean * toFloat64(second)[4 + t]!) as [number, number];
    const zeroed = await roleOf(network({ bias: [0, 0] }), 'fc1[2]');
    const atMean = await roleOf(network({ bias: asBias }), 'fc1[2]');
    assert.ok(Math.abs(role.metrics['intactScore']! - 2 / 3) < 1e-12);
    assert.equal(role.metrics['zeroedScore'], zeroed.metrics['intactScore']);
    assert.equal(role.metrics['meanScore'], atMean.metrics['intactScore']);
    assert.notEqual(role.metrics['zeroedScore'], role.metrics['intactScore']);
    assert.match(role.summary, /^Without act\[2\] \(at 0\) the accuracy goes from 66\.7 % to /);
    // What nothing reads is not missed.
    assert.match(zeroed.summary, /the accuracy stays at (\S+ %), at its mean it stays at \1;/);
  });

  it('is to be like its copy most, by weights and by activations; correlations are Pearson’s', async () => {
    const copy = await roleOf(network(), 'fc1[1]');
    const similar = columns(copy, /^Similar units/);
    assert.equal(Object.keys(similar)[0], 'fc1[4]');
    assert.ok(Math.abs(Number(similar['fc1[4]']?.['cosine']) - 1) < 1e-6);
    assert.ok(Math.abs(Number(similar['fc1[4]']?.['correlation']) - 1) < 1e-5);
    assert.match(copy.findings[0]?.message ?? '', /fc1\[1\] does the same as fc1\[4\]/);
    const [a, b] = [1, 3].map((unit) => hidden.map((values) => values[unit]!)) as [number[], number[]];
    const [ma, mb] = [meanOf(a), meanOf(b)];
    const products = (p: number[], mp: number, q: number[], mq: number): number =>
      p.reduce((sum, value, i) => sum + (value - mp) * (q[i]! - mq), 0);
    const pearson = products(a, ma, b, mb) / Math.sqrt(products(a, ma, a, ma) * products(b, mb, b, mb));
    assert.ok(Math.abs(Number(similar['fc1[3]']?.['correlation']) - pearson) < 1e-5);
  });

  it('of an output is said to lead to no layer; without data only weights are known', async () => {
    const draft = await roleOf(network(), 'fc2[1]');
    assert.match(draft.summary, /it is an output of the model/);
    const { metrics } = await runAnalysisOn(
      neuronRole,
      { model: network(), feeds: {} },
      { neuron: 'fc1[0]' },
    );
    assert.ok('readerCount' in metrics);
    await assert.rejects(roleOf(network(), 'fc1'), isCode('unit-missing'));
  });

  it('of a recurrent unit goes by its last state too: read and removed there as in models edited by hand', async () => {
    const random = createRandom(6);
    const [input, step, head] = [
      [1, 16, 3],
      [1, 16, 4],
      [4, 2],
    ].map((dims) => normalTensor(random, dims));
    const x = normalTensor(random, [40, 5, 3]);
    const recurrent = (isCut: boolean): Model => {
      const builder = new GraphBuilder(emptyModel());
      builder.addInput('x', floatType('N', 5, 3));
      const turned = builder.node('Transpose', ['x'], { attributes: { perm: [1, 0, 2] } });
      const weights = [builder.constant(input!, 'lstm.weight_ih_l0'), builder.constant(step!)];
      const lstm = { attributes: { hidden_size: 4 }, outputs: ['y', 'yh'], name: '/lstm/LSTM' };
      builder.node('LSTM', [turned, ...weights], lstm);
      const last = builder.node('Squeeze', ['yh', builder.int64s([0])]);
      const read = Float32Array.from(toFloat64(head!));
      if (isCut) read.fill(0, 4, 6);
      const weight = builder.constant(float32Tensor(read, [4, 2]), 'fc.weight');
      builder.addOutput(builder.node('MatMul', [last, weight], { name: '/fc/MatMul' }), floatType('N', 2));
      return builder.build();
    };
    const answers = Array.from({ length: 40 }, (_, row) => row % 2);
    const of = (model: Model, neuron: string): Promise<ReportDraft> =>
      runAnalysisOn(neuronRole, { model, feeds: { x } }, { neuron }, { labels: answers, batchSize: 16 });
    const role = await of(recurrent(false), 'lstm[2]');
    const edited = await of(recurrent(true), 'lstm[0]');
    assert.equal(role.metrics['readerCount'], 1);
    assert.equal(role.metrics['zeroedScore'], edited.metrics['intactScore']);
    assert.notEqual(role.metrics['zeroedScore'], role.metrics['intactScore']);
    const table = role.blocks.find(({ title }) => title === 'Weights of lstm[2] in fc');
    assert.ok(table?.type === 'table');
    const shown = new Map(table.rows.map((row) => [row['address'], row['weight']]));
    assert.deepEqual([shown.get('fc[0]'), shown.get('fc[1]')], [...toFloat64(head!).slice(4, 6)]);
    const states = layersOf(recurrent(false)).byName.get('lstm')?.states;
    assert.ok(states?.kind === 'not-judged' && states.reason === 'its last state alone is read');
  });

  it('inside a branch is what reads it there, which are like it, and its score where the branch is taken', async () => {
    const branching = (isCut: boolean): Model => {
      const branch = (name: string): Graph => {
        const inner = new GraphBuilder(emptyModel());
        const weight = inner.constant(first, `${name}.fc1.weight`);
        const h = inner.node('MatMul', ['x', weight], {
          name: `/${name}/fc1/MatMul`,
          outputs: [`${name}.h`],
        });
        const r = inner.node('Relu', [h], { name: `/${name}/act/Relu`, outputs: [`${name}.r`] });
        const read = Float32Array.from(toFloat64(second));
        if (isCut && name === 'yes') read.fill(0, 4, 6);
        const reading = inner.constant(float32Tensor(read, [5, 2]), `${name}.fc2.weight`);
        const y = inner.node('MatMul', [r, reading], { name: `/${name}/fc2/MatMul`, outputs: [`${name}.y`] });
        inner.addOutput(y, floatType('N', 2));
        return inner.build().graph;
      };
      const builder = new GraphBuilder(emptyModel());
      builder.addInput('x', floatType('N', 3));
      const isTaken = builder.constant({ dtype: 'bool', dims: [], data: Uint8Array.of(1) });
      const attributes = {
        then_branch: { kind: 'graph', value: branch('yes') },
        else_branch: { kind: 'graph', value: branch('no') },
      } as const;
      builder.addOutput(builder.node('If', [isTaken], { attributes }), floatType('N', 2));
      return builder.build();
    };
    const inside = await roleOf(branching(false), 'yes.fc1[2]');
    const edited = await roleOf(branching(true), 'yes.fc1[0]');
    const found = columns(inside, /^Weights of yes\.fc1\[2\] in yes\.fc2, through yes\.act$/);
    for (const t of [0, 1]) {
      assert.equal(found[`yes.fc2[${String(t)}]`]?.['weight'], toFloat64(second)[4 + t]);
    }
    assert.match(Object.keys(columns(inside, /^Similar units/))[0] ?? '', /^yes\.fc1\[\d\]$/);
    assert.equal(inside.metrics['zeroedScore'], edited.metrics['intactScore']);
    assert.notEqual(inside.metrics['zeroedScore'], inside.metrics['intactScore']);
    assert.match(inside.evidence['largestCorrelation']?.how ?? '', /inside an If, Loop or Scan body/);
  });

  it('of a language model is its perplexity, and the tokens that it writes: those of its rows through norm and unembedding', async () => {
    const settings = { neuron: 'blocks.3.mlp.hidden[5]' };
    const draft = await runAnalysisOnSample(neuronRole, 'story-lm', settings, { limit: 4 });
    // Its effect is smaller than the three digits that a perplexity is shown with.
    assert.match(
      draft.summary,
      /^Without .*\[5\] \(at 0\) the perplexity (goes from \S+ to|stays at [\d.]+, [\d.e−]+ (up|down))/,
    );
    assert.doesNotMatch(draft.summary, /from (\S+) to \1[,;]/);
    assert.ok(
      draft.metrics['zeroedScore']! > 1 && draft.metrics['zeroedScore'] !== draft.metrics['intactScore'],
    );
    assert.match(Object.keys(columns(draft, /^Similar units/))[0] ?? '', /^blocks\.3\.mlp\.hidden\[/);
    const effects = draft.arrays['vocabularyEffect'];
    assert.ok(effects !== undefined);
    const values = toFloat64(effects.value);
    const tokens = draft.blocks.find(({ title }) => /^Tokens that what it writes/.test(title ?? ''));
    assert.ok(tokens?.type === 'table');
    assert.equal(tokens.rows[0]?.['effect'], Math.max(...values));
    assert.equal(tokens.rows.at(-1)?.['effect'], Math.min(...values));
    const byHand = await writtenByHand(5);
    assert.equal(values.length, byHand.length);
    for (const [token, effect] of byHand.entries()) assert.ok(Math.abs(effect - values[token]!) < 1e-6);
  });
});

/** What unit `unit` of the last feed-forward layer of `story-lm` adds to each score, from the stored weights alone. */
async function writtenByHand(unit: number): Promise<number[]> {
  const { graph } = await readModel(join(samplesDir, 'story-lm', 'story-lm.onnx'));
  const stored = async (name: string): Promise<Float64Array> =>
    toFloat64(await loadTensor(graph.initializers.get(name)!));
  const down = await stored('blocks.3.mlp.fc2.weight'); // [320, 80]
  const gain = await stored('norm.weight');
  const head = await stored('head.weight'); // [80, 1024]
  const row = down.slice(unit * 80, (unit + 1) * 80);
  const mean = meanOf([...row]);
  return Array.from({ length: 1024 }, (_, token) =>
    row.reduce((sum, value, i) => sum + (value - mean) * gain[i]! * head[i * 1024 + token]!, 0),
  );
}
