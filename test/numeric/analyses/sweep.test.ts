import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { statisticsGraph } from '../../../src/analyses/shared/sweepGraph.js';
import { type Sweep, sweepActivations } from '../../../src/analyses/shared/sweep.js';
import type { SweepTarget } from '../../../src/analyses/shared/targetTap.js';
import {
  mergeUnitStatistics,
  type UnitStatistics,
  variancesOf,
} from '../../../src/analyses/shared/unitStatistics.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { tap } from '../../../src/engine/rewrites/tap.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset, rowsOf } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { recount, type UnitRecount } from '../../support/recount.js';

const runtime = createRuntime({ provider: 'cpu' });

/** Sums in the graph are float32 per sample; relative to the largest magnitude summed. */
const sumTolerance = 1e-5;

type Rule = SweepTarget['rule'];

function targetOf(value: string, entering: string, dims: readonly number[], rule: Rule): SweepTarget {
  return {
    layer: value,
    entering,
    leaving: value,
    elementType: 'float32',
    rank: dims.length,
    unitAxis: 1,
    unitCount: dims[1]!,
    rowsPerSample: 1,
    maskLayout: undefined,
    rule,
  };
}

const relu: Rule = { kind: 'rectifier', isNonNegative: true };

async function sweep(
  model: Model,
  inputs: Feeds,
  targets: readonly SweepTarget[],
  options: { batchSize?: number; limit?: number; epsilon?: number; maskInput?: string } = {},
): Promise<Sweep> {
  return sweepActivations({
    model,
    data: {
      ...memoryDataset(inputs),
      ...(options.maskInput === undefined ? {} : { maskInput: options.maskInput }),
    },
    runtime,
    targets,
    batchSize: options.batchSize ?? 16,
    limit: options.limit,
    signal: new AbortController().signal,
    epsilon: options.epsilon ?? 1e-3,
    topExampleCount: 4,
  });
}

async function activations(
  model: Model,
  inputs: Feeds,
  values: readonly string[],
): Promise<Record<string, TensorValue>> {
  const tapped = tap(model, values);
  const session = await runtime.open(tapped.model);
  const outputs = await session.run(inputs);
  await session.close();
  return Object.fromEntries(values.map((value) => [value, outputs[tapped.outputs.get(value)!]!]));
}

function assertEqualsRecount(statistics: UnitStatistics, units: readonly UnitRecount[]): void {
  assert.equal(statistics.unitCount, units.length);
  for (const [unit, expected] of units.entries()) {
    const where = `unit ${unit}`;
    assert.equal(statistics.elementCount, expected.elementCount, where);
    assert.equal(statistics.maximum[unit], expected.maximum, where);
    assert.equal(statistics.minimum[unit], expected.minimum, where);
    assert.equal(statistics.positiveCount[unit], expected.positiveCount, where);
    assert.equal(statistics.nonZeroCount[unit], expected.nonZeroCount, where);
    const scale = expected.values.reduce((sum, value) => sum + Math.abs(value), 0);
    assert.ok(Math.abs(statistics.sum[unit]! - expected.sum) <= sumTolerance * scale, where);
    const mean = expected.sum / expected.elementCount;
    const variance =
      expected.values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / expected.elementCount;
    const meanSquare = expected.squares / expected.elementCount;
    assert.ok(Math.abs(variancesOf(statistics)[unit]! - variance) <= sumTolerance * meanSquare, where);
  }
}

function convModel(act: string, type = floatType('N', 2, 7, 5)): Model {
  const builder = new GraphBuilder(emptyModel());
  const random = createRandom(3);
  builder.addInput('x', type);
  const weight = builder.constant(normalTensor(random, [6, 2, 3, 3]), 'w');
  builder.node('Conv', ['x', weight], { outputs: ['z'], attributes: { pads: [1, 1, 1, 1] } });
  builder.addOutput(builder.node(act, ['z'], { outputs: ['a'] }));
  return builder.build();
}

