import assert from 'node:assert/strict';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { functionExplorer } from '../../../src/analyses/prediction/function-explorer.js';
import { decayOf } from '../../../src/analyses/prediction/explorer/responseCurves.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { adstockModel } from '../../support/plantedFunctions.js';
import { runAnalysisOn, runAnalysisOnSample } from '../../support/runAnalysisOn.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { isCode, range, sum } from '../../support/tensors.js';

function values(draft: ReportDraft, name: string): Float64Array {
  return toFloat64(arrayOf(draft, name));
}

describe('function-explorer: response curves', function () {
  this.timeout(60_000);
  const random = createRandom(31);
  const steps = 40;
  const channels = [
    { carryOver: 0.8, weight: 5 },
    { carryOver: 0.35, weight: 9 },
    { carryOver: 0, weight: 2 },
  ];
  const spend = float32Tensor(
    Float32Array.from({ length: 6 * 3 * steps }, () => 0.3 * random.next()),
    [6, 3, steps],
  );
  const feeds = { spend };
  const at = (row: number, channel: number, step: number): number =>
    spend.data[(row * 3 + channel) * steps + step] as number;
  const stockOf = (row: number, channel: number, step: number): number =>
    sum(step + 1, (lag) => channels[channel]!.carryOver ** lag * at(row, channel, step - lag));

  async function explore(saturates: boolean, settings: object = {}): Promise<ReportDraft> {
    return runAnalysisOn(
      functionExplorer,
      { model: adstockModel(channels, saturates), feeds },
      { view: 'response-curves', ...settings },
    );
  }

  itHolds(
    69,
    'planted ad-stock model: recovered carry-over within 5 %, with and without saturation (3 channels, 6 series of 40 steps, seed 31)',
    async () => {
      for (const saturates of [false, true]) {
        for (const level of ['mean', 'off', 'rows']) {
          // Where the level moves, so does the slope of a saturated channel: those are read at one level.
          if (saturates && level === 'rows') continue;
          const rates = values(await explore(saturates, { level, pulse: 0.02 }), 'carryOverRate');
          for (const [i, { carryOver }] of channels.entries()) {
            assert.ok(
              Math.abs(rates[i]! - carryOver) <= 0.05 * Math.max(carryOver, 0.01),
              `${level}: ${rates[i]!}`,
            );
          }
        }
      }
    },
  );

  itHolds(
    69,
    'the response, carry-over and contribution of every channel are the closed form within 1e-3 of the outcome',
    async () => {
      const draft = await explore(true, { gridSize: 9 });
      const [response, contribution] = [values(draft, 'response'), values(draft, 'contribution')];
      const factors = values(draft, 'factors');
      const effect = (channel: number, step: number, factor: number): number =>
        (channels[channel]!.weight * sum(6, (row) => Math.tanh(factor * stockOf(row, channel, step)))) / 6;
      for (const channel of range(0, 3)) {
        for (const [i, factor] of factors.entries()) {
          const expected = sum(steps, (step) => effect(channel, step, factor));
          assert.ok(Math.abs(response[channel * factors.length + i]! - expected) < 1e-3 * steps);
        }
        for (const step of range(0, steps)) {
          assert.ok(Math.abs(contribution[channel * steps + step]! - effect(channel, step, 1)) < 1e-3);
        }
      }
      const [outcome, baseline] = [values(draft, 'outcome'), values(draft, 'baseline')];
      assert.ok([...baseline].every((value) => value === 10));
      // Channels do not interact in this model: nothing is left that none has alone.
      assert.ok(Math.abs(draft.metrics['interactionShare']!) < 1e-6);
      assert.ok(
        outcome.every((value, step) => Math.abs(value - 10 - sum(3, (c) => effect(c, step, 1))) < 1e-3),
      );
      assert.equal(draft.findings.length, 0);
    },
  );

  itHolds(
    69,
    'attribution on channel × time shares out the same contributions: a linear ad-stock model, within 1e-4',
    async () => {
      const draft = await explore(false);
      const shares = await runAttribution(adstockModel(channels, false), feeds, {
        method: 'integrated-gradients',
        baseline: 'zeros',
        target: String(steps - 1),
      });
      const scores = toFloat64(arrayOf(shares, 'attribution'));
      const contribution = values(draft, 'contribution');
      for (const channel of range(0, 3)) {
        const mean = sum(6, (row) => sum(steps, (step) => scores[(row * 3 + channel) * steps + step]!)) / 6;
        assert.ok(Math.abs(mean - contribution[channel * steps + steps - 1]!) < 1e-4, String(mean));
      }
      // Spending long ago is worth what the ad-stock leaves of it.
      const [row, lag] = [2, 5];
      const share = scores[(row * 3 + 0) * steps + steps - 1 - lag]!;
      assert.ok(Math.abs(share - 5 * 0.8 ** lag * at(row, 0, steps - 1 - lag)) < 1e-5);
    },
  );

  it('recovers what the sample was planted with, and finds the channel that sells nothing', async () => {
    const draft = await runAnalysisOnSample(functionExplorer, 'marketing-mix', {
      view: 'response-curves',
      gridSize: 5,
    });
    const rates = values(draft, 'carryOverRate');
    for (const [i, planted] of [0.8, 0.2, 0.5].entries()) {
      assert.ok(Math.abs(rates[i]! - planted) < 0.05 * planted, `${i}: ${rates[i]!}`);
    }
    assert.ok(Number.isNaN(rates[3]));
    assert.match(draft.findings[0]!.message, /does not depend on channel 3/u);
    const table = draft.blocks.find((block) => block.type === 'table')!;
    const row = table.rows.find(({ name }) => name === 'channel 3')!;
    assert.deepEqual([row['rate'], row['halfLife'], row['later'], row['fit']], [null, null, null, null]);
  });

  it('reads channels last, and an outcome without a time axis', async () => {
    // The mean over time of the first channel, and three times that of the second.
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('x', floatType('N', 5, 2));
    const mean = builder.reduce('ReduceMean', input, [1], false);
    const weights = builder.constant(float32Tensor([1, 3], [2, 1]));
    builder.addOutput(builder.node('MatMul', [mean, weights], { outputs: ['y'] }), floatType('N', 1));
    const series = normalTensor(random, [4, 5, 2]);
    const data = { model: builder.build(), feeds: { x: series } };
    const draft = await runAnalysisOn(functionExplorer, data, {
      view: 'response-curves',
      channelAxis: 'last',
    });
    const means = [0, 1].map((c) => sum(20, (i) => series.data[2 * i + c] as number) / 20);
    const contribution = values(draft, 'contribution');
    assert.ok(
      Math.abs(contribution[0]! - means[0]!) < 1e-6 && Math.abs(contribution[1]! - 3 * means[1]!) < 1e-6,
    );
    assert.deepEqual(arrayOf(draft, 'carryOver').dims, [2, 4]);
    const carryOver = values(draft, 'carryOver');
    assert.ok(carryOver.every((effect, i) => Math.abs(effect - (i < 4 ? 0.2 : 0.6)) < 1e-4));
    await assert.rejects(
      runAnalysisOn(functionExplorer, data, { view: 'response-curves', target: '1' }),
      isCode('unknown-target'),
    );
  });

  it('warns of a model that sees the future', async () => {
    const builder = new GraphBuilder(emptyModel());
    const input = builder.addInput('spend', floatType('N', 1, 8));
    const kernel = builder.constant(float32Tensor([1, 1, 1], [1, 1, 3]), 'mix.weight');
    const mixed = builder.node('Conv', [input, kernel], { attributes: { kernel_shape: [3], pads: [1, 1] } });
    builder.addOutput(
      builder.node('Squeeze', [mixed, builder.int64s([1])], { outputs: ['y'] }),
      floatType('N', 8),
    );
    const series = normalTensor(random, [3, 1, 8]);
    const draft = await runAnalysisOn(
      functionExplorer,
      { model: builder.build(), feeds: { spend: series } },
      {
        view: 'response-curves',
      },
    );
    assert.match(draft.findings[0]!.message, /changes earlier outcomes/u);
  });

  it('fits a geometric decay from the largest effect on, and none where there is nothing to fit', () => {
    const delayed = Float64Array.from([1, 3, ...range(1, 12).map((lag) => 3 * 0.6 ** lag)]);
    const { rate, fit, peak } = decayOf(delayed);
    assert.ok(Math.abs(rate - 0.6) < 1e-12 && Math.abs(fit - 1) < 1e-12);
    assert.equal(peak, 1);
    assert.ok(Number.isNaN(decayOf(new Float64Array(5)).rate));
    assert.equal(decayOf(Float64Array.from([2, 0, 0])).rate, 0);
  });
});
