import assert from 'node:assert/strict';
import { itHolds } from '../../../support/papers.js';
import { BlockBuilder, operatorsOf } from '../../../support/plantedBlocks.js';

/** √(variance within groups + ε) as PyTorch writes it: reshaped, by means, expanded. */
function groupDeviation(net: BlockBuilder, x: string): string {
  const groups = net.op('Reshape', [x, net.ints(-1, 2, 2, 6, 6)]);
  const mean = net.op('ReduceMean', [groups], { axes: [2, 3, 4] });
  const centred = net.op('Sub', [groups, mean]);
  const variance = net.op('ReduceMean', [net.op('Mul', [centred, centred])], { axes: [2, 3, 4] });
  const root = net.op('Sqrt', [net.op('Add', [variance, net.constant([], 1e-5)])]);
  const expanded = net.op('Expand', [root, net.ints(1, 2, 2, 6, 6)]);
  return net.op('Reshape', [expanded, net.ints(-1, 4, 6, 6)]);
}

/** √(variance within a sample + ε) as TensorFlow writes it: E[x²] − E[x]². */
function instanceDeviation(net: BlockBuilder, x: string): string {
  const mean = net.op('ReduceMean', [x], { axes: [2, 3] });
  const square = net.op('ReduceMean', [net.op('Mul', [x, x])], { axes: [2, 3] });
  const variance = net.op('Sub', [square, net.op('Mul', [mean, mean])]);
  return net.op('Sqrt', [net.op('Add', [variance, net.constant([], 1e-5)])]);
}

describe('an EvoNorm layer', () => {
  itHolds(83, 'S0 is one named block each, in the forms of PyTorch and TensorFlow', () => {
    const net = new BlockBuilder(['N', 4, 6, 6]);
    const affine = (value: string): string =>
      net.op('Add', [net.op('Mul', [value, net.constant([4, 1, 1])]), net.constant([4, 1, 1])]);
    const start = net.conv('x', [4, 4]);
    const swish = net.op('Mul', [
      start,
      net.op('Sigmoid', [net.op('Mul', [start, net.constant([4, 1, 1])])]),
    ]);
    const first = affine(net.op('Div', [swish, groupDeviation(net, start)]));
    const middle = net.conv(first, [4, 4]);
    const other = net.op('Mul', [
      net.op('Sigmoid', [net.op('Mul', [net.constant([1, 4, 1, 1]), middle])]),
      middle,
    ]);
    const second = affine(net.op('Mul', [other, net.op('Reciprocal', [instanceDeviation(net, middle)])]));
    const blocks = net.blocks(net.conv(second, [4, 2]), 'evonorm');
    assert.deepEqual(
      blocks.map(({ variant, output }) => [variant, output]),
      [
        ['EvoNorm-S0', first],
        ['EvoNorm-S0', second],
      ],
    );
    // Everything from the convolution to the next one is inside: nothing of the layer stands beside it.
    assert.equal(operatorsOf(blocks[0]).split(' ').length, 15);
    assert.ok(blocks.every(({ nodes }) => nodes.every(({ opType }) => opType !== 'Conv')));
  });

  it('B0 is told from S0, its batch variance a constant', () => {
    const net = new BlockBuilder(['N', 4, 6, 6]);
    const x = net.conv('x', [4, 4]);
    const batch = net.constant([1, 4, 1, 1], 1);
    const sum = net.op('Add', [net.op('Mul', [x, net.constant([4, 1, 1])]), instanceDeviation(net, x)]);
    const normed = net.op('Div', [x, net.op('Max', [batch, sum])]);
    const scaled = net.op('Add', [net.op('Mul', [normed, net.constant([4, 1, 1])]), net.constant([4, 1, 1])]);
    const blocks = net.blocks(net.conv(scaled, [4, 2]), 'evonorm');
    assert.deepEqual(
      blocks.map(({ variant, output }) => [variant, output]),
      [['EvoNorm-B0', scaled]],
    );
  });

  it('is no softmax, no layer normalisation and no plain swish', () => {
    const net = new BlockBuilder(['N', 4, 6, 6]);
    const x = net.conv('x', [4, 4]);
    const swish = net.op('Mul', [x, net.op('Sigmoid', [x])]);
    const norm = net.op('Div', [net.op('Sub', [x, net.op('ReduceMean', [x])]), instanceDeviation(net, x)]);
    assert.deepEqual(net.blocks(net.op('Add', [norm, swish]), 'evonorm'), []);
  });
});

