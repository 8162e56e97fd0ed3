import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { unitLinks } from '../../../src/engine/weights/unitLinks.js';
import type { Model } from '../../../src/onnx/model.js';
import { openedModel } from '../../../src/onnx/openedModel.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import type { UnitLinks } from '../../../src/protocol/units.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { samplesDir } from '../../support/paths.js';
import { at } from '../../support/plantedWeights.js';
import { isCode } from '../../support/tensors.js';

const random = createRandom(11);

function linksOf(model: Model, address: string): Promise<UnitLinks> {
  return unitLinks(openedModel(model), { address });
}

/** Targets of one layer as numbers, by the address of the target. */
function weightsOf({ targets }: UnitLinks, layer: string): Record<string, number> {
  const found = targets.find((one) => one.layer === layer);
  assert.ok(found, `${layer} is not among ${targets.map((one) => one.layer).join(', ')}`);
  return Object.fromEntries(found.strongest.map(({ from, value }) => [from, value]));
}

function closeTo(found: Record<string, number>, expected: Record<string, number>): void {
  assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) {
    assert.ok(
      Math.abs((found[name] ?? NaN) - value) < 1e-6,
      `${name}: ${String(found[name])} for ${String(value)}`,
    );
  }
}

/** Signed length of numbers. */
function signedLength(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  return Math.sign(sum) * Math.sqrt(values.reduce((total, value) => total + value * value, 0));
}

describe('where a neuron leads', () => {
  it('is its column of the next product, behind the activation, and the largest by size come first', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 3));
    const first = normalTensor(random, [3, 5]);
    const second = normalTensor(random, [4, 5]);
    const h = builder.node('MatMul', ['x', builder.constant(first, 'fc1.weight')], { name: '/fc1/MatMul' });
    const r = builder.node('Relu', [h], { name: '/act/Relu' });
    const y = builder.node('Gemm', [r, builder.constant(second, 'fc2.weight')], {
      name: '/fc2/Gemm',
      attributes: { transB: 1, alpha: { kind: 'float', value: 0.5 } },
    });
    builder.addOutput(y);
    const links = await linksOf(builder.build(), 'fc1[3]');
    closeTo(
      weightsOf(links, 'fc2'),
      Object.fromEntries([0, 1, 2, 3].map((t) => [`fc2[${String(t)}]`, 0.5 * at(second, t, 3)])),
    );
    const sizes = links.targets[0]!.strongest.map(({ value }) => Math.abs(value));
    assert.deepEqual(
      sizes,
      sizes.toSorted((a, b) => b - a),
    );
    assert.deepEqual(links.targets[0]!.through, ['act']);
    assert.deepEqual(links.outputs, []);
    const last = await linksOf(builder.build(), 'fc2[1]');
    assert.deepEqual([last.targets, last.outputs], [[], [y]]);
  });

  it('is a kernel for every channel of the next convolution, in its group only', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 1, 6, 6));
    const second = normalTensor(random, [6, 2, 3, 3]);
    const a = builder.node(
      'Conv',
      ['x', builder.constant(normalTensor(random, [4, 1, 3, 3]), 'conv1.weight')],
      {
        name: '/conv1/Conv',
      },
    );
    const scale = builder.constant(normalTensor(random, [4]));
    const rest = ['b', 'm', 'v'].map(() => builder.constant({ ...normalTensor(random, [4]) }));
    const b = builder.node('BatchNormalization', [a, scale, ...rest], { name: '/bn/BatchNormalization' });
    const p = builder.node('MaxPool', [builder.node('Relu', [b])], { attributes: { kernel_shape: [2, 2] } });
    const c = builder.node('Conv', [p, builder.constant(second, 'conv2.weight')], {
      name: '/conv2/Conv',
      attributes: { group: 2, pads: [1, 1, 1, 1] },
    });
    builder.addOutput(c);
    const links = await linksOf(builder.build(), 'conv1[3]');
    const kernel = (unit: number): number[] =>
      Array.from({ length: 9 }, (_, i) => at(second, unit, 1, Math.floor(i / 3), i % 3));
    closeTo(
      weightsOf(links, 'conv2'),
      Object.fromEntries([3, 4, 5].map((unit) => [`conv2[${String(unit)}]`, signedLength(kernel(unit))])),
    );
    assert.equal(links.targets[0]!.weightsEach, 9);
    assert.equal(links.targets[0]!.through[0], 'bn');
  });

  it('is every position of its map behind a Flatten', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType(2, 1, 4, 4));
    const dense = normalTensor(random, [12, 3]);
    const a = builder.node(
      'Conv',
      ['x', builder.constant(normalTensor(random, [3, 1, 3, 3]), 'conv.weight')],
      {
        name: '/conv/Conv',
      },
    );
    const f = builder.node('Flatten', [builder.node('Relu', [a])]);
    const y = builder.node('MatMul', [f, builder.constant(dense, 'fc.weight')], { name: '/fc/MatMul' });
    builder.addOutput(y);
    const links = await linksOf(builder.build(), 'conv[1]');
    const rows = [4, 5, 6, 7];
    closeTo(
      weightsOf(links, 'fc'),
      Object.fromEntries(
        [0, 1, 2].map((t) => [`fc[${String(t)}]`, signedLength(rows.map((row) => at(dense, row, t)))]),
      ),
    );
    assert.equal(links.targets[0]!.weightsEach, 4);
  });

  it('is all that reads a residual stream, and what joins it by Concat is counted from where it stands', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 'T', 3));
    const [embed, branch, head] = [
      [3, 4],
      [4, 4],
      [7, 2],
    ].map((dims) => normalTensor(random, dims)) as [TensorValue, TensorValue, TensorValue];
    const product = (input: string, weight: TensorValue, name: string): string =>
      builder.node('MatMul', [input, builder.constant(weight, `${name}.weight`)], {
        name: `/${name}/MatMul`,
      });
    const e = product('x', embed, 'embed');
    const sum = builder.node('Add', [e, product(e, branch, 'branch')]);
    const y = product(builder.node('Concat', ['x', sum], { attributes: { axis: -1 } }), head, 'head');
    builder.addOutput(y);
    const links = await linksOf(builder.build(), 'embed[2]');
    closeTo(
      weightsOf(links, 'branch'),
      Object.fromEntries([0, 1, 2, 3].map((t) => [`branch[${String(t)}]`, at(branch, 2, t)])),
    );
    closeTo(weightsOf(links, 'head'), { 'head[0]': at(head, 5, 0), 'head[1]': at(head, 5, 1) });
  });

  it('ends in words where no weights of its own read it', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 3));
    const a = builder.node('MatMul', ['x', builder.constant(normalTensor(random, [3, 3]), 'q.weight')], {
      name: '/q/MatMul',
    });
    const y = builder.node('MatMul', [a, builder.node('Transpose', ['x'], { attributes: { perm: [1, 0] } })]);
    builder.addOutput(y);
    const links = await linksOf(builder.build(), 'q[0]');
    assert.deepEqual([links.targets, links.outputs, links.ends], [[], [], ['MatMul']]);
    await assert.rejects(linksOf(builder.build(), 'q'), isCode('no-weights'));
  });
});

