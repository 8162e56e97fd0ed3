import assert from 'node:assert/strict';
import { methods } from '../../../src/analyses/prediction/attribution/methods/methods.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRandom } from '../../../src/base/random.js';
import type { Model, ValueType } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { assertClose, elementwise, isCode, linearModel, rowSums, sum } from '../../support/tensors.js';

// Float32 sums of some ten terms of order one: relative rounding 1e-7 each.
const rounding = 2e-6;
const methodNames = ['gradient', 'input-x-gradient', 'integrated-gradients', 'occlusion'] as const;

describe('attribution', function () {
  this.timeout(30_000);
  const random = createRandom(11);
  const weight = normalTensor(random, [5, 3]);
  const x = normalTensor(random, [4, 5]);
  const w = (feature: number, target: number): number => weight.data[feature * 3 + target] as number;

  describe('of a linear model', () => {
    const linear = linearModel(weight);
    const expected: Readonly<Record<string, (xi: number, wi: number) => number>> = {
      gradient: (_xi, wi) => wi,
      'input-x-gradient': (xi, wi) => xi * wi,
      'integrated-gradients': (xi, wi) => (xi - 0.25) * wi,
      occlusion: (xi, wi) => (xi - 0.25) * wi,
    };
    for (const method of methodNames) {
      it(`is what algebra says for ${method}`, async () => {
        const baseline = methods[method].usesBaseline ? { baseline: '0.25' } : {};
        const draft = await runAttribution(linear, { x }, { method, target: '1', ...baseline });
        assertClose(
          arrayOf(draft, 'attribution'),
          elementwise(x, (xi, i) => expected[method]!(xi, w(i % 5, 1))),
          rounding,
        );
      });
    }

    for (const quadrature of ['gauss-legendre', 'left', 'right', 'middle', 'trapezoid']) {
      it(`is exact along the path with quadrature ${quadrature}`, async () => {
        const draft = await runAttribution(linear, { x }, { target: '2', quadrature, steps: 10 });
        // The trapezoid's weights sum to (n − 1)/n.
        const factor = quadrature === 'trapezoid' ? 0.9 : 1;
        assertClose(
          arrayOf(draft, 'attribution'),
          elementwise(x, (xi, i) => factor * xi * w(i % 5, 2)),
          rounding,
        );
      });
    }

    it('explains the predicted class of each row by default', async () => {
      const draft = await runAttribution(linear, { x }, { method: 'gradient' });
      const scores = toFloat64(arrayOf(draft, 'attribution'));
      for (let row = 0; row < 4; row++) {
        const logits = [0, 1, 2].map((c) => sum(5, (i) => (x.data[row * 5 + i] as number) * w(i, c)));
        const best = logits.indexOf(Math.max(...logits));
        for (let i = 0; i < 5; i++) assert.ok(Math.abs(scores[row * 5 + i]! - w(i, best)) < rounding);
        assert.ok(Math.abs(toFloat64(arrayOf(draft, 'output'))[row]! - logits[best]!) < rounding);
      }
    });
  });

  describe('of a smooth network', () => {
    const model = denseModel([6, 16, 8, 3], 'Tanh', 5);
    const input = normalTensor(createRandom(3), [5, 6]);

    it('adds up to f(x) − f(baseline) for integrated gradients', async () => {
      const draft = await runAttribution(model, { x: input }, { baseline: '-0.5' });
      const difference = elementwise(
        arrayOf(draft, 'output'),
        (value, i) => value - toFloat64(arrayOf(draft, 'baselineOutput'))[i]!,
      );
      const totals = rowSums(arrayOf(draft, 'attribution'));
      // Gauss–Legendre with 50 points is at rounding level for an analytic function.
      assertClose(totals, difference, 1e-5);
      assertClose(
        arrayOf(draft, 'completenessError'),
        elementwise(totals, (value, i) => value - toFloat64(difference)[i]!),
        1e-5,
      );
      assert.ok(draft.metrics['maxCompletenessError']! < 1e-5);
    });

    it('converges like 1/n² with the middle rule and like 1/n with left and right', async () => {
      const worst = async (quadrature: string, steps: number): Promise<number> =>
        (await runAttribution(model, { x: input }, { quadrature, steps })).metrics['maxCompletenessError']!;
      for (const [quadrature, order] of [
        ['middle', 2],
        ['left', 1],
        ['right', 1],
      ] as const) {
        const ratio = (await worst(quadrature, 8)) / (await worst(quadrature, 32));
        // Four times the steps: 4 or 16 in the limit.
        assert.ok(ratio > 4 ** order * 0.7 && ratio < 4 ** order * 1.4, `${quadrature}: ${ratio}`);
      }
    });

    it('does not depend on the batch size', async () => {
      for (const method of methodNames) {
        const reference = arrayOf(
          await runAttribution(model, { x: input }, { method }, { batchSize: 64 }),
          'attribution',
        );
        for (const batchSize of [1, 7]) {
          const again = arrayOf(
            await runAttribution(model, { x: input }, { method }, { batchSize }),
            'attribution',
          );
          assertClose(again, reference, 1e-5);
        }
      }
    });

    it('gives the same for a model with a fixed batch, whose last batch is filled up', async () => {
      const fixed = withInputType(model, floatType(2, 6));
      const reference = await runAttribution(model, { x: input });
      const draft = await runAttribution(fixed, { x: input });
      assertClose(arrayOf(draft, 'attribution'), arrayOf(reference, 'attribution'), 1e-5);
    });

    it('shares a hidden layer out completely, in the layer’s space and along the input’s path', async () => {
      for (const path of ['layer', 'input']) {
        const draft = await runAttribution(model, { x: input }, { layer: 'fc2', path, steps: 200 });
        assert.deepEqual(arrayOf(draft, 'attribution').dims, [5, 8]);
        // The difference form of conductance is a left Riemann sum, first order in the spacing of the points.
        assert.ok(draft.metrics['maxCompletenessError']! < (path === 'layer' ? 1e-5 : 0.1), path);
      }
    });

    it('explains a neuron whose conductances over all units add up to integrated gradients', async () => {
      const whole = toFloat64(
        arrayOf(await runAttribution(model, { x: input }, { target: '0' }), 'attribution'),
      );
      const parts = new Float64Array(whole.length);
      for (let unit = 0; unit < 8; unit++) {
        const draft = await runAttribution(model, { x: input }, { target: '0', through: `fc2[${unit}]` });
        for (const [i, value] of toFloat64(arrayOf(draft, 'attribution')).entries()) parts[i]! += value;
      }
      for (const [i, value] of whole.entries()) assert.ok(Math.abs(parts[i]! - value) < 1e-5);
      const neuron = await runAttribution(model, { x: input }, { neuron: 'fc2[3]' });
      assert.ok(neuron.metrics['maxCompletenessError']! < 1e-5);
    });
  });

  describe('of outputs with positions', () => {
    const perToken = normalTensor(createRandom(8), [4, 3]);
    const tokens = normalTensor(createRandom(9), [2, 6, 4]);

    it('explains the last unmasked token of [N, T, C] and nothing else', async () => {
      const builder = new GraphBuilder(emptyModel());
      const input = builder.addInput('x', floatType('N', 'T', 4));
      const mask = builder.addInput('attention_mask', {
        kind: 'tensor',
        elementType: 'int64',
        shape: ['N', 'T'],
      });
      const masked = builder.node('Mul', [
        input,
        builder.cast(builder.node('Unsqueeze', [mask, builder.int64s([2])]), 1),
      ]);
      builder.addOutput(builder.node('MatMul', [masked, builder.constant(perToken)]));
      const feeds = { x: tokens, attention_mask: int64Tensor([1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1], [2, 6]) };
      const draft = await runAttribution(builder.build(), feeds, { method: 'gradient', target: '2' });
      const expected = elementwise(tokens, (_value, i) => {
        const token = Math.floor(i / 4) % 6;
        return token === (i < 24 ? 3 : 5) ? (perToken.data[(i % 4) * 3 + 2] as number) : 0;
      });
      assertClose(arrayOf(draft, 'attribution'), expected, rounding);
    });

    it('explains one place of [N, C, H, W], where a position must be given', async () => {
      const builder = new GraphBuilder(emptyModel());
      const input = builder.addInput('x', floatType('N', 2, 5, 4));
      const kernel = builder.constant(float32Tensor([1, 2, 3, 4, 5, 6], [3, 2, 1, 1]));
      builder.addOutput(builder.node('Conv', [input, kernel]));
      const image = normalTensor(createRandom(1), [1, 2, 5, 4]);
      const settings = { method: 'gradient', target: '1' };
      await assert.rejects(
        runAttribution(builder.build(), { x: image }, settings),
        isCode('position-missing'),
      );
      const draft = await runAttribution(builder.build(), { x: image }, { ...settings, position: '2,-1' });
      const expected = elementwise(image, (_value, i) => (i % 20 === 2 * 4 + 3 ? (i < 20 ? 3 : 4) : 0));
      assertClose(arrayOf(draft, 'attribution'), expected, rounding);
    });
  });

  describe('of several and of integer inputs', () => {
    it('names one array per input', async () => {
      const builder = new GraphBuilder(emptyModel());
      const a = builder.addInput('a', floatType('N', 5));
      const b = builder.addInput('b', floatType('N', 2));
      const second = normalTensor(createRandom(4), [2, 3]);
      const left = builder.node('MatMul', [a, builder.constant(weight)]);
      builder.addOutput(builder.node('Add', [left, builder.node('MatMul', [b, builder.constant(second)])]));
      const feeds = { a: x, b: normalTensor(createRandom(5), [4, 2]) };
      for (const method of ['integrated-gradients', 'occlusion']) {
        const draft = await runAttribution(builder.build(), feeds, { method, target: '0' });
        assertClose(
          arrayOf(draft, 'attribution.a'),
          elementwise(x, (xi, i) => xi * w(i % 5, 0)),
          rounding,
        );
        assertClose(
          arrayOf(draft, 'attribution.b'),
          elementwise(feeds.b, (bi, i) => bi * (second.data[(i % 2) * 3] as number)),
          rounding,
        );
      }
    });

    it('explains bytes at one-hot vectors written as a comparison, and holds a mask', async () => {
      const builder = new GraphBuilder(emptyModel());
      const ids = builder.addInput('bytes', { kind: 'tensor', elementType: 'int32', shape: ['N', 'T'] });
      const mask = builder.addInput('mask', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
      const codes = builder.constant({
        dtype: 'int32',
        dims: [1, 1, 5],
        data: Int32Array.from([0, 1, 2, 3, 4]),
      });
      const wide = builder.node('Unsqueeze', [ids, builder.int64s([2])]);
      const oneHot = builder.cast(builder.node('Equal', [wide, codes]), 1);
      const kept = builder.node('Mul', [
        oneHot,
        builder.cast(builder.node('Unsqueeze', [mask, builder.int64s([2])]), 1),
      ]);
      const mean = builder.reduce('ReduceMean', kept, [1], false);
      builder.addOutput(builder.node('MatMul', [mean, builder.constant(weight)]));
      const feeds = {
        bytes: { dtype: 'int32' as const, dims: [1, 4], data: Int32Array.from([4, 0, 2, 2]) },
        mask: int64Tensor([1, 1, 1, 0], [1, 4]),
      };
      const draft = await runAttribution(builder.build(), feeds, { target: '1' });
      const expected = [4, 0, 2, 2].flatMap((byte, token) =>
        [0, 1, 2, 3, 4].map((code) => (code === byte && token < 3 ? w(code, 1) / 4 : 0)),
      );
      assertClose(arrayOf(draft, 'attribution'), float32Tensor(expected, [1, 4, 5]), rounding);
      assert.ok(draft.warnings.some((warning) => warning.includes('Held') && warning.includes('mask')));
    });

    it('explains the tensor behind a ZipMap, passing over the class label that comes first', async () => {
      const builder = new GraphBuilder(emptyModel());
      const input = builder.addInput('x', floatType('N', 5));
      const scores = builder.node('MatMul', [input, builder.constant(weight)]);
      const label = builder.node('ArgMax', [scores], {
        attributes: { axis: 1, keepdims: 0 },
        outputs: ['label'],
      });
      const maps = builder.node('ZipMap', [scores], {
        domain: 'ai.onnx.ml',
        attributes: { classlabels_int64s: [0, 1, 2] },
        outputs: ['probabilities'],
      });
      builder.addOutput(label);
      builder.addOutput(maps);
      const built = builder.build();
      const model = { ...built, opsets: new Map([...built.opsets, ['ai.onnx.ml', 1]]) };
      const draft = await runAttribution(model, { x }, { method: 'occlusion', target: '2' });
      assertClose(
        arrayOf(draft, 'attribution'),
        elementwise(x, (xi, i) => xi * w(i % 5, 2)),
        rounding,
      );
      assert.match(draft.summary, /probabilities/);
      await assert.rejects(runAttribution(model, { x }, { output: 'label' }), isCode('output-not-float'));
    });

    it('explains token ids at their embedding', async () => {
      const table = normalTensor(createRandom(6), [7, 5]);
      const builder = new GraphBuilder(emptyModel());
      const ids = builder.addInput('ids', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
      const embedded = builder.node('Gather', [builder.constant(table, 'tok.weight'), ids]);
      const mean = builder.reduce('ReduceMean', embedded, [1], false);
      builder.addOutput(builder.node('MatMul', [mean, builder.constant(weight)]));
      const tokenIds = [3, 0, 6, 3, 1, 1];
      const feeds = { ids: int64Tensor(tokenIds, [2, 3]) };
      const expected = float32Tensor(
        tokenIds.flatMap((id) =>
          [0, 1, 2, 3, 4].map((d) => ((table.data[id * 5 + d] as number) * w(d, 2)) / 3),
        ),
        [2, 3, 5],
      );
      const draft = await runAttribution(builder.build(), feeds, { target: '2' });
      assertClose(arrayOf(draft, 'attribution'), expected, rounding);
      assert.ok(draft.blocks.some(({ type }) => type === 'tokens'));
      // One window per token covers its whole embedding: all of its elements share the drop.
      const hidden = await runAttribution(builder.build(), feeds, { target: '2', method: 'occlusion' });
      const drops = elementwise(expected, (_value, i) => {
        const first = Math.floor(i / 5) * 5;
        return sum(5, (d) => expected.data[first + d] as number);
      });
      assertClose(arrayOf(hidden, 'attribution'), drops, rounding);
    });
  });

  it('explains the logit before a final Softmax unless told to explain the output', async () => {
    const builder = new GraphBuilder(linearModel(weight));
    const [logits] = builder.build().graph.outputs;
    const softmax = builder.node('Softmax', [logits!.name]);
    builder.addOutput(softmax);
    builder.setOutputs([softmax]);
    const model = builder.build();
    const logit = await runAttribution(model, { x }, { method: 'gradient', target: '0' });
    assertClose(
      arrayOf(logit, 'attribution'),
      elementwise(x, (_xi, i) => w(i % 5, 0)),
      rounding,
    );
    assert.match(logit.summary, /before its Softmax/);
    const probability = await runAttribution(
      model,
      { x },
      { method: 'gradient', target: '0', explain: 'output' },
    );
    const expected = elementwise(x, (_xi, i) => {
      const row = Math.floor(i / 5);
      const exps = [0, 1, 2].map((c) => Math.exp(sum(5, (k) => (x.data[row * 5 + k] as number) * w(k, c))));
      const p = exps.map((e) => e / sum(3, (c) => exps[c]!));
      // ∂p₀/∂x = p₀ (w₀ − Σ_c p_c w_c)
      return p[0]! * (w(i % 5, 0) - sum(3, (c) => p[c]! * w(i % 5, c)));
    });
    assertClose(arrayOf(probability, 'attribution'), expected, rounding);
  });
});

function withInputType(model: Model, type: ValueType): Model {
  const inputs = model.graph.inputs.map((input) => ({ ...input, type }));
  const outputs = model.graph.outputs.map((output) => ({ ...output, type: { kind: 'unknown' } as const }));
  return { ...model, graph: { ...model.graph, inputs, outputs } };
}
