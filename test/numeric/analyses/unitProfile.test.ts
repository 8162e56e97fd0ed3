import assert from 'node:assert/strict';
import { join } from 'node:path';
import { deadNeurons } from '../../../src/analyses/health/dead-neurons.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { Cancelled } from '../../../src/base/abort.js';
import { createRandom, type Random } from '../../../src/base/random.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { tap } from '../../../src/engine/rewrites/tap.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import { formatAddress } from '../../../src/onnx/addresses.js';
import { dataTypeFacts } from '../../../src/onnx/dataTypes.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { fromReportNumber, toReportNumber } from '../../../src/protocol/reportNumbers.js';
import type { UnitSpread } from '../../../src/protocol/units.js';
import { measureUnitOn } from '../../support/measureUnitOn.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { samplesDir } from '../../support/paths.js';
import { channelModel, negative, ordinary, planted, plants } from '../../support/plantedStates.js';
import { recount, type UnitRecount } from '../../support/recount.js';
import { arrayOf, runOn, statesOf } from '../../support/runHealth.js';
import { isCode, range } from '../../support/tensors.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });

/** Health reports add float32 sums of samples. */
const sumTolerance = 1e-5;

type Measured = Awaited<ReturnType<typeof measureUnitOn>>;

async function valueOf(model: Model, feeds: Feeds, value: string): Promise<TensorValue> {
  const tapped = tap(model, [value]);
  const session = await runtime.open(tapped.model);
  const outputs = await session.run(feeds);
  await session.close();
  return outputs[tapped.outputs.get(value)!]!;
}

/** Compares a profile with what a health report says of the same unit of an activation. */
function assertEqualsReport({ figures, fold }: Measured, report: ReportDraft, act: string, unit: number) {
  const where = `${act}[${unit}]`;
  const expected = (name: string): number => arrayOf(report, `${act}.${name}`)[unit]!;
  assert.equal(figures.measuredAt, formatAddress({ layer: act, unit }));
  assert.equal(figures.state, statesOf(report, act)[unit], where);
  for (const name of ['maximum', 'minimum'] as const) {
    assert.equal(figures[name], toReportNumber(expected(name)), `${name} of ${where}`);
  }
  assert.equal(figures.elementCount, expected('elementCount'), where);
  assert.equal(figures.activeSampleCount, expected('activeSampleCount'), where);
  assert.equal(figures.activeFraction, expected('activeFraction'), where);
  const statistics = fold.statistics;
  assert.equal(statistics.nonZeroCount[0]! / figures.elementCount, expected('nonZeroFraction'), where);
  const mean = fromReportNumber(figures.mean);
  const scale = Math.max(Math.abs(expected('maximum')), Math.abs(expected('minimum')));
  const isClose =
    Object.is(mean, expected('mean')) || Math.abs(mean - expected('mean')) <= sumTolerance * scale;
  assert(isClose, `mean of ${where}: ${mean} and ${expected('mean')}`);
  const top = arrayOf(report, `${act}.topExamples`).slice(unit * 8, unit * 8 + 8);
  assert.deepEqual(
    fold.topExamples().map(({ index }) => index),
    top.filter((index) => index >= 0),
    where,
  );
}

/** Compares a profile with a plain loop over every element. */
function assertEqualsRecount({ figures }: Pick<Measured, 'figures'>, unit: UnitRecount): void {
  assert.equal(figures.elementCount, unit.elementCount);
  assert.equal(figures.activeFraction, unit.positiveCount / unit.elementCount);
  assertSpread(figures, unit);
}

