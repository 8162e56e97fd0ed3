import assert from 'node:assert/strict';
import { join } from 'node:path';
import { takeRows } from '../../../src/analyses/shared/tensorRows.js';
import { trainingInfluence } from '../../../src/analyses/prediction/training-influence.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { createRandom } from '../../../src/base/random.js';
import { writeNpz } from '../../../src/data/npz.js';
import { loadTensor } from '../../../src/onnx/loadTensor.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { maxDifference, openOracle } from '../../support/oracle.js';
import { itWithShared } from '../../support/paths.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';
import { arrayOf } from '../../support/runAttribution.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { influenceKeys } from './attributionKeys.js';

/** Central differences in float64 lose about 1e-10 of the slope; float32 of the runtime is the rest. */
const relativeTolerance = 2e-5;

describe('training-influence', () => {
  const folder = useTemporaryFolder();

  itWithShared(
    'reproduces TracIn of all weights and of the last layer over three checkpoints',
    async (shared) => {
      const oracle = openOracle(join(shared, 'oracle'), 'mlp');
      const training = join(folder(), 'training.npz');
      const thirds = Array.from({ length: 60 }, (_, i) => 3 * i);
      await writeNpz(training, {
        x: takeRows(oracle.tensor('train_x'), thirds),
        labels: takeRows(oracle.tensor('train_y'), thirds),
      });
      const model = convertToOpset17(await readModel(oracle.modelPath));
      const labels = [...toFloat64(oracle.tensor('label'))];
      for (const { key, settings } of influenceKeys) {
        const draft = await runAnalysisOn(
          trainingInfluence,
          { model, feeds: { x: oracle.tensor('x') } },
          {
            ...settings,
            training,
            checkpoints: join(shared, 'oracle', 'mlp_ckpt*.onnx'),
            rows: '0,1,2,3,4,5,6,7',
            selfInfluence: false,
          },
          { labels },
        );
        const difference = maxDifference(arrayOf(draft, 'influence'), oracle.tensor(key));
        assert.ok(difference <= oracle.tolerance(key), `${key}: ${String(difference)}`);
      }
    },
  );

  describe('on two checkpoints of a small network', () => {
    const x = normalTensor(createRandom(5), [9, 3]);
    const labels = [0, 1, 2, 1, 0, 2, 2, 1, 0];
    const models = [1, 2].map((seed) => denseModel([3, 4, 3], 'Tanh', seed));
    const rates = [0.5, 0.1];

    async function run(settings: Readonly<Record<string, unknown>>, batchSize = 4): Promise<ReportDraft> {
      for (const [index, model] of models.entries()) {
        await writeModel(model, join(folder(), `step-${String(index)}.onnx`));
      }
      return runAnalysisOn(
        trainingInfluence,
        { model: models[0]!, feeds: { x } },
        { checkpoints: folder(), learningRate: rates.join(), rows: '2,7', ...settings },
        { labels, batchSize },
      );
    }

    /** Σ η ⟨∇L(test), ∇L(training)⟩ and Σ η ‖∇L‖² from gradients of every row by central differences in float64. */
    async function byBruteForce(
      loss: (scores: readonly number[], label: number) => number,
      isWanted: (weight: string) => boolean,
    ): Promise<{ influence: Float64Array; self: Float64Array }> {
      const influence = new Float64Array(2 * 9);
      const self = new Float64Array(9);
      for (const [index, model] of models.entries()) {
        const gradients = await gradientsByDifferences(model, { x, labels, loss, isWanted });
        for (let j = 0; j < 9; j++) {
          self[j]! += rates[index]! * dot(gradients[j]!, gradients[j]!);
          for (const [i, row] of [2, 7].entries()) {
            influence[i * 9 + j]! += rates[index]! * dot(gradients[row]!, gradients[j]!);
          }
        }
      }
      return { influence, self };
    }

    it('equals brute force over gradients of every row, of all weights and of one layer', async () => {
      for (const [layers, isWanted] of [
        ['all', () => true],
        ['fc1', (name: string) => name.startsWith('fc1.')],
      ] as const) {
        const expected = await byBruteForce(crossEntropyOf, isWanted);
        const draft = await run({ layers });
        assertNear(arrayOf(draft, 'influence'), expected.influence);
        assertNear(arrayOf(draft, 'selfInfluence'), expected.self);
      }
    });

    it('equals brute force under a squared error', async () => {
      const loss = (scores: readonly number[], label: number): number =>
        scores.reduce((sum, score, c) => sum + (score - (c === label ? 1 : 0)) ** 2, 0);
      const expected = await byBruteForce(loss, () => true);
      assertNear(
        arrayOf(await run({ layers: 'all', loss: 'squared-error' }), 'influence'),
        expected.influence,
      );
    });

    it('does not depend on the batch size, and shows neither a row as its own proponent nor one as both', async () => {
      const [a, b] = [await run({ layers: 'all' }, 2), await run({ layers: 'all' }, 64)];
      assertNear(arrayOf(a, 'influence'), toFloat64(arrayOf(b, 'influence')));
      const table = a.blocks.find(
        (block) => block.type === 'table' && block.title === 'Proponents and opponents',
      );
      assert.ok(table?.type === 'table' && table.rows.length > 0);
      for (const { asked, training, side, influence } of table.rows) {
        assert.ok(!String(asked).startsWith(`${String(training)}:`));
        assert.equal(side, Number(influence) > 0 ? 'proponent' : 'opponent');
      }
    });
  });

  describe('on data with flipped labels', () => {
    const count = 60;
    const flipped = [4, 17, 23, 38, 51];
    let draft: ReportDraft;

    before(async () => {
      // Scores ±2·x₀ with |x₀| in 1 … 2: every clean row has a loss below log(1 + e⁻⁴).
      const random = createRandom(11);
      const data = Float32Array.from({ length: 2 * count }, (_, i) => {
        const sign = Math.floor(i / 2) % 2 === 0 ? 1 : -1;
        return i % 2 === 0 ? sign * (1 + random.next()) : random.normal();
      });
      const labels = Array.from({ length: count }, (_, row) => {
        const right = row % 2 === 0 ? 0 : 1;
        return flipped.includes(row) ? 1 - right : right;
      });
      const builder = new GraphBuilder(emptyModel());
      builder.addInput('x', floatType('N', 2));
      const weight = builder.constant(float32Tensor([2, -2, 0, 0], [2, 2]), 'fc.weight');
      builder.addOutput(builder.node('MatMul', ['x', weight], { outputs: ['logits'], name: '/fc/MatMul' }));
      draft = await runAnalysisOn(
        trainingInfluence,
        { model: builder.build(), feeds: { x: float32Tensor(data, [count, 2]) } },
        { rows: '0,4' },
        { labels },
      );
    });

    it('ranks the flipped rows first by self-influence, and the model disputes them', () => {
      const self = toFloat64(arrayOf(draft, 'selfInfluence'));
      const order = [...self.keys()].sort((a, b) => self[b]! - self[a]!);
      assert.deepEqual(
        order.slice(0, flipped.length).sort((a, b) => a - b),
        flipped,
      );
      // The tenth are six rows: the five, and one that is right.
      assert.equal(draft.metrics['disputedShare'], flipped.length / 6);
      assert.match(draft.findings[0]?.message ?? '', /5 of the training rows/);
    });

    it('finds flipped rows among the opponents of a clean row of the class they lack', () => {
      // Row 0 is of class 0 and so are flipped rows of even number; their label says 1.
      const influence = toFloat64(arrayOf(draft, 'influence')).subarray(0, count);
      const worst = [...influence.keys()]
        .sort((a, b) => influence[a]! - influence[b]!)
        .slice(0, flipped.length);
      assert.deepEqual(
        worst.sort((a, b) => a - b),
        flipped,
      );
    });
  });

  it('says which label the model has no class for, and which layers there are', async () => {
    const subject = { model: denseModel([3, 3]), feeds: { x: normalTensor(createRandom(1), [2, 3]) } };
    await assert.rejects(runAnalysisOn(trainingInfluence, subject, {}, { labels: [0, 7] }), {
      code: 'label-out-of-range',
    });
    await assert.rejects(runAnalysisOn(trainingInfluence, subject, { layers: 'fc9' }, { labels: [0, 1] }), {
      code: 'unknown-layer',
      message: /fc1/,
    });
    await assert.rejects(
      runAnalysisOn(trainingInfluence, subject, { learningRate: '1,2' }, { labels: [0, 1] }),
      {
        code: 'bad-setting',
      },
    );
  });
});

