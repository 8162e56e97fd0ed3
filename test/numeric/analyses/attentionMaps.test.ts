import assert from 'node:assert/strict';
import { join } from 'node:path';
import { attentionFlow } from '../../../src/analyses/representation/attention/flow.js';
import { attentionMaps } from '../../../src/analyses/representation/attention-maps.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { type AttentionForm, selfAttention } from '../../support/fusedAttention.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { itWithShared, samplesDir } from '../../support/paths.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';
import { arrayOf } from '../../support/runAttribution.js';
import { isCode } from '../../support/tensors.js';

const random = createRandom(21);
const weights = { weight: normalTensor(random, [4, 12]), bias: normalTensor(random, [12]) };
const x = normalTensor(random, [3, 5, 4]);
const forms: readonly AttentionForm[] = ['plain', 'Attention', 'MultiHeadAttention', 'ai.onnx'];

/** softmax(Q Kᵀ / √2) of both heads of one row, in float64. */
function byHand(row: number): number[][][] {
  const project = (token: number, column: number): number => {
    let sum = Number(weights.bias.data[column]);
    for (let i = 0; i < 4; i++) {
      sum += Number(x.data[(row * 5 + token) * 4 + i]) * Number(weights.weight.data[12 * i + column]);
    }
    return sum;
  };
  return [0, 1].map((head) =>
    [0, 1, 2, 3, 4].map((query) => {
      const scores = [0, 1, 2, 3, 4].map((key) =>
        [0, 1].reduce(
          (sum, i) => sum + (project(query, 2 * head + i) * project(key, 4 + 2 * head + i)) / Math.SQRT2,
          0,
        ),
      );
      const powers = scores.map((score) => Math.exp(score));
      const total = powers.reduce((a, b) => a + b, 0);
      return powers.map((power) => power / total);
    }),
  );
}

function kindsOf(draft: ReportDraft): string[] {
  const table = draft.blocks.find((block) => block.type === 'table' && block.title === 'What attends');
  assert(table?.type === 'table');
  return table.rows.map((row) => String(row['kind']));
}