describe('a normalisation and its activation', () => {
  itHolds(83, 'are one block for batch, layer, instance and group normalisation', () => {
    const net = new BlockBuilder(['N', 4, 6, 6]);
    const batch = net.op('Relu', [net.batchNorm(net.conv('x', [4, 4]), 4)]);
    const instance = net.op('LeakyRelu', [
      net.op('InstanceNormalization', [net.conv(batch, [4, 4]), net.constant([4]), net.constant([4])]),
    ]);
    const group = net.op(
      'GroupNormalization',
      [net.conv(instance, [4, 4]), net.constant([4]), net.constant([4])],
      {
        num_groups: 2,
      },
    );
    const swish = net.op('Mul', [group, net.op('Sigmoid', [group])]);
    const layer = net.op('Gelu', [
      net.op('LayerNormalization', [swish, net.constant([6]), net.constant([6])]),
    ]);
    const blocks = net.blocks(net.conv(layer, [4, 2]), 'norm-activation');
    assert.deepEqual(
      blocks.map(({ variant, layers }) => [variant, layers.length]),
      [
        ['BN + ReLU', 2],
        ['IN + LeakyReLU', 2],
        ['GN + SiLU', 2],
        ['LN + GELU', 2],
      ],
    );
  });

  it('are none where something else reads the normalised value', () => {
    const net = new BlockBuilder(['N', 4, 6, 6]);
    const norm = net.batchNorm(net.conv('x', [4, 4]), 4);
    assert.deepEqual(net.blocks(net.op('Add', [net.op('Relu', [norm]), norm]), 'norm-activation'), []);
  });
});

describe('an IBN layer', () => {
  it('is an instance and a batch normalisation of the halves of one value, split or sliced', () => {
    const net = new BlockBuilder(['N', 4, 6, 6]);
    const start = net.conv('x', [4, 4]);
    net.planted.node('Split', [start, net.ints(2, 2)], {
      attributes: { axis: 1 },
      outputs: ['left', 'right'],
    });
    const norm = (value: string): string =>
      net.op('InstanceNormalization', [value, net.constant([2]), net.constant([2])]);
    const first = net.op('Concat', [norm('left'), net.batchNorm('right', 2)], { axis: 1 });
    const middle = net.conv(net.op('Relu', [first]), [4, 4]);
    const slice = (from: number, to: number): string =>
      net.op('Slice', [middle, net.ints(from), net.ints(to), net.ints(1)]);
    const second = net.op('Concat', [net.batchNorm(slice(0, 2), 2), norm(slice(2, 4))], { axis: 1 });
    const blocks = net.blocks(net.op('Relu', [second]), 'ibn');
    assert.deepEqual(
      blocks.map(({ output, layers }) => [output, layers.length]),
      [
        [first, 2],
        [second, 2],
      ],
    );
  });

  itHolds(117, 'is an instance normalisation behind a residual sum, its scale inside or written out', () => {
    const net = new BlockBuilder(['N', 4, 6, 6]);
    const start = net.conv('x', [4, 4]);
    const branch = net.conv(net.op('Relu', [net.batchNorm(net.conv(start, [4, 4]), 4)]), [4, 4]);
    // As PyTorch's TorchScript exporter writes InstanceNorm2d.
    const sum = net.op('Add', [net.batchNorm(branch, 4), start]);
    const norm = net.op('InstanceNormalization', [sum, net.constant([4]), net.constant([4])]);
    const first = net.op('Relu', [norm]);
    // As a GroupNorm of as many groups as channels is written, the shortcut first.
    const second = net.conv(first, [4, 4]);
    const other = net.op('Add', [first, second]);
    const groups = net.op('Reshape', [other, net.ints(0, 4, -1)]);
    const plain = net.op('InstanceNormalization', [groups, net.constant([4], 1), net.constant([4], 0)]);
    const back = net.op('Reshape', [plain, net.ints(-1, 4, 6, 6)]);
    const scaled = net.op('Mul', [back, net.constant([4, 1, 1])]);
    const last = net.op('Relu', [net.op('Add', [scaled, net.constant([4, 1, 1])])]);
    const blocks = net.blocks(last, 'ibn');
    assert.deepEqual(
      blocks.map(({ variant, output }) => [variant, output]),
      [
        ['IBN-b', first],
        ['IBN-b', last],
      ],
    );
    // The residual block, its normalisation and its activation, and nothing of the next block.
    assert.equal(
      operatorsOf(blocks[0]),
      'Conv BatchNormalization Relu Conv BatchNormalization Add InstanceNormalization Relu',
    );
  });

  it('is none behind a sum that is no residual one, and none by batch normalisation', () => {
    const net = new BlockBuilder(['N', 4, 6, 6]);
    const sum = net.op('Add', [net.conv('x', [4, 4]), net.constant([4, 1, 1])]);
    const norm = net.op('InstanceNormalization', [sum, net.constant([4]), net.constant([4])]);
    const join = net.op('Add', [norm, net.conv(norm, [4, 4])]);
    assert.deepEqual(net.blocks(net.op('Relu', [net.batchNorm(join, 4)]), 'ibn'), []);
  });

  it('is none where the parts come from different values', () => {
    const net = new BlockBuilder(['N', 4, 6, 6]);
    const left = net.op('InstanceNormalization', [
      net.conv('x', [4, 2]),
      net.constant([2]),
      net.constant([2]),
    ]);
    const right = net.batchNorm(net.conv('x', [4, 2]), 2);
    assert.deepEqual(net.blocks(net.op('Concat', [left, right], { axis: 1 }), 'ibn'), []);
  });
});