function assertSpread(spread: UnitSpread, unit: UnitRecount): void {
  assert.equal(spread.maximum, unit.maximum);
  assert.equal(spread.minimum, unit.minimum);
  const mean = unit.sum / unit.elementCount;
  const variance = unit.values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / unit.elementCount;
  assert(Math.abs(fromReportNumber(spread.mean) - mean) < 1e-12 * (1 + Math.abs(unit.maximum)));
  assert(Math.abs(fromReportNumber(spread.standardDeviation) - Math.sqrt(variance)) < 1e-9);
  const { edges, counts } = spread.histogram;
  assert.equal(edges[0], unit.minimum);
  assert.equal(edges.at(-1), unit.maximum);
  for (const [bin, count] of counts.entries()) {
    const [from, to] = [edges[bin]!, edges[bin + 1]!];
    const inBin = unit.values.filter((value) => (bin === 0 || value > from) && value <= to);
    assert.equal(count, inBin.length, `bin ${bin}`);
  }
}

/** x [N, 2, 7, 5] → conv (3×3, 6 channels) → act → y. */
function convModel(act = 'Relu', shape: (number | string)[] = ['N', 2, 7, 5]): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType(...shape));
  const weight = builder.constant(normalTensor(createRandom(3), [6, 2, 3, 3]), 'conv.weight');
  const z = builder.node('Conv', ['x', weight], {
    outputs: ['z'],
    name: '/conv/Conv',
    attributes: { pads: [1, 1, 1, 1] },
  });
  builder.addOutput(builder.node(act, [z], { outputs: ['a'], name: `/act/${act}` }));
  return builder.build();
}

const images = { x: normalTensor(createRandom(9), [37, 2, 7, 5]) };

