import assert from 'node:assert/strict';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { binaryLayers } from '../../../src/analyses/health/binary-layers.js';
import { createRandom } from '../../../src/base/random.js';
import { tap } from '../../../src/engine/rewrites/tap.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { binaryInput, binaryModel, plantedThresholds } from '../../support/plantedBinary.js';
import { arrayOf, runOn } from '../../support/runHealth.js';

const sampleCount = 20;
const positionCount = 16;

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** [instance][channel][position] of a value of the planted model. */
type Values = readonly (readonly (readonly number[])[])[];

interface ByHand {
  readonly mean: number[];
  readonly variance: number[];
  readonly third: number[];
  /** Flips by channel of a conv layer; by instance and channel they are added up. */
  readonly flipsBy: (scale: number, statistic: 'mean' | 'third') => number[];
}

/** Every moment and flip around a threshold of 0, by its definition. */
function byHand(values: Values): ByHand {
  const channels = values[0]!.map((_, channel) => values.flatMap((instance) => instance[channel]!));
  const center = channels.map(meanOf);
  const deviation = channels.map((all, c) => Math.sqrt(meanOf(all.map((x) => (x - center[c]!) ** 2))));
  const perInstance = (of: (all: readonly number[], c: number) => number): number[][] =>
    values.map((instance) => instance.map(of));
  const mean = perInstance((all) => meanOf(all));
  const third = perInstance((all, c) => meanOf(all.map((x) => ((x - center[c]!) / deviation[c]!) ** 3)));
  const variance = perInstance((all) => meanOf(all.map((x) => (x - meanOf(all)) ** 2)));
  const flipsBy = (scale: number, statistic: 'mean' | 'third'): number[] =>
    center.map((mu, c) =>
      values.reduce((sum, instance, i) => {
        const move = statistic === 'mean' ? mean[i]![c]! - mu : third[i]![c]! * deviation[c]!;
        return sum + instance[c]!.filter((x) => x > 0 !== x > scale * move).length;
      }, 0),
    );
  return { mean: mean.flat(), variance: variance.flat(), third: third.flat(), flipsBy };
}

function assertAllNear(actual: readonly number[], expected: readonly number[], what: string): void {
  assert.equal(actual.length, expected.length, what);
  for (const [i, value] of actual.entries()) {
    assert.ok(
      Math.abs(value - expected[i]!) < 1e-6,
      `${what} ${String(i)}: ${String(value)}, ${String(expected[i])}`,
    );
  }
}

describe('binary layers', () => {
  const model = binaryModel();
  const x = binaryInput(sampleCount);
  let draft: ReportDraft;
  const tapped = new Map<string, Float64Array>();

  before(async () => {
    const settings = { meanScale: 0.8, thirdMomentScale: 0.4 };
    draft = await runOn(binaryLayers, model, memoryDataset({ x }), { settings, batchSize: 6 });
    const names = ['pre1', 'pre2', 'threshold2', 'pre3'];
    const session = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(tap(model, names).model);
    const values = await session.run({ x });
    for (const name of names) tapped.set(name, toFloat64(values[name]!));
    await session.close();
  });

  function valuesOf(name: string, channelCount: number, width: number): Values {
    const flat = tapped.get(name)!;
    return Array.from({ length: sampleCount }, (_, i) =>
      Array.from({ length: channelCount }, (_channel, c) => [
        ...flat.subarray((i * channelCount + c) * width, (i * channelCount + c + 1) * width),
      ]),
    );
  }

  itHolds(55, 'counts the flips of a planted binary layer as brute force does, and its moments', () => {
    const values = valuesOf('pre1', 3, positionCount);
    const { mean, variance, third, flipsBy } = byHand(values);
    assertAllNear(arrayOf(draft, 'conv1.instanceMean'), mean, 'mean');
    assertAllNear(arrayOf(draft, 'conv1.instanceVariance'), variance, 'variance');
    assertAllNear(arrayOf(draft, 'conv1.instanceThirdMoment'), third, 'third moment');
    const [byMean, byThird] = [flipsBy(0.8, 'mean'), flipsBy(0.4, 'third')];
    assert.deepEqual(arrayOf(draft, 'conv1.meanFlips'), byMean);
    assert.deepEqual(arrayOf(draft, 'conv1.thirdMomentFlips'), byThird);
    for (const flips of [...byMean, ...byThird]) assert.ok(flips > 0 && flips < sampleCount * positionCount);
    const all = values.flat(2);
    assert.equal(
      arrayOf(draft, 'conv1.ones').reduce((sum, count) => sum + count, 0),
      all.filter((value) => value > 0).length,
    );
    const distances = arrayOf(draft, 'conv1.distances');
    const deviations = [0, 1, 2].map((c) => {
      const own = values.flatMap((instance) => instance[c]!);
      return Math.sqrt(meanOf(own.map((value) => (value - meanOf(own)) ** 2)));
    });
    const near = values.flatMap((instance) =>
      instance.flatMap((own, c) => own.filter((value) => value > 0 && value <= 0.25 * deviations[c]!)),
    );
    assert.equal(distances[13], near.length);
    assert.equal(
      distances.reduce((sum, count) => sum + count, 0),
      all.length,
    );
  });

  itHolds(55, 'counts what thresholds that the model sets by instance flip, against fixed ones', () => {
    const values = valuesOf('pre2', 4, positionCount);
    const thresholds = tapped.get('threshold2')!;
    const expected = [0, 1, 2, 3].map((c) => {
      const own = values.map((_, i) => thresholds[i * 4 + c]!);
      return values.reduce(
        (sum, instance, i) => sum + instance[c]!.filter((x) => x > own[i]! !== x > meanOf(own)).length,
        0,
      );
    });
    assert.deepEqual(arrayOf(draft, 'conv2.staticFlips'), expected);
    assert.ok(expected.some((count) => count > 0));
    assert.equal(draft.arrays['conv2.meanFlips'], undefined);
    const total = expected.reduce((sum, count) => sum + count, 0);
    assert.equal(draft.metrics['staticFlipShare'], total / (sampleCount * 4 * positionCount));
  });

  it('takes a dense layer as one channel, and finds the planted bit that never changes', () => {
    const flat = tapped.get('pre3')!;
    const rows = Array.from({ length: sampleCount }, (_, i) => [
      [...flat.subarray(i * 5, i * 5 + 5)].map((value, u) => value - plantedThresholds[u]!),
    ]);
    const { mean, variance } = byHand(rows);
    for (const [name, own] of [
      ['instanceMean', mean],
      ['instanceVariance', variance],
    ] as const) {
      const found = arrayOf(draft, `fc.${name}`);
      for (const [i, value] of found.entries()) assert.ok(Math.abs(value / own[i]! - 1) < 1e-6, name);
    }
    assert.equal(arrayOf(draft, 'fc.ones')[2], 0);
    assert.ok(draft.findings.some(({ address }) => address === 'fc[2]'));
    assert.equal(draft.metrics['layerCount'], 3);
  });

  it('refuses a model without bits, and names the layer of a NaN', async () => {
    const data = memoryDataset({ x: normalTensor(createRandom(1), [4, 3]) });
    await assert.rejects(runOn(binaryLayers, denseModel([3, 4, 2]), data), { code: 'no-binary-layers' });
    const broken = memoryDataset({ x: float32Tensor(new Float32Array(32).fill(NaN), [1, 2, 4, 4]) });
    await assert.rejects(runOn(binaryLayers, model, broken), { code: 'not-finite', message: /conv1/ });
  });
});
