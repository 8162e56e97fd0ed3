import assert from 'node:assert/strict';
import { channelDivergence, chanceDivergence } from '../../../src/analyses/health/divergence/gaussians.js';
import { normParts } from '../../../src/analyses/health/divergence/normParts.js';
import { domainDivergence } from '../../../src/analyses/health/domain-divergence.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { createRandom, type Random } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { BlockBuilder } from '../../support/plantedBlocks.js';
import { arrayOf, runOn } from '../../support/runHealth.js';
import { elementwise, isCode, range, sum } from '../../support/tensors.js';

/** Pictures [N, 2, 6, 6]: conv(3×3) to 4 channels, batch normalisation of the first two and instance normalisation of the others, ReLU. */
function ibnModel(random: Random): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 2, 6, 6));
  const vector = (...values: number[]): string => builder.constant(float32Tensor(values, [values.length]));
  const weight = builder.constant(normalTensor(random, [4, 2, 3, 3], 0.3), 'conv.weight');
  const conv = builder.node('Conv', [x, weight], { name: '/conv/Conv', outputs: ['conv'] });
  builder.node('Split', [conv, builder.constant(int64Tensor([2, 2], [2]))], {
    attributes: { axis: 1 },
    outputs: ['left', 'right'],
  });
  const statistics = [vector(1.2, 0.8), vector(0.3, 0.2), vector(0.1, -0.1), vector(1.5, 2)];
  const bn = builder.node('BatchNormalization', ['left', ...statistics], { name: '/bn/BatchNormalization' });
  const instance = ['right', vector(1, 0.7), vector(0, 0.4)];
  const norm = builder.node('InstanceNormalization', instance, { name: '/in/InstanceNormalization' });
  const joined = builder.node('Concat', [bn, norm], { attributes: { axis: 1 } });
  const relu = builder.node('Relu', [joined], { name: '/relu/Relu', outputs: ['relu'] });
  builder.addOutput(builder.node('GlobalAveragePool', [relu]), floatType('N', 4, 1, 1));
  builder.addOutput('conv', floatType('N', 4, 4, 4));
  builder.addOutput('relu', floatType('N', 4, 4, 4));
  return builder.build();
}

/** Pictures that differ in brightness, as photographs do. */
function pictures(random: Random, count: number): TensorValue {
  const light = range(0, count).map(() => 0.3 * random.normal());
  return elementwise(
    normalTensor(random, [count, 2, 6, 6]),
    (value, i) => value + light[Math.floor(i / 72)]!,
  );
}

interface Plain {
  readonly mean: number;
  readonly variance: number;
}

function plainGaussian(values: readonly number[]): Plain {
  const mean = sum(values.length, (i) => values[i]!) / values.length;
  return { mean, variance: sum(values.length, (i) => (values[i]! - mean) ** 2) / values.length };
}

/** KL(N_a ‖ N_b) = ln σ_b/σ_a + (σ_a² + (μ_a − μ_b)²) / 2σ_b² − ½. */
function kl(a: Plain, b: Plain): number {
  return (
    Math.log(b.variance / a.variance) / 2 + (a.variance + (a.mean - b.mean) ** 2) / (2 * b.variance) - 0.5
  );
}

