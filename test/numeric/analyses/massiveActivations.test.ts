import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { massiveActivations } from '../../../src/analyses/health/massive-activations.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { writeModel } from '../../../src/onnx/writeModel.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runOn } from '../../support/runHealth.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const [tokenCount, width, rowCount] = [5, 8, 12];
const random = createRandom(5);
const x = normalTensor(random, [rowCount, tokenCount, width]);
const labels = Array.from({ length: rowCount }, (_, i) => i % 3);
const head = normalTensor(random, [width, 3], 0.5);

/** x + mlp(x) + a constant at token 1, channel 2, then the mean over tokens and three scores. */
function planted(size: number): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', tokenCount, width));
  const spike = new Float32Array(tokenCount * width);
  spike[width + 2] = size;
  const constant = builder.constant(float32Tensor(spike, [1, tokenCount, width]), 'spike');
  const stream = builder.node('Add', [input, constant], { name: '/embed/Add' });
  const weight = (name: string) =>
    builder.constant(normalTensor(createRandom(2), [width, width], 1e-4), name);
  const hidden = builder.node('MatMul', [stream, weight('block.fc1.weight')], { name: '/block/fc1/MatMul' });
  const act = builder.node('Relu', [hidden], { name: '/block/act/Relu' });
  const out = builder.node('MatMul', [act, weight('block.fc2.weight')], { name: '/block/fc2/MatMul' });
  const sum = builder.node('Add', [stream, out], { name: '/block/Add', outputs: ['stream'] });
  const mean = builder.reduce('ReduceMean', sum, [1], false);
  builder.node('MatMul', [mean, builder.constant(head, 'head.weight')], {
    name: '/head/MatMul',
    outputs: ['logits'],
  });
  builder.addOutput('logits', floatType('N', 3));
  return builder.build();
}

/** The loss by hand when entry (1, 2) of the stream is set to a number; what the MLP adds is below 1e-3 of it. */
function lossByHand(to: number): number {
  const [values, weight] = [toFloat64(x), toFloat64(head)];
  let loss = 0;
  for (let row = 0; row < rowCount; row++) {
    const scores = [0, 1, 2].map((c) => {
      let score = 0;
      for (let t = 0; t < tokenCount; t++) {
        for (let u = 0; u < width; u++) {
          const at = (row * tokenCount + t) * width + u;
          const value = t === 1 && u === 2 ? to : values[at]!;
          score += (value / tokenCount) * weight[u * 3 + c]!;
        }
      }
      return score;
    });
    const largest = Math.max(...scores);
    const total = scores.reduce((sum, score) => sum + Math.exp(score - largest), 0);
    loss += (Math.log(total) + largest - scores[labels[row]!]!) / rowCount;
  }
  return loss;
}

function run(model: Model, settings: Record<string, string> = {}): Promise<ReportDraft> {
  return runOn(massiveActivations, model, memoryDataset({ x }, labels), { settings });
}

describe('massive-activations', () => {
  const folder = useTemporaryFolder();

  itHolds(
    211,
    'finds a planted massive channel at its token in every sample, and the table of changes is the same on a rerun',
    async () => {
      const [draft, again] = [await run(planted(5000)), await run(planted(5000))];
      assert.equal(draft.metrics['massiveCount'], rowCount);
      const table = draft.blocks.find(
        (block) => block.type === 'table' && block.title === 'Massive activations',
      );
      assert(table?.type === 'table');
      assert.equal(table.rows.length, 1);
      assert.equal(table.rows[0]!['channel'], 2);
      assert.equal(table.rows[0]!['positions'], '@1');
      assert.equal(table.rows[0]!['samples'], rowCount);
      assert(Number(table.rows[0]!['variation']) < 0.01);
      const changes = (report: ReportDraft) =>
        report.blocks.find((block) => block.type === 'table' && / changed$/.test(block.title ?? ''));
      const changed = changes(draft);
      assert(changed?.type === 'table');
      assert.deepEqual(changed, changes(again));
      const losses = changed.rows.map((row) => Number(row['loss']));
      const mean = Number(table.rows[0]!['mean']);
      for (const [index, to] of [NaN, 0, mean].entries()) {
        if (index === 0) continue;
        assert(Math.abs(losses[index]! - lossByHand(to)) < 2e-2 * Math.max(1, losses[index]!), `${index}`);
      }
      // A constant is a bias: its mean does what it did, and 0 does not.
      assert(
        Math.abs(draft.metrics['zeroLossIncrease']!) > 50 * Math.abs(draft.metrics['meanLossIncrease']!),
      );
    },
  );

  it('says 0 of N on a model without any', async () => {
    const draft = await run(planted(3));
    assert.match(draft.summary, /^0 of 480 entries/);
    assert.equal(draft.evidence['zeroLossIncrease']?.how, 'no entry is massive');
  });

  itHolds(
    159,
    'follows the ratio over a folder of checkpoints and fits the curve that they were made by',
    async () => {
      const ratioAt = (t: number): number => {
        const y = 0.05 * t + 1.2;
        return 3000 * Math.exp(-0.2 * y) * Math.log(y) + 400;
      };
      const steps = Array.from({ length: 14 }, (_, i) => 20 * i);
      for (const step of steps) await writeModel(planted(ratioAt(step)), join(folder(), `step-${step}.onnx`));
      const draft = await run(planted(ratioAt(100)), { checkpoints: folder() });
      const rows = arrayOf(draft, 'ratioByStep');
      assert.deepEqual(
        rows.filter((_, i) => i % 2 === 0),
        steps,
      );
      // The planted entry over the medians, which are nearly one number: as good as the curve itself.
      assert(draft.metrics['fitRSquared']! > 0.999);
      let peak = 0;
      for (let t = 0; t < 260; t += 0.1) if (ratioAt(t) > ratioAt(peak)) peak = t;
      assert(Math.abs(draft.metrics['peakStep']! / peak - 1) < 0.05);
    },
  );
});
