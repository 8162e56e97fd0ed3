import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { massiveActivations } from '../../../src/analyses/health/massive-activations.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
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

/**
 * The stream with its massive entry, read by two heads of attention: queries are 1 and keys are large at the massive token alone,
 * so that head 0 puts e / (e + 4) of its weight there; head 1 has no keys and spreads evenly.
 */
function attending(): Model {
  const builder = new GraphBuilder(planted(5000));
  const headWidth = width / 2;
  const project = (values: (from: number, to: number) => number, name: string): string => {
    const data = Float32Array.from({ length: width * width }, (_, i) =>
      values(Math.floor(i / width), i % width),
    );
    const weight = builder.constant(float32Tensor(data, [width, width]), `${name}.weight`);
    const out = builder.node('MatMul', ['stream', weight], { name: `/attention/${name}/MatMul` });
    const heads = builder.node('Reshape', [out, builder.int64s([0, tokenCount, 2, headWidth])]);
    return builder.node('Transpose', [heads], { attributes: { perm: [0, 2, 1, 3] } });
  };
  const ones = builder.constant(float32Tensor(new Float32Array(headWidth).fill(1), [headWidth]));
  const query = builder.node('Add', [project(() => 0, 'query'), ones]);
  // 5,000 on channel 2 becomes a score of 1 / √(width of a head) · √(width of a head).
  const scale = Math.sqrt(headWidth);
  const key = project((from, to) => (from === 2 && to === 0 ? scale / 5000 : 0), 'key');
  const turned = builder.node('Transpose', [key], { attributes: { perm: [0, 1, 3, 2] } });
  const scores = builder.node('Div', [builder.node('MatMul', [query, turned]), builder.scalar(scale)]);
  const weights = builder.node('Softmax', [scores], { attributes: { axis: -1 }, outputs: ['weights'] });
  const mixed = builder.node('MatMul', [weights, project((from, to) => (from === to ? 1 : 0), 'value')]);
  const back = builder.node('Transpose', [mixed], { attributes: { perm: [0, 2, 1, 3] } });
  builder.node('Reshape', [back, builder.int64s([0, tokenCount, width])], { outputs: ['attended'] });
  builder.addOutput('attended', floatType('N', tokenCount, width));
  builder.addOutput('weights', floatType('N', 2, tokenCount, tokenCount));
  return builder.build();
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

  it('measures the attention planted on the massive token, head by head, as brute force does', async () => {
    const model = attending();
    const draft = await run(model);
    const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(model);
    const weights = toFloat64((await session.run({ x }))['weights']!);
    await session.close();
    let total = 0;
    for (let line = 0; line < weights.length / tokenCount; line++) total += weights[line * tokenCount + 1]!;
    const byHand = total / (weights.length / tokenCount);
    const found = draft.metrics['attentionShare']!;
    assert.ok(Math.abs(found - byHand) < 1e-6, `${found}, ${byHand}`);
    // Channel 2 of the other tokens is noise of 1 / 5,000 of the massive one.
    const closed = (Math.E / (Math.E + tokenCount - 1) + 1 / tokenCount) / 2;
    assert.ok(Math.abs(found - closed) < 1e-3, `${found}, ${closed}`);
  });

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
