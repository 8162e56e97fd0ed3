import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import type { Model } from '../../../src/onnx/model.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import type { GradientCheckRow } from '../../../src/protocol/gradientCheck.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { checkGradients } from '../../../src/engine/gradients/checkGradients.js';
import { differentiate } from '../../../src/engine/gradients/differentiate.js';
import type { GradientRule } from '../../../src/engine/gradients/gradientRule.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { conditionalModel } from '../../support/controlFlowModels.js';
import { denseModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { maxDifference, openOracle, type Oracle, oracleFixturesDir } from '../../support/oracle.js';
import { feedsFor } from '../../support/modelFeeds.js';
import { itWithShared } from '../../support/paths.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });

function check(model: Model, rules: readonly GradientRule[] = []): ReturnType<typeof checkGradients> {
  return checkGradients(model, runtime, {
    feeds: feedsFor(model, { size: 12 }),
    seed: 1,
    nodesPerOperator: 2,
    rules,
  });
}

function rowOf(rows: readonly GradientCheckRow[], operator: string): GradientCheckRow {
  const row = rows.find((candidate) => candidate.operator === operator);
  assert.ok(row, `a row for ${operator}`);
  return row;
}

/** The reference's `gradient`: d logit_target / d x. */
async function assertOracleGradient(oracle: Oracle, path = oracle.modelPath): Promise<void> {
  const model = convertToOpset17(await readModel(path));
  const builder = new GraphBuilder(model);
  const [input] = model.graph.inputs;
  const [output] = model.graph.outputs;
  assert.ok(input && output);
  const types = inferTypes(model);
  const logits = types.get(output.name);
  assert.ok(logits?.kind === 'tensor');
  const x = oracle.tensor('x');
  const rows = x.dims[0]!;
  const classCount = Number(logits.shape?.[1]);
  const oneHot = new Float32Array(rows * classCount);
  toFloat64(oracle.tensor('target')).forEach((target, row) => (oneHot[row * classCount + target] = 1));
  const cotangent = builder.addInput('cotangent', floatType('N', classCount));
  const seeds = [{ value: output.name, cotangent }];
  const { model: both, gradients } = differentiate(builder.build(), { seeds, wrt: [input.name], types });
  const name = gradients.get(input.name)!;
  const last = new GraphBuilder(both);
  last.setOutputs([name]);
  const session = await runtime.open(last.build());
  const seed: TensorValue = { dtype: 'float32', dims: [rows, classCount], data: oneHot };
  const results = await session.run({ [input.name]: x, cotangent: seed });
  const difference = maxDifference(results[name]!, oracle.tensor('gradient'));
  assert.ok(difference <= oracle.tolerance('gradient'), `off by ${difference}`);
}

describe('gradients of whole models', () => {
  for (const network of ['lenet', 'mlp']) {
    it(`equal those of the reference network ${network}`, () =>
      assertOracleGradient(openOracle(oracleFixturesDir, network)));
  }

  itWithShared('equal those of the reference transformer at opsets 13 and 17', async (shared) => {
    const oracle = openOracle(join(shared, 'oracle'), 'transformer');
    for (const opset of [13, 17]) {
      await assertOracleGradient(oracle, join(shared, 'oracle', `transformer_emb_op${opset}.onnx`));
    }
  });
});

describe('checkGradients', () => {
  it('checks an If with what its branches capture', async () => {
    const random = createRandom(4);
    const feeds = {
      x: normalTensor(random, [2, 3]),
      w: normalTensor(random, [3, 3]),
      b: normalTensor(random, [3]),
      flag: { dtype: 'bool', dims: [], data: Uint8Array.of(1) },
    } as const;
    const { rows } = await checkGradients(conditionalModel('float32'), runtime, { feeds, seed: 1 });
    const row = rowOf(rows, 'If');
    assert.equal(row.status, 'passed', row.note);
    assert.equal(rowOf(rows, '(whole model)').status, 'passed');
  });

  it('passes a network whose rules are right, with a row per operator and one for the whole', async () => {
    const table = await check(denseModel([5, 7, 6, 3], 'Tanh'));
    assert.equal(table.isPassed, true);
    assert.deepEqual(
      table.rows.map((row) => [row.operator, row.nodeCount, row.status]),
      [
        ['Gemm', 3, 'passed'],
        ['Tanh', 2, 'passed'],
        ['(whole model)', 5, 'passed'],
      ],
    );
  });

  it('fails the operator whose rule is wrong, and the whole model', async () => {
    const wrong: GradientRule = {
      opType: 'Tanh',
      domain: '',
      opsets: [13, 26],
      // 1 − y instead of 1 − y²
      backward({ node, builder, outputCotangents: [g = ''] }) {
        const slope = builder.node('Sub', [builder.scalar(1), node.outputs[0]!]);
        return [builder.node('Mul', [g, slope])];
      },
    };
    const table = await check(denseModel([5, 7, 6, 3], 'Tanh'), [wrong]);
    assert.equal(table.isPassed, false);
    assert.equal(rowOf(table.rows, 'Tanh').status, 'failed');
    assert.equal(rowOf(table.rows, 'Gemm').status, 'passed');
    assert.equal(rowOf(table.rows, '(whole model)').status, 'failed');
  });

  it('notices a slope that is wrong by a twentieth', async () => {
    const slack: GradientRule = {
      opType: 'Relu',
      domain: '',
      opsets: [13, 26],
      backward({ node, builder, outputCotangents: [g = ''] }) {
        const isOn = builder.node('Greater', [node.outputs[0]!, builder.scalar(0)]);
        const inflated = builder.node('Mul', [g, builder.scalar(1.05)]);
        return [builder.node('Where', [isOn, inflated, builder.scalar(0)])];
      },
    };
    const table = await check(denseModel([5, 16, 3]), [slack]);
    assert.equal(rowOf(table.rows, 'Relu').status, 'failed');
  });

  it('tells facts, missing rules and gaps apart', async () => {
    const builder = new GraphBuilder(denseModel([5, 4, 3]));
    builder.node('ArgMax', ['logits'], { outputs: ['class'], attributes: { axis: 1 } });
    builder.node('Bernoulli', ['logits'], { outputs: ['unread'] });
    builder.addInput('matrices', floatType(1, 3, 3));
    builder.node('Inverse', ['matrices'], { domain: 'com.microsoft', outputs: ['inverse'] });
    builder.addOutput('class');
    builder.addOutput('inverse');
    const { rows, isPassed, warnings } = await check(builder.build());
    assert.match(rowOf(rows, 'ArgMax').note, /index/);
    assert.equal(rowOf(rows, 'ArgMax').status, 'no-gradient');
    assert.equal(rowOf(rows, 'com.microsoft:Inverse').status, 'no-rule');
    assert.equal(isPassed, true);
    assert.match(warnings.join(), /com.microsoft:Inverse/);
  });

  it('passes the committed convolutional network', async () => {
    const table = await check(await readModel(openOracle(oracleFixturesDir, 'lenet').modelPath));
    assert.deepEqual(
      table.rows.filter((row) => row.status !== 'passed'),
      [],
    );
  });
});