describe('attention maps', function () {
  this.timeout(60_000);

  for (const form of forms) {
    itHolds(207, `are the softmax by hand and sum to 1, read from ${form}`, async () => {
      const draft = await runAnalysisOn(
        attentionMaps,
        { model: selfAttention(form, weights), feeds: { x } },
        { shown: 3 },
      );
      const [name] = Object.keys(draft.arrays).filter((key) => key.endsWith('.attention'));
      const maps = arrayOf(draft, name ?? '');
      assert.deepEqual(maps.dims, [3, 2, 5, 5]);
      const expected = [0, 1, 2].flatMap((row) => byHand(row).flat(2));
      // Float32 dot products of a few numbers of size 1.
      const error = Math.max(...expected.map((weight, i) => Math.abs(weight - Number(maps.data[i]))));
      assert.ok(error < 1e-5, String(error));
      assert.ok((draft.metrics['maxSumError'] ?? 1) < 1e-6);
      const entropies = toFloat64(arrayOf(draft, `${name?.slice(0, -'.attention'.length) ?? ''}.entropy`));
      for (const head of [0, 1]) {
        const lines = [0, 1, 2].flatMap((row) => byHand(row)[head] ?? []);
        const all = lines.map((line) => -line.reduce((sum, p) => sum + p * Math.log(p), 0));
        const mean = all.reduce((a, b) => a + b, 0) / all.length;
        assert.ok(Math.abs(mean - (entropies[head] ?? NaN)) < 1e-5);
      }
      assert.deepEqual(kindsOf(draft), ['self-attention · soft · global · 2 heads']);
    });
  }

  it('follow one layer by halves of attention and identity, and flow is the same there', async () => {
    const draft = await runAnalysisOn(
      attentionMaps,
      { model: selfAttention('plain', weights), feeds: { x } },
      { shown: 1 },
    );
    const rollout = toFloat64(arrayOf(draft, 'rollout'));
    const flow = toFloat64(arrayOf(draft, 'flow'));
    const heads = byHand(0);
    for (let query = 0; query < 5; query++) {
      for (let key = 0; key < 5; key++) {
        const mean = ((heads[0]?.[query]?.[key] ?? 0) + (heads[1]?.[query]?.[key] ?? 0)) / 2;
        const expected = (mean + (query === key ? 1 : 0)) / 2;
        assert.ok(Math.abs(expected - (rollout[query * 5 + key] ?? NaN)) < 1e-5);
        if (query === 4) assert.ok(Math.abs(expected - (flow[key] ?? NaN)) < 1e-5);
      }
    }
  });

  it('flow through two layers as the narrower edge of each way, summed', () => {
    const seeded = createRandom(5);
    const matrix = (): Float64Array => Float64Array.from({ length: 16 }, () => seeded.next());
    const layers = [matrix(), matrix()];
    for (let query = 0; query < 4; query++) {
      const flow = attentionFlow(layers, 4, query);
      for (let token = 0; token < 4; token++) {
        let expected = 0;
        for (let middle = 0; middle < 4; middle++) {
          expected += Math.min(layers[1]?.[query * 4 + middle] ?? 0, layers[0]?.[middle * 4 + token] ?? 0);
        }
        assert.ok(Math.abs(expected - (flow[token] ?? NaN)) < 1e-9);
      }
    }
  });

  it('leave out queries at padding', async () => {
    const model = selfAttention('plain', weights);
    const builder = new GraphBuilder(model);
    const mask = builder.addInput('attention_mask', {
      kind: 'tensor',
      elementType: 'int64',
      shape: ['N', 'T'],
    });
    builder.addOutput(builder.node('Identity', [mask]));
    const rows = normalTensor(random, [2, 3, 4]);
    const run = (flags: readonly number[]): Promise<ReportDraft> =>
      runAnalysisOn(attentionMaps, {
        model: builder.build(),
        feeds: { x: rows, attention_mask: int64Tensor(flags, [2, 3]) },
      });
    const all = (await run([1, 1, 1, 1, 1, 1])).metrics['meanEntropy'] ?? NaN;
    const some = await run([1, 0, 0, 1, 1, 1]);
    assert.notEqual(some.metrics['meanEntropy'], all);
    // Rollout and flow ask about the last token that is there.
    const titles = some.blocks.flatMap((block) => (block.type === 'tokens' ? [block.title ?? ''] : []));
    assert.deepEqual(
      titles.filter((title) => title.startsWith('Rollout')),
      ['Rollout to token 0, row 0', 'Rollout to token 2, row 1'],
    );
  });

  it('are refused where nothing attends and where there are no rows', async () => {
    const dense = { model: denseModel([4, 3]), feeds: { x: normalTensor(random, [2, 4]) } };
    await assert.rejects(runAnalysisOn(attentionMaps, dense), isCode('no-attention'));
    const empty = { model: selfAttention('plain', weights), feeds: { x: normalTensor(random, [0, 5, 4]) } };
    await assert.rejects(runAnalysisOn(attentionMaps, empty), isCode('no-rows'));
  });
});

/** One layer over `x` [N, 12, 4] without projections; what is done to the scores, and who is asked. */
function plantedAttention(kind: 'cross' | 'hard' | 'local'): Model {
  const builder = new GraphBuilder(emptyModel());
  const tokens = builder.addInput('x', floatType('N', 12, 4));
  const memory = kind === 'cross' ? builder.addInput('memory', floatType('N', 7, 4)) : tokens;
  const turned = builder.node('Transpose', [memory], { attributes: { perm: [0, 2, 1] } });
  let scores = builder.node('MatMul', [tokens, turned]);
  if (kind === 'local') {
    // A band of one key to either side.
    const band = Array.from({ length: 144 }, (_, i) =>
      Math.abs((i % 12) - Math.floor(i / 12)) <= 1 ? 0 : -1e9,
    );
    scores = builder.node('Add', [scores, builder.constant(float32Tensor(band, [12, 12]), 'band')]);
  }
  const opType = kind === 'hard' ? 'Hardmax' : 'Softmax';
  builder.addOutput(
    builder.node('MatMul', [builder.node(opType, [scores], { attributes: { axis: -1 } }), memory]),
  );
  return builder.build();
}

