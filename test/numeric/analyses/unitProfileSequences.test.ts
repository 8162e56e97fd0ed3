import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { tap } from '../../../src/engine/rewrites/tap.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { measureUnitOn } from '../../support/measureUnitOn.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { recount, type UnitRecount } from '../../support/recount.js';
import { isCode } from '../../support/tensors.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });

const [N, T, D, H] = [9, 6, 8, 2];

/** x [N, T, 8] → attention of 2 heads → MLP of 12 hidden units (gated or not) → y. */
function transformer(options: { readonly isGated?: boolean; readonly isFlat?: boolean } = {}): Model {
  const builder = new GraphBuilder(emptyModel());
  const random = createRandom(5);
  builder.addInput('x', floatType('N', 'T', D));
  builder.addInput('attention_mask', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
  const dense = (value: string, scope: string, sizes: [number, number]): string => {
    const weight = builder.constant(normalTensor(random, sizes, 0.6), `blocks.0.${scope}.w`);
    return builder.node('MatMul', [value, weight], { name: `/blocks.0/${scope}/MatMul` });
  };
  const split = (name: string, perm: number[]): string => {
    const shape = builder.constant(int64Tensor([0, 0, H, D / H], [4]), 'heads');
    const parts = builder.node('Reshape', [dense('x', `attn/${name}`, [D, D]), shape]);
    return builder.node('Transpose', [parts], { attributes: { perm } });
  };
  const scores = builder.node('MatMul', [split('q', [0, 2, 1, 3]), split('k', [0, 2, 3, 1])]);
  const probabilities = builder.node('Softmax', [scores], {
    outputs: ['probabilities'],
    name: '/blocks.0/attn/Softmax',
    attributes: { axis: -1 },
  });
  const mixed = builder.node('MatMul', [probabilities, split('v', [0, 2, 1, 3])]);
  const back = builder.node('Transpose', [mixed], { attributes: { perm: [0, 2, 1, 3] } });
  const rows = options.isFlat === true ? [-1, D] : [0, 0, D];
  const shape = builder.constant(int64Tensor(rows, [rows.length]), 'joined');
  const joined = builder.node('Reshape', [back, shape]);
  const gate = dense(joined, 'mlp/fc1', [D, 12]);
  const act = builder.node('Relu', [gate], { outputs: ['act'], name: '/blocks.0/mlp/act/Relu' });
  const hidden =
    options.isGated === true
      ? builder.node('Mul', [act, dense(joined, 'mlp/up', [D, 12])], { outputs: ['hidden'] })
      : act;
  builder.addOutput(dense(hidden, 'mlp/fc2', [12, D]));
  return builder.build();
}

/** Tokens behind the first few are padding; sample 2 is padding altogether. */
const lengths = [6, 3, 0, 1, 6, 2, 5, 4, 6];
const mask = int64Tensor(
  lengths.flatMap((length) => Array.from({ length: T }, (_, t) => (t < length ? 1 : 0))),
  [N, T],
);

/** Padding holds the largest values, so that a leak shows. */
function feeds(): Feeds {
  const x = normalTensor(createRandom(8), [N, T, D]);
  for (const [n, length] of lengths.entries()) {
    (x.data as Float32Array).fill(9, (n * T + length) * D, (n + 1) * T * D);
  }
  return { x, attention_mask: mask };
}

const isKept = (n: number, t: number): boolean => t < lengths[n]!;

async function valueOf(model: Model, value: string): Promise<TensorValue> {
  const tapped = tap(model, [value]);
  const session = await runtime.open(tapped.model);
  const given = feeds();
  const wanted = Object.fromEntries(session.inputNames.map((name) => [name, given[name]!]));
  const outputs = await session.run(wanted);
  await session.close();
  return outputs[tapped.outputs.get(value)!]!;
}

async function measure(model: Model, address: string, batchSize = 4) {
  return measureUnitOn(model, memoryDataset(feeds()), address, { batchSize });
}

function assertCounts(
  { figures, fold }: Awaited<ReturnType<typeof measure>>,
  unit: UnitRecount,
  best: readonly number[],
): void {
  assert.equal(figures.elementCount, unit.elementCount);
  assert.deepEqual([figures.maximum, figures.minimum], [unit.maximum, unit.minimum]);
  assert.equal(figures.activeFraction, unit.positiveCount / unit.elementCount);
  assert.equal(figures.activeSampleCount, unit.positiveSampleCount);
  assert.equal(
    figures.histogram.counts.reduce((a, b) => a + b, 0),
    unit.elementCount,
  );
  assert.deepEqual(
    fold.topExamples().map(({ index }) => index),
    best,
  );
}

/** Samples by their largest value, those without one left out. */
function ranked(unit: UnitRecount, floor: number): number[] {
  return unit.sampleMaxima
    .map((value, index) => ({ value, index }))
    .filter(({ value }) => value > floor)
    .sort((p, q) => q.value - p.value || p.index - q.index)
    .slice(0, 8)
    .map(({ index }) => index);
}

describe('a neuron’s profile on sequences', () => {
  it('leaves masked tokens out of numbers, examples and maps', async () => {
    const model = transformer();
    const act = await valueOf(model, 'act');
    const units = recount(act, { unitAxis: 2, counts: ([n, t]) => isKept(n!, t!) });
    for (const address of ['blocks.0.mlp.fc1[7]', 'blocks.0.mlp.act[7]', 'blocks.0.mlp.hidden[7]', 'L0N7']) {
      const measured = await measure(model, address);
      assertCounts(measured, units[7]!, ranked(units[7]!, 0));
      for (const { index, position, map } of measured.fold.topExamples()) {
        assert.deepEqual([map?.width, map?.height], [T, 1]);
        const tokens = Array.from({ length: T }, (_, t) => toFloat64(act)[(index * T + t) * 12 + 7]!);
        assert.deepEqual(
          map?.values,
          tokens.map((value, t) => (isKept(index, t) ? Number(value.toPrecision(4)) : null)),
        );
        assert(isKept(index, position![0]!));
      }
      const masked = measured.fold.chosenExamples().find(({ index }) => index === 2);
      assert(masked === undefined || (masked.value === '-Infinity' && masked.position === undefined));
    }
  });

  it('does so where tokens are folded into the batch axis', async () => {
    const model = transformer({ isFlat: true });
    const act = await valueOf(model, 'act');
    const unfolded = { ...act, dims: [N, T, 12] };
    const units = recount(unfolded, { unitAxis: 2, counts: ([n, t]) => isKept(n!, t!) });
    const measured = await measure(model, 'blocks.0.mlp.fc1[3]');
    assertCounts(measured, units[3]!, ranked(units[3]!, 0));
    assert(measured.fold.topExamples().every(({ map }) => map?.width === T && map.height === 1));
  });

  it('tells of one token, counted from the end too, and of no masked one', async () => {
    const model = transformer();
    const act = await valueOf(model, 'act');
    for (const [token, address] of [
      [1, 'blocks.0.mlp.fc1[3]@1'],
      [T - 1, 'blocks.0.mlp.fc1[3]@-1'],
    ] as const) {
      const counts = ([n, t]: readonly number[]): boolean => t === token && isKept(n!, t);
      const unit = recount(act, { unitAxis: 2, counts })[3]!;
      assertCounts(await measure(model, address), unit, ranked(unit, 0));
    }
  });

  it('counts queries and keys of a head that are both no padding', async () => {
    const model = transformer();
    const probabilities = await valueOf(model, 'probabilities');
    const counts = ([n, , q, k]: readonly number[]): boolean => isKept(n!, q!) && isKept(n!, k!);
    const units = recount(probabilities, { unitAxis: 1, counts });
    const measured = await measure(model, 'blocks.0.attn.head[1]');
    assertCounts(measured, units[1]!, ranked(units[1]!, -Infinity));
    assert.equal(measured.figures.state, 'not-judged');
    assert.equal(measured.figures.stateMeaning, 'Not judged: a head gives probabilities.');
    const [first] = measured.fold.topExamples();
    assert.deepEqual([first?.map?.width, first?.map?.height], [T, T]);
    const one = await measure(model, 'blocks.0.attn.head[0]@0,-6');
    const at = recount(probabilities, {
      unitAxis: 1,
      counts: ([n, , q, k]) => q === 0 && k === 0 && isKept(n!, 0),
    });
    assertCounts(one, at[0]!, ranked(at[0]!, -Infinity));
  });

  it('measures what enters a gated down projection, without a state', async () => {
    const model = transformer({ isGated: true });
    const units = recount(await valueOf(model, 'hidden'), {
      unitAxis: 2,
      counts: ([n, t]) => isKept(n!, t!),
    });
    const measured = await measure(model, 'blocks.0.mlp.hidden[5]');
    assertCounts(measured, units[5]!, ranked(units[5]!, -Infinity));
    assert.match(measured.figures.stateMeaning, /^Not judged: .* a product/);
    assert.equal(measured.figures.before, undefined);
  });

  it('judges a plain down projection’s input like its activation', async () => {
    const { figures } = await measure(transformer(), 'blocks.0.mlp.hidden[5]');
    assert.equal(figures.measuredAt, 'blocks.0.mlp.hidden[5]');
    assert.equal(figures.state, (await measure(transformer(), 'blocks.0.mlp.act[5]')).figures.state);
    assert(figures.before !== undefined);
  });

  it('says when a mask does not line up', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 2, 4, 4));
    builder.addInput('attention_mask', { kind: 'tensor', elementType: 'int64', shape: ['N', 'T'] });
    const weight = builder.constant(normalTensor(createRandom(1), [3, 2, 1, 1]), 'conv.weight');
    builder.addOutput(builder.node('Conv', ['x', weight], { name: '/conv/Conv' }));
    const data = memoryDataset({ x: normalTensor(createRandom(2), [N, 2, 4, 4]), attention_mask: mask });
    const { figures } = await measureUnitOn(builder.build(), data, 'conv[1]');
    assert.equal(figures.elementCount, N * 16);
    assert.match(figures.warnings.join(), /Masked tokens could not be left out of conv\[1\]/);
  });

  it('measures recurrent layers, which put time first', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType(T, 'N', D));
    const random = createRandom(3);
    const weights = (name: string, dims: number[]): string =>
      builder.constant(normalTensor(random, dims, 0.7), name);
    builder.node('RNN', ['x', weights('w', [1, 5, D]), weights('r', [1, 5, 5])], {
      outputs: ['y'],
      name: '/rnn/RNN',
      attributes: { hidden_size: 5 },
    });
    builder.addOutput('y');
    const model = builder.build();
    // Time first in the model, samples first in the data: each sample is one run of its own.
    const x = normalTensor(createRandom(4), [T, 1, D]);
    const data = { ...memoryDataset({ x }), sampleCount: 1 };
    const session = await runtime.open(model);
    const { y } = await session.run({ x });
    const one = {
      ...data,
      async *batches() {
        yield await Promise.resolve({ feeds: { x }, sampleCount: 1, firstIndex: 0, ids: ['0'] });
      },
    };
    const unit = recount(y!, { unitAxis: 3 })[2]!;
    const { figures, fold } = await measureUnitOn(model, one, 'rnn[2]', { batchSize: 1 });
    assert.equal(figures.elementCount, T);
    assert.deepEqual([figures.maximum, figures.minimum], [unit.maximum, unit.minimum]);
    assert.deepEqual(fold.topExamples()[0]?.position, [unit.values.indexOf(unit.maximum), 0]);
  });

  it('refuses what cannot be read or is no neuron, with the reason', async () => {
    const inner = new GraphBuilder(emptyModel());
    const weight = inner.constant(normalTensor(createRandom(1), [D, 4]), 'inner.weight');
    inner.addOutput(inner.node('MatMul', ['x', weight], { outputs: ['inner_out'], name: 'inner' }));
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', D));
    const value = { kind: 'graph', value: inner.build().graph } as const;
    const yes = builder.constant({ dtype: 'bool', dims: [], data: Uint8Array.of(1) }, 'yes');
    builder.addOutput(builder.node('If', [yes], { attributes: { then_branch: value, else_branch: value } }));
    const x = float32Tensor(new Float32Array(N * D), [N, D]);
    await assert.rejects(
      measureUnitOn(builder.build(), memoryDataset({ x }), 'inner[1]'),
      isCode('unit-in-body'),
    );
    const model = transformer();
    await assert.rejects(measure(model, 'blocks.0.mlp.fc1'), isCode('unit-missing'));
    await assert.rejects(measure(model, 'blocks.0.mlp.fc1[12]'), isCode('unit-out-of-range'));
    await assert.rejects(measure(model, 'blocks.0.attn.head[2]'), isCode('unit-out-of-range'));
    await assert.rejects(measure(model, 'blocks.0.mlp.fc3[1]'), isCode('unknown-layer'));
  });
});