describe('neurons that are alike', () => {
  it('are those whose incoming weights point in the same direction: a copy first, its opposite last', async () => {
    const builder = new GraphBuilder(emptyModel());
    builder.addInput('x', floatType('N', 6));
    const weight = normalTensor(random, [6, 5]);
    const data = toFloat64(weight);
    // Unit 4 is twice unit 1, unit 0 its opposite.
    for (let row = 0; row < 6; row++) {
      data[row * 5 + 4] = 2 * data[row * 5 + 1]!;
      data[row * 5] = -data[row * 5 + 1]!;
    }
    const planted = builder.constant({ dtype: 'float64', dims: [6, 5], data }, 'fc.weight');
    const x = builder.cast('x', 11);
    builder.addOutput(builder.node('Relu', [builder.node('MatMul', [x, planted], { name: '/fc/MatMul' })]));
    const { similar, whyNoSimilar } = await linksOf(builder.build(), 'fc[1]');
    assert.equal(whyNoSimilar, null);
    assert.deepEqual([similar[0]?.address, similar.at(-1)?.address], ['fc[4]', 'fc[0]']);
    assert.ok(Math.abs(similar[0]!.cosine - 1) < 1e-12);
    assert.ok(Math.abs(similar.at(-1)!.cosine + 1) < 1e-12);
    const [b, c] = [1, 3].map((unit) => [0, 1, 2, 3, 4, 5].map((row) => data[row * 5 + unit]!)) as [
      number[],
      number[],
    ];
    const dot = (p: number[], q: number[]): number => p.reduce((sum, value, i) => sum + value * q[i]!, 0);
    const third = similar.find(({ address }) => address === 'fc[3]')!;
    assert.ok(Math.abs(third.cosine - dot(b, c) / Math.sqrt(dot(b, b) * dot(c, c))) < 1e-12);
  });

  it('keeps what an address selects in those that are like it', async () => {
    const model = await readModel(join(samplesDir, 'story-lm', 'story-lm.onnx'));
    const { similar } = await linksOf(model, 'blocks.0.mlp.hidden[11]');
    assert.match(similar[0]?.address ?? '', /^blocks\.0\.mlp\.hidden\[\d+\]$/);
  });
});