describe('a neuron’s profile', () => {
  for (const { name, append, units } of plants) {
    it(`equals the health report in every number, for every state of a ${name} layer`, async () => {
      const model = channelModel(units.length, append);
      const data = memoryDataset({ x: planted(units.map(([, column]) => column)) });
      const report = await runOn(deadNeurons, model, data);
      for (const [unit, [state]] of units.entries()) {
        const measured = await measureUnitOn(model, data, `conv[${unit}]`);
        assert.equal(measured.figures.state, state);
        assertEqualsReport(measured, report, 'act', unit);
      }
    });
  }

  it('equals the health report on the sample models', async () => {
    for (const [name, act, units] of [
      ['digits-cnn', 'relu2', [3, 17]],
      ['digits-cnn', 'relu3', [5]],
      ['dying-relu', 'relu1', [0, 1, 2]],
    ] as const) {
      const path = join(samplesDir, name, name);
      const model = await readModel(`${path}.onnx`);
      const data = await openDataset(`${path}.inspect.json`, model);
      const options = { limit: 700, batchSize: 128 };
      const report = await runOn(deadNeurons, model, data, options);
      for (const unit of units) {
        assertEqualsReport(await measureUnitOn(model, data, `${act}[${unit}]`, options), report, act, unit);
      }
    }
  });

  it('equals a plain count over every element, whatever the batch size', async () => {
    const model = convModel('LeakyRelu');
    const units = recount(await valueOf(model, images, 'a'), { unitAxis: 1 });
    const entering = recount(await valueOf(model, images, 'z'), { unitAxis: 1 });
    for (const batchSize of [1, 7, 64]) {
      for (const unit of [0, 5]) {
        const measured = await measureUnitOn(model, memoryDataset(images), `conv[${unit}]`, { batchSize });
        assertEqualsRecount(measured, units[unit]!);
        assert.equal(measured.figures.activeSampleCount, units[unit]!.positiveSampleCount);
        const { before } = measured.figures;
        assert(before !== undefined);
        assertSpread(before, entering[unit]!);
      }
    }
  });

  it('shows the largest samples with where and how, and random ones with the same', async () => {
    const model = convModel();
    const value = await valueOf(model, images, 'a');
    const all = toFloat64(value);
    const { fold } = await measureUnitOn(model, memoryDataset(images), 'conv[4]', {
      batchSize: 10,
      exampleCount: 5,
    });
    const [top, random] = [fold.topExamples(), fold.chosenExamples()];
    assert.equal(top.length, 5);
    assert.equal(random.length, 5);
    assert.deepEqual(
      random.map(({ index }) => index),
      [...random.map(({ index }) => index)].sort((a, b) => a - b),
    );
    for (const { index, value: largest, position, map } of [...top, ...random]) {
      const plane = [...all.subarray((index * 6 + 4) * 35, (index * 6 + 5) * 35)];
      assert.equal(largest, Math.max(...plane));
      const at = plane.indexOf(Math.max(...plane));
      assert.deepEqual(position, [Math.floor(at / 5), at % 5]);
      assert.deepEqual([map?.width, map?.height], [5, 7]);
      assert.deepEqual(
        map?.values,
        plane.map((element) => Number(element.toPrecision(4))),
      );
    }
  });

  it('draws the same random samples for the same seed, whatever the batch size', async () => {
    const drawn = async (seed: number, batchSize: number): Promise<number[]> => {
      const { fold } = await measureUnitOn(convModel(), memoryDataset(images), 'conv[0]', {
        seed,
        batchSize,
      });
      return fold.chosenExamples().map(({ index }) => index);
    };
    assert.deepEqual(await drawn(3, 5), await drawn(3, 37));
    assert.notDeepEqual(await drawn(3, 5), await drawn(4, 5));
    const few = memoryDataset({ x: normalTensor(createRandom(9), [3, 2, 7, 5]) });
    const { fold } = await measureUnitOn(convModel(), few, 'conv[0]');
    assert.deepEqual(
      fold.chosenExamples().map(({ index }) => index),
      [0, 1, 2],
    );
  });

  it('tells of one position alone when the address has one', async () => {
    const model = convModel('LeakyRelu');
    const a = await valueOf(model, images, 'a');
    const [unit] = [2];
    const at = recount(a, { unitAxis: 1, counts: ([, , y, x]) => y === 6 && x === 1 })[unit]!;
    for (const address of ['conv[2]@6,1', 'act[2]@-1,-4']) {
      const measured = await measureUnitOn(model, memoryDataset(images), address);
      assertEqualsRecount(measured, at);
      const best = at.sampleMaxima.indexOf(Math.max(...at.sampleMaxima));
      const [first] = measured.fold.topExamples();
      assert.deepEqual([first?.index, first?.position], [best, [6, 1]]);
      assert.deepEqual([first?.map?.width, first?.map?.height], [5, 7]);
    }
    await assert.rejects(measureUnitOn(model, memoryDataset(images), 'conv[2]@7,1'), isCode('bad-position'));
    await assert.rejects(measureUnitOn(model, memoryDataset(images), 'conv[2]@1'), isCode('bad-position'));
  });

  it('says how near a dead neuron came, and on which samples', async () => {
    const model = channelModel(2, plants[0]!.append);
    const x = planted([negative, ordinary]);
    const numbers = range(0, x.dims[0]!).map((row) => x.data[row * 2] as number);
    const { figures, fold } = await measureUnitOn(model, memoryDataset({ x }), 'conv[0]', {
      exampleCount: 3,
    });
    assert.match(figures.stateMeaning, /^Never active on any sample\.$/);
    assert.deepEqual(fold.topExamples(), []);
    assert.deepEqual(
      fold.nearestExamples().map(({ index }) => index),
      numbers
        .map((number, index) => ({ number, index }))
        .sort((p, q) => q.number - p.number)
        .slice(0, 3)
        .map(({ index }) => index),
    );
    assert.equal(figures.before?.maximum, Math.max(...numbers));
    assert.deepEqual(figures.histogram.edges, [-0.5, 0.5]);
    assert.deepEqual(figures.histogram.counts, [4000]);
  });

  it('reports NaN and infinities, and leaves them out of histograms and examples', async () => {
    const x = normalTensor(createRandom(5), [40, 2, 7, 5]);
    const data = x.data as Float32Array;
    data[3 * 70] = NaN;
    const model = convModel();
    const measured = await measureUnitOn(model, memoryDataset({ x }), 'conv[1]');
    const { figures, fold } = measured;
    assert.equal(figures.state, 'not-finite');
    assert.deepEqual([figures.maximum, figures.minimum, figures.mean], ['NaN', 'NaN', 'NaN']);
    const finite = recount(await valueOf(model, { x }, 'a'), { unitAxis: 1 })[1]!.values.filter(
      Number.isFinite,
    );
    assert.equal(
      figures.histogram.counts.reduce((a, b) => a + b, 0),
      finite.length,
    );
    assert(!fold.topExamples().some(({ index }) => index === 3));
    data[3 * 70] = Infinity;
    const infinite = await measureUnitOn(convModel('Identity'), memoryDataset({ x }), 'conv[1]');
    assert.equal(infinite.figures.state, 'not-finite');
    assert(infinite.figures.maximum === 'Infinity' || infinite.figures.minimum === '-Infinity');
  });

  it('stops at the limit, says so, and warns that rare is not judged', async () => {
    const { figures } = await measureUnitOn(convModel(), memoryDataset(images), 'conv[1]', {
      limit: 20,
      batchSize: 8,
    });
    assert.equal(figures.sampleCount, 20);
    assert.equal(figures.sampleTotal, 37);
    assert.deepEqual(figures.evidence, { kind: 'sampled', n: 20, how: 'the first 20 of 37 samples' });
    assert.match(figures.warnings.join(), /"Rare" .* is not judged/);
  });

  it('does not count what only fills the last batch of a model with a fixed batch', async () => {
    const model = convModel('LeakyRelu', [8, 2, 7, 5]);
    const units = recount(await valueOf(convModel('LeakyRelu'), images, 'a'), { unitAxis: 1 });
    assertEqualsRecount(
      await measureUnitOn(model, memoryDataset(images), 'conv[3]', { batchSize: 8 }),
      units[3]!,
    );
  });

  it('stops when cancelled', async () => {
    const controller = new AbortController();
    const run = measureUnitOn(convModel(), memoryDataset(images), 'conv[1]', {
      batchSize: 5,
      signal: controller.signal,
      onBatch: () => {
        controller.abort();
      },
    });
    await assert.rejects(run, Cancelled);
  });

  it('has no state where the layer is not judged, and says why', async () => {
    const model = denseModel([5, 9, 3]);
    const x = normalTensor(createRandom(4), [50, 5]);
    const { figures } = await measureUnitOn(model, memoryDataset({ x }), 'fc2[1]');
    assert.equal(figures.state, 'not-judged');
    assert.equal(figures.stateMeaning, 'Not judged: an output of the model.');
    assert.equal(figures.measuredAt, 'fc2[1]');
    assert.equal(figures.before, undefined);
    const unit = recount(await valueOf(model, { x }, 'logits'), { unitAxis: 1 })[1]!;
    assertEqualsRecount({ figures }, unit);
  });

  for (const dtype of ['float16', 'float64'] as const) {
    it(`measures ${dtype} values as they are`, async () => {
      const builder = new GraphBuilder(emptyModel());
      builder.addInput('x', floatType('N', 5));
      const weight = float64Tensor(createRandom(1), [5, 3]);
      const stored = builder.constant(weight, 'double');
      const cast = (value: string): string => builder.cast(value, dataTypeFacts(dtype).code);
      const product = builder.node('MatMul', [cast('x'), cast(stored)], { name: '/fc/MatMul' });
      builder.node('Tanh', [product], { outputs: ['a'], name: '/act/Tanh' });
      builder.addOutput(builder.cast('a', dataTypeFacts('float64').code));
      const model = builder.build();
      const feeds = { x: normalTensor(createRandom(2), [30, 5]) };
      const unit = recount(await valueOf(model, feeds, 'a'), { unitAxis: 1 })[1]!;
      assertEqualsRecount(await measureUnitOn(model, memoryDataset(feeds), 'fc[1]'), unit);
    });
  }
});

function float64Tensor(random: Random, dims: readonly number[]): TensorValue {
  const data = Float64Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal());
  return { dtype: 'float64', dims, data };
}
