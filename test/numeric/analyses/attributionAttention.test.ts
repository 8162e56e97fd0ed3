import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { maxDifference, openOracle } from '../../support/oracle.js';
import { itWithShared } from '../../support/paths.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { isCode, sum } from '../../support/tensors.js';

const methodNames = ['attention-rollout', 'attention-gradient'];
const [tokens, width] = [3, 2];

describe('attention that is followed through layers', function () {
  this.timeout(60_000);
  const x = normalTensor(createRandom(81), [2, tokens, width]);
  const head = normalTensor(createRandom(82), [width, 1]);
  const value = (row: number, token: number, k: number): number =>
    x.data[(row * tokens + token) * width + k] as number;
  const attention = (row: number): number[][] =>
    [0, 1, 2].map((i) => {
      const exps = [0, 1, 2].map((j) => Math.exp(sum(width, (k) => value(row, i, k) * value(row, j, k))));
      return exps.map((e) => e / exps.reduce((a, b) => a + b));
    });

  it('is what algebra says of one layer: half of it attention, half the token itself', async () => {
    const draft = await runAttribution(attentionModel(head), { x }, { method: 'attention-rollout' });
    const matrix = toFloat64(arrayOf(draft, 'tokenRelevance'));
    const shown = toFloat64(arrayOf(draft, 'attribution'));
    for (let row = 0; row < 2; row++) {
      const a = attention(row);
      for (let j = 0; j < tokens; j++) {
        const column = [0, 1, 2].map((i) => 0.5 * a[i]![j]! + (i === j ? 0.5 : 0));
        for (const [i, expected] of column.entries()) {
          assert.ok(Math.abs(matrix[(row * tokens + i) * tokens + j]! - expected) < 1e-6);
        }
        assert.ok(Math.abs(shown[row * tokens + j]! - sum(tokens, (i) => column[i]! / tokens)) < 1e-6);
      }
    }
  });

  it('counts only attention that raises the explained value when weighted by its gradient', async () => {
    const settings = { method: 'attention-gradient', query: 1 };
    const draft = await runAttribution(attentionModel(head), { x }, settings);
    const shown = toFloat64(arrayOf(draft, 'attribution'));
    for (let row = 0; row < 2; row++) {
      const a = attention(row);
      for (let j = 0; j < tokens; j++) {
        // f = mean over tokens i of Σ_j A_ij (x_j · w): ∂f/∂A_ij = (x_j · w)/T.
        const slope = sum(width, (k) => value(row, j, k) * (head.data[k] as number)) / tokens;
        const expected = Math.max(0, a[1]![j]! * slope) + (j === 1 ? 1 : 0);
        assert.ok(Math.abs(shown[row * tokens + j]! - expected) < 1e-6);
      }
    }
  });

  it('refuses models without attention, and tokens that are not there', async () => {
    for (const method of methodNames) {
      const dense = { x: normalTensor(createRandom(1), [2, 4]) };
      await assert.rejects(runAttribution(denseModel([4, 3]), dense, { method }), isCode('no-attention'));
      const outside = { method, query: 3 };
      await assert.rejects(runAttribution(attentionModel(head), { x }, outside), isCode('wrong-query'));
    }
  });

  for (const file of ['transformer_emb_op13.onnx', 'transformer_emb_op17.onnx']) {
    itWithShared(`reproduces the reference on ${file}`, async (shared) => {
      const oracle = openOracle(join(shared, 'oracle'), 'transformer');
      const model = convertToOpset17(await readModel(join(shared, 'oracle', file)));
      const keys = { 'attention-rollout': 'attention_rollout', 'attention-gradient': 'chefer_relevance' };
      for (const [method, key] of Object.entries(keys)) {
        const draft = await runAttribution(model, { x: oracle.tensor('x') }, { method });
        const difference = maxDifference(arrayOf(draft, 'tokenRelevance'), oracle.tensor(key));
        assert.ok(difference <= oracle.tolerance(key), `${key}: ${difference}`);
      }
    });
  }
});

/** One layer of softmax(x·xᵀ)·x without projections; the mean over tokens times a weight. */
function attentionModel(head: ReturnType<typeof normalTensor>): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', tokens, width));
  const turned = builder.node('Transpose', [input], { attributes: { perm: [0, 2, 1] } });
  const probabilities = builder.node('Softmax', [builder.node('MatMul', [input, turned])]);
  const mixed = builder.node('MatMul', [probabilities, input]);
  const mean = builder.reduce('ReduceMean', mixed, [1], false);
  builder.addOutput(builder.node('MatMul', [mean, builder.constant(head, 'head.weight')]));
  return builder.build();
}