describe('sweepActivations', () => {
  it('counts every element of a convolution as a plain loop does, whatever the batch size', async () => {
    const model = convModel('Relu');
    const inputs = { x: normalTensor(createRandom(9), [37, 2, 7, 5]) };
    const { a } = await activations(model, inputs, ['a']);
    const units = recount(a!, { unitAxis: 1 });
    for (const batchSize of [1, 7, 64]) {
      const result = await sweep(model, inputs, [targetOf('a', 'z', [37, 6, 7, 5], relu)], { batchSize });
      const { statistics } = result.layers[0]!;
      assert.equal(result.sampleCount, 37);
      assertEqualsRecount(statistics, units);
      for (const [unit, expected] of units.entries()) {
        assert.equal(statistics.activeCount[unit], expected.positiveCount);
        assert.equal(statistics.activeSampleCount[unit], expected.positiveSampleCount);
        const best = expected.sampleMaxima
          .map((value, id) => ({ value, id }))
          .filter(({ value }) => value > 0)
          .sort((p, q) => q.value - p.value || p.id - q.id)
          .slice(0, 4);
        const ids = [...statistics.top.ids.slice(unit * 4, unit * 4 + 4)].filter((id) => id >= 0);
        assert.deepEqual(
          ids,
          best.map(({ id }) => id),
        );
      }
    }
  });

  it('names the sizes that nobody knows before running, each by itself, and takes maps of any size', async () => {
    const model = convModel('Relu', floatType('N', 2, 'S', 'S'));
    const { model: graph, targets } = statisticsGraph(
      model,
      [targetOf('a', 'z', [1, 6, 7, 5], relu)],
      new Map(),
    );
    const type = graph.graph.valueInfo.get('a')?.type;
    assert.ok(type?.kind === 'tensor' && type.shape !== null);
    assert.equal(type.shape[1], 6);
    assert.equal(new Set(type.shape).size, 4);
    const session = await runtime.open(graph);
    for (const [height, width] of [
      [7, 7],
      [3, 3],
    ] as const) {
      const x = normalTensor(createRandom(9), [3, 2, height, width]);
      const { a } = await activations(model, { x }, ['a']);
      const results = await session.run({ x });
      assert.deepEqual(
        toFloat64(results[targets[0]!.maximum]!),
        Float64Array.from({ length: 3 * 6 }, (_, row) =>
          toFloat64(a!)
            .subarray(row * height * width, (row + 1) * height * width)
            .reduce((most, value) => Math.max(most, value), -Infinity),
        ),
      );
    }
    await session.close();
  });

  it('counts a value without positions and several layers at once', async () => {
    const model = denseModel([5, 9, 8, 3], 'Tanh');
    const inputs = { x: normalTensor(createRandom(4), [50, 5], 3) };
    const rule: Rule = { kind: 'bounded', low: -1, high: 1 };
    const targets = [
      targetOf('act1_out', 'fc1_out', [50, 9], rule),
      targetOf('act2_out', 'fc2_out', [50, 8], rule),
    ];
    const taps = await activations(model, inputs, ['act1_out', 'act2_out']);
    const result = await sweep(model, inputs, targets, { batchSize: 13 });
    for (const [index, target] of targets.entries()) {
      const units = recount(taps[target.leaving]!, { unitAxis: 1 });
      const { statistics } = result.layers[index]!;
      assertEqualsRecount(statistics, units);
      const margins = units.map((unit) =>
        unit.values.filter((v) => v <= Math.fround(-0.98) || v >= Math.fround(0.98)),
      );
      assert.deepEqual(
        [...statistics.saturatedCount],
        margins.map((values) => values.length),
      );
      assert.ok(
        margins.some((values) => values.length > 0),
        'the case must have saturated outputs',
      );
    }
  });

  it('stops at the limit', async () => {
    const model = denseModel([5, 9, 3]);
    const inputs = { x: normalTensor(createRandom(4), [50, 5]) };
    const result = await sweep(model, inputs, [targetOf('act1_out', 'fc1_out', [50, 9], relu)], {
      batchSize: 8,
      limit: 19,
    });
    assert.equal(result.sampleCount, 19);
    assert.equal(result.layers[0]!.statistics.elementCount, 19);
  });

  it('measures activity relative to the RMS of the layer', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('z', floatType('N', 3, 4));
    builder.addOutput(builder.node('Mul', ['z', builder.node('Sigmoid', ['z'])], { outputs: ['a'] }));
    const model = builder.build();
    const inputs = { z: normalTensor(createRandom(5), [40, 3, 4], 4) };
    // Unit 2 is so negative that SiLU leaves nearly nothing.
    for (let i = 0; i < 160; i++) {
      const row = Math.floor(i / 4);
      (inputs.z.data as Float32Array)[row * 12 + 8 + (i % 4)] = -30 - (i % 3);
    }
    const { a } = await activations(model, inputs, ['a']);
    const units = recount(a!, { unitAxis: 1 });
    const squares = units.reduce((sum, unit) => sum + unit.squares, 0);
    const rms = Math.sqrt(squares / (40 * 3 * 4));
    const result = await sweep(
      model,
      inputs,
      [targetOf('a', 'z', [40, 3, 4], { kind: 'smooth-rectifier' })],
      {
        batchSize: 7,
        epsilon: 0.05,
      },
    );
    const { statistics, rms: measured } = result.layers[0]!;
    assert.ok(Math.abs(measured! / rms - 1) < sumTolerance);
    const isActive = (value: number): boolean => Math.abs(value) > Math.fround(0.05 * measured!);
    assert.deepEqual(
      [...statistics.activeCount],
      units.map((unit) => unit.values.filter(isActive).length),
    );
    assert.deepEqual(
      [...statistics.activeSampleCount],
      units.map(
        (unit) =>
          Array.from({ length: 40 }, (_, n) => unit.values.slice(4 * n, 4 * n + 4).some(isActive)).filter(
            Boolean,
          ).length,
      ),
    );
    assert.equal(statistics.activeCount[2], 0);
  });

  it('counts NaN and infinities entering and leaving, also where the activation hides them', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('z', floatType('N', 5, 6));
    builder.addOutput(builder.node('Relu', ['z'], { outputs: ['a'] }));
    const model = builder.build();
    const z = normalTensor(createRandom(6), [10, 5, 6]);
    const data = z.data as Float32Array;
    const at = (n: number, unit: number, position: number): number => (n * 5 + unit) * 6 + position;
    data[at(3, 0, 2)] = NaN;
    data[at(4, 1, 0)] = -Infinity;
    data[at(9, 1, 5)] = -Infinity;
    data[at(0, 2, 1)] = Infinity;
    // Finite, and their sum overflows float32.
    for (let i = 0; i < 6; i++) data[at(5, 3, i)] = 3e38;
    const { a } = await activations(model, { z }, ['a']);
    const units = recount(a!, { unitAxis: 1 });
    const result = await sweep(model, { z }, [targetOf('a', 'z', [10, 5, 6], relu)], { batchSize: 4 });
    const { statistics } = result.layers[0]!;
    assert.deepEqual([...statistics.nanEntering], [1, 0, 0, 0, 0]);
    assert.deepEqual([...statistics.infiniteEntering], [0, 2, 1, 0, 0]);
    assert.deepEqual(
      [...statistics.nanLeaving],
      units.map((unit) => unit.nanCount),
    );
    assert.deepEqual([...statistics.infiniteLeaving], [0, 0, 1, 0, 0]);
    assert.equal(statistics.maximum[2], Infinity);
    assert.ok(Math.abs(statistics.sum[3]! - units[3]!.sum) / units[3]!.sum < sumTolerance);
    assert.deepEqual(
      [...statistics.nonZeroCount],
      units.map((unit) => unit.nonZeroCount),
    );
    assert.deepEqual(
      [...statistics.positiveCount],
      units.map((unit) => unit.positiveCount),
    );
  });

  for (const [layout, axes] of [
    ['axis-1', 'N, T, U'],
    ['axis-2', 'N, U, T'],
    ['rows', 'N·T, U'],
  ] as const) {
    it(`leaves masked positions of [${axes}] out of every count`, async () => {
      const [N, T, U] = [11, 6, 4];
      const builder = new GraphBuilder(emptyModel());
      // By its usual name, or named by the data.
      const maskInput = layout === 'axis-1' ? 'kept' : 'attention_mask';
      builder.addInput(maskInput, { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
      builder.addInput('x', floatType('N', 'T', U));
      const shaped =
        layout === 'axis-1'
          ? 'x'
          : layout === 'axis-2'
            ? builder.node('Transpose', ['x'], { attributes: { perm: [0, 2, 1] } })
            : builder.node('Reshape', ['x', builder.int64s([-1, U])]);
      builder.addOutput(builder.node('Relu', [shaped], { outputs: ['a'] }));
      const random = createRandom(7);
      const x = normalTensor(random, [N, T, U]);
      const kept = Array.from({ length: N * T }, (_, i) => (i % T === 0 || random.next() < 0.6 ? 1 : 0));
      // Sample 2 is masked throughout; masked places hold the largest values, so that a leak shows.
      for (let t = 0; t < T; t++) kept[2 * T + t] = 0;
      for (const [i, keep] of kept.entries()) {
        if (keep === 0) (x.data as Float32Array).fill(100, i * U, (i + 1) * U);
      }
      const inputs = { x, [maskInput]: int64Tensor(kept, [N, T]) };
      const units = recount(
        float32Tensor(
          (x.data as Float32Array).map((v) => Math.max(v, 0)),
          [N, T, U],
        ),
        {
          unitAxis: 2,
          counts: ([n, t]) => kept[n! * T + t!] === 1,
        },
      );
      const target: SweepTarget = {
        ...targetOf('a', shaped, [N, U], relu),
        rank: layout === 'rows' ? 2 : 3,
        unitAxis: layout === 'axis-1' ? 2 : 1,
        rowsPerSample: layout === 'rows' ? T : 1,
        maskLayout: layout,
        maskInput,
      };
      const { statistics } = (await sweep(builder.build(), inputs, [target], { batchSize: 3, maskInput }))
        .layers[0]!;
      assertEqualsRecount(statistics, units);
      assert.deepEqual(
        [...statistics.activeSampleCount],
        units.map((unit) => unit.positiveSampleCount),
      );
      assert.ok(![...statistics.top.ids].includes(2));
    });
  }

  it('fills the last batch of a model with a fixed batch and does not count what it filled', async () => {
    const free = convModel('LeakyRelu');
    const model = {
      ...free,
      graph: {
        ...free.graph,
        inputs: free.graph.inputs.map((input) => ({ ...input, type: floatType(4, 2, 7, 5) })),
      },
    };
    const inputs = { x: normalTensor(createRandom(9), [10, 2, 7, 5]) };
    const { a } = await activations(free, inputs, ['a']);
    const target = targetOf('a', 'z', [10, 6, 7, 5], { kind: 'leaky' });
    const { statistics } = (await sweep(model, inputs, [target], { batchSize: 4 })).layers[0]!;
    assertEqualsRecount(statistics, recount(a!, { unitAxis: 1 }));
  });

  it('gives the same merged from two parts as from one sweep', async () => {
    const model = convModel('Relu');
    const x = normalTensor(createRandom(9), [20, 2, 7, 5]);
    const target = targetOf('a', 'z', [20, 6, 7, 5], relu);
    const statisticsOf = async (part: TensorValue): Promise<UnitStatistics> =>
      (await sweep(model, { x: part }, [target])).layers[0]!.statistics;
    const whole = await statisticsOf(x);
    const merged = mergeUnitStatistics(
      await statisticsOf(rowsOf(x, 0, 13)),
      await statisticsOf(rowsOf(x, 13, 20)),
    );
    for (const field of [
      'maximum',
      'minimum',
      'positiveCount',
      'nonZeroCount',
      'activeSampleCount',
    ] as const) {
      assert.deepEqual(merged[field], whole[field], field);
    }
    assert.equal(merged.elementCount, whole.elementCount);
    assert.equal(merged.sampleCount, 20);
  });
});