function crossEntropyOf(scores: readonly number[], label: number): number {
  return Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0)) - (scores[label] ?? NaN);
}

async function gradientsByDifferences(
  model: Model,
  at: {
    readonly x: TensorValue;
    readonly labels: readonly number[];
    readonly loss: (scores: readonly number[], label: number) => number;
    readonly isWanted: (weight: string) => boolean;
  },
): Promise<Float64Array[]> {
  const weights = new Map<string, Float64Array>();
  for (const [name, tensor] of model.graph.initializers) {
    weights.set(name, toFloat64(await loadTensor(tensor)));
  }
  const inputs = toFloat64(at.x);
  const lossOf = (row: number): number => {
    const hidden = dense(inputs.subarray(3 * row, 3 * row + 3), weights, 'fc1').map(Math.tanh);
    return at.loss(dense(hidden, weights, 'fc2'), at.labels[row]!);
  };
  const step = 1e-5;
  return at.labels.map((_, row) =>
    Float64Array.from(
      [...weights].flatMap(([name, values]) =>
        at.isWanted(name)
          ? [...values.keys()].map((i) => {
              const own = values[i]!;
              values[i] = own + step;
              const above = lossOf(row);
              values[i] = own - step;
              const below = lossOf(row);
              values[i] = own;
              return (above - below) / (2 * step);
            })
          : [],
      ),
    ),
  );
}

/** x · W + b, W of shape [inputs, outputs]. */
function dense(x: ArrayLike<number>, weights: ReadonlyMap<string, Float64Array>, layer: string): number[] {
  const [weight, bias] = [weights.get(`${layer}.weight`)!, weights.get(`${layer}.bias`)!];
  return [...bias].map((b, unit) =>
    Array.from(x).reduce((sum, value, i) => sum + value * weight[i * bias.length + unit]!, b),
  );
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function assertNear(actual: TensorValue, expected: Float64Array): void {
  const values = toFloat64(actual);
  const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  assert.equal(values.length, expected.length);
  for (const [i, value] of values.entries()) {
    assert.ok(
      Math.abs(value - expected[i]!) <= relativeTolerance * scale,
      `${String(i)}: ${String(value)} ${String(expected[i])}`,
    );
  }
}