describe('domain-divergence', function () {
  this.timeout(30_000);
  const random = createRandom(117);
  const model = ibnModel(random);
  const [ownCount, otherCount] = [50, 40];
  const own = pictures(random, ownCount);
  // Style: twice the contrast and brighter; what is on the pictures is drawn alike.
  const styled = elementwise(pictures(random, otherCount), (value) => 2 * value + 1.5);
  const openData = () => Promise.resolve({ ...memoryDataset({ x: styled }), path: '/test/night.npz' });
  const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });
  let draft: ReportDraft;

  before(async () => {
    const options = { settings: { against: 'night.npz' }, openData, batchSize: 16 };
    draft = await runOn(domainDivergence, model, memoryDataset({ x: own }), options);
  });

  /** Values of each channel: a mean for each sample, or every element. */
  async function channelsOf(x: TensorValue, value: string, of: 'means' | 'elements'): Promise<number[][]> {
    const session = await runtime.open(model);
    const elements = toFloat64((await session.run({ x }))[value]!);
    await session.close();
    return range(0, 4).map((channel) =>
      range(0, x.dims[0]!).flatMap((row) => {
        const at = (row * 4 + channel) * 16;
        const places = [...elements.subarray(at, at + 16)];
        return of === 'elements' ? places : [sum(16, (i) => places[i]!) / 16];
      }),
    );
  }

  async function assertBruteForce(report: ReportDraft, of: 'means' | 'elements'): Promise<void> {
    for (const layer of ['conv', 'relu']) {
      const [a, b] = [await channelsOf(own, layer, of), await channelsOf(styled, layer, of)];
      for (const channel of range(0, 4)) {
        const [p, q] = [plainGaussian(a[channel]!), plainGaussian(b[channel]!)];
        const expected = kl(p, q) + kl(q, p);
        const measured = arrayOf(report, `${layer}.divergence`)[channel]!;
        assert.ok(Math.abs(measured - expected) < 1e-4 * Math.max(1, expected), `${layer}[${channel}]`);
      }
    }
  }

  itHolds(
    117,
    'symmetric KL of every channel’s Gaussian at two layers equals brute force to 1e-4 (50 and 40 pictures, seed 117)',
    async () => {
      await assertBruteForce(draft, 'means');
      const settings = { against: 'night.npz', values: 'elements' } as const;
      const elements = await runOn(domainDivergence, model, memoryDataset({ x: own }), {
        settings,
        openData,
      });
      await assertBruteForce(elements, 'elements');
      assert.equal(elements.evidence['chanceDivergence']?.kind, 'not-captured');
    },
  );

  itHolds(
    117,
    'a planted style shift (contrast × 2, brightness + 1.5) is larger on BN than on IN channels of the IBN block: by more than 10 times',
    () => {
      const { inDivergence, bnDivergence, chanceDivergence: chance } = draft.metrics;
      const relu = arrayOf(draft, 'relu.divergence');
      assert.ok(Math.abs(bnDivergence! - (relu[0]! + relu[1]!) / 2) < 1e-12);
      assert.ok(Math.abs(inDivergence! - (relu[2]! + relu[3]!) / 2) < 1e-12);
      assert.ok(bnDivergence! > 10 * inDivergence!, `${bnDivergence!} against ${inDivergence!}`);
      // Instance normalisation takes the whole shift out: what is left is chance.
      assert.ok(inDivergence! < 5 * chance!, `${inDivergence!} by chance ${chance!}`);
      assert.deepEqual(arrayOf(draft, 'in.divergence'), [0, 0]);
      assert.match(draft.summary, /behind instance normalisation by .+, behind batch normalisation by/u);
      const chart = draft.blocks.find(({ title }) => title === 'Instance- against batch-normalised channels');
      assert.ok(chart?.type === 'chart' && chart.table.rows.length === 1);
    },
  );

  it('sets two halves of the data against each other without other data: what chance gives', async () => {
    const halves = await runOn(domainDivergence, model, memoryDataset({ x: pictures(random, 400) }));
    const { meanDivergence, chanceDivergence: chance } = halves.metrics;
    assert.equal(chance, 2 / 200 + 2 / 200);
    assert.ok(meanDivergence! < 4 * chance, `${meanDivergence!} by chance ${chance}`);
    assert.deepEqual(halves.findings, []);
  });

  it('knows what chance gives: the mean over 400 pairs of 200 and 300 normal numbers within 10 % (seed 3)', () => {
    const draws = createRandom(3);
    const normals = (count: number): Plain => plainGaussian(range(0, count).map(() => draws.normal()));
    const mean =
      sum(400, () => {
        const [a, b] = [normals(200), normals(300)];
        return kl(a, b) + kl(b, a);
      }) / 400;
    assert.ok(Math.abs(mean / chanceDivergence(200, 300) - 1) < 0.1, String(mean));
  });

  it('keeps apart what is constant on one data set only', () => {
    const [still, moving] = [
      { mean: 2, variance: 0 },
      { mean: 2, variance: 1 },
    ];
    assert.equal(channelDivergence(still, moving, 2), Infinity);
    assert.equal(channelDivergence(still, { mean: 2.0000001, variance: 1e-14 }, 2), 0);
    assert.equal(channelDivergence(still, { mean: 2.1, variance: 0 }, 2), Infinity);
    assert.equal(channelDivergence({ mean: 0, variance: 0 }, { mean: 0, variance: 0 }, 0), 0);
    assert.ok(Number.isNaN(channelDivergence(still, { mean: NaN, variance: NaN }, NaN)));
  });

  it('finds the channels of IBN-b: the normalised sum, and the batch normalisations in front of it', () => {
    const net = new BlockBuilder(['N', 4, 6, 6]);
    const start = net.conv('x', [4, 4]);
    const first = net.op('Relu', [net.batchNorm(net.conv(start, [4, 4]), 4)]);
    const total = net.op('Add', [net.batchNorm(net.conv(first, [4, 4]), 4), start]);
    const norm = net.op('InstanceNormalization', [total, net.constant([4]), net.constant([4])]);
    const table = net.planted.layers(net.op('Relu', [norm]));
    const parts = normParts(
      table,
      new Map(table.layers.map(({ name, unitCount }) => [name, unitCount ?? 0])),
    );
    assert.deepEqual(
      parts.map(({ norm: kind, layer, from, to }) => [kind, table.byName.get(layer)?.operator, from, to]),
      [
        ['BN', 'Relu', 0, 4],
        ['BN', 'BatchNormalization', 0, 4],
        ['IN', 'Relu', 0, 4],
      ],
    );
  });

  it('says what is missing: samples for two halves, or for one side', async () => {
    const dense = denseModel([6, 8, 3]);
    const rows = (count: number) => memoryDataset({ x: normalTensor(createRandom(1), [count, 6]) });
    await assert.rejects(runOn(domainDivergence, dense, rows(3)), isCode('too-few-samples'));
    const other = { settings: { against: 'one.npz' }, openData: () => Promise.resolve(rows(1)) };
    await assert.rejects(runOn(domainDivergence, dense, rows(5), other), isCode('too-few-samples'));
  });
});