const tokensOf = (count: number): Feeds['x'] =>
  int64Tensor(
    Array.from({ length: count }, (_, token) => 1 + (token % 40)),
    [1, count],
  );

/** Models of five exporters, what feeds them, and the label of all of their attention. */
const named: readonly { path: string; exporter: string; feeds: Feeds; label: string }[] = [
  ...['13', '17'].flatMap((opset) => [
    {
      path: `oracle/transformer_tok_op${opset}.onnx`,
      exporter: 'pytorch',
      feeds: { ids: tokensOf(12) },
      label: 'self-attention · soft · global · 4 heads',
    },
    {
      path: `oracle/transformer_emb_op${opset}.onnx`,
      exporter: 'pytorch',
      feeds: { x: normalTensor(random, [1, 12, 32]) },
      label: 'self-attention · soft · global · 4 heads',
    },
  ]),
  ...['model', 'stories260K_ext'].map((file) => ({
    path: `models/stories260k/${file}.onnx`,
    exporter: 'converted-from-llama2.c',
    feeds: { input_ids: tokensOf(9) },
    label: 'self-attention · soft · global · causal · 8 heads',
  })),
  {
    path: 'models/verification/mnist_selfattn.onnx',
    exporter: 'tf2onnx',
    feeds: { input_1: normalTensor(random, [1, 28, 28, 1]) },
    label: 'self-attention · soft · global · 3 heads',
  },
];

describe('the labels of attention', function () {
  this.timeout(60_000);

  const labelsOf = async (model: Model, feeds: Feeds): Promise<Set<string>> =>
    // The runner gives models of a fixed batch theirs.
    new Set(kindsOf(await runAnalysisOn(attentionMaps, { model, feeds }, {}, { batchSize: 1 })));

  itHolds(207, 'are right on models of this repository, fused ones and planted ones', async () => {
    const [cross, hard, local] = (['cross', 'hard', 'local'] as const).map(plantedAttention);
    const rows = { x: normalTensor(random, [2, 12, 4]) };
    const memory = normalTensor(random, [2, 7, 4]);
    const sample = (name: string): Promise<Model> => readModel(join(samplesDir, name, `${name}.onnx`));
    const expected: readonly (readonly [Model | undefined, Feeds, string])[] = [
      [
        await sample('story-lm'),
        { tokens: tokensOf(9) },
        'self-attention · soft · global · causal · 4 heads',
      ],
      [
        await sample('modular-addition'),
        { tokens: tokensOf(3) },
        'self-attention · soft · global · causal · 4 heads',
      ],
      ...forms.map((form) => {
        return [selfAttention(form, weights), { x }, 'self-attention · soft · global · 2 heads'] as const;
      }),
      [cross, { ...rows, memory }, 'cross-attention · soft · global · 1 head'],
      [hard, rows, 'self-attention · hard · global · 1 head'],
      [local, rows, 'self-attention · soft · local (3 keys) · 1 head'],
    ];
    for (const [model, feeds, label] of expected) {
      assert.ok(model !== undefined);
      assert.deepEqual(await labelsOf(model, feeds), new Set([label]));
    }
  });

  itWithShared('are right on models of PyTorch, Keras and a converter', async (shared) => {
    for (const { path, exporter, feeds, label } of named) {
      const model = await readModel(join(shared, path));
      assert.equal(model.producerName, exporter);
      assert.deepEqual(await labelsOf(model, feeds), new Set([label]), path);
    }
  });
});
