import assert from 'node:assert/strict';
import { itHolds } from '../../../support/papers.js';
import { BlockBuilder, operatorsOf } from '../../../support/plantedBlocks.js';

describe('an mlpconv layer', () => {
  itHolds(65, 'is a wide convolution and the 1 × 1 convolutions behind it, as PyTorch writes them', () => {
    const net = new BlockBuilder(['N', 3, 8, 8]);
    const wide = net.op('Relu', [net.conv('x', [3, 6], 5)]);
    const first = net.op('Relu', [net.conv(wide, [6, 6], 1)]);
    const second = net.op('Relu', [net.conv(first, [6, 4], 1)]);
    const [block, ...others] = net.blocks(net.op('MaxPool', [second], { kernel_shape: [2, 2] }), 'mlpconv');
    assert.deepEqual(others, []);
    assert.equal(operatorsOf(block), 'Conv Relu Conv Relu Conv Relu');
    assert.deepEqual([block?.output, block?.layers.length, block?.name], [second, 6, 'mlpconv_0']);
  });

  itHolds(
    65,
    'is the same as TensorFlow writes it: transposes around it, normalisation, the last activation left to pooling',
    () => {
      const net = new BlockBuilder(['N', 8, 8, 3]);
      const channelsFirst = net.op('Transpose', ['x'], { perm: [0, 3, 1, 2] });
      const wide = net.op('Relu', [net.batchNorm(net.conv(channelsFirst, [3, 6]), 6)]);
      const point = net.conv(wide, [6, 10], 1);
      const pooled = net.op('ReduceMean', [point], { axes: [2, 3], keepdims: 0 });
      const [block] = net.blocks(pooled, 'mlpconv');
      assert.equal(operatorsOf(block), 'Conv BatchNormalization Relu Conv');
      assert.equal(block?.output, point);
    },
  );

  it("is the same in ONNX Runtime's fused form", () => {
    const net = new BlockBuilder(['N', 3, 8, 8]);
    const conv = (input: string, from: number, to: number, size: number): string =>
      net.fused('FusedConv', [input, net.planted.weight([to, from, size, size])], { activation: 'Relu' });
    const output = conv(conv('x', 3, 6, 5), 6, 4, 1);
    assert.equal(operatorsOf(net.blocks(output, 'mlpconv')[0]), 'FusedConv FusedConv');
  });

  it('is no depthwise convolution, no bottleneck that is added to, and no convolution alone', () => {
    const net = new BlockBuilder(['N', 4, 8, 8]);
    const depthwise = net.op('Conv', ['x', net.planted.weight([4, 1, 3, 3])], {
      group: 4,
      pads: [1, 1, 1, 1],
    });
    const separable = net.op('Relu', [net.conv(net.op('Relu', [depthwise]), [4, 4], 1)]);
    const middle = net.op('Relu', [net.conv(net.op('Relu', [net.conv(separable, [4, 2], 1)]), [2, 2])]);
    const sum = net.op('Add', [separable, net.conv(middle, [2, 4], 1)]);
    assert.deepEqual(net.blocks(net.op('Relu', [sum]), 'mlpconv'), []);
  });
});

describe('a residual block', () => {
  it('holds both convolutions and the activation behind the sum', () => {
    const net = new BlockBuilder(['N', 4, 8, 8]);
    const stem = net.op('Relu', [net.conv('x', [4, 4])]);
    const branch = net.batchNorm(
      net.conv(net.op('Relu', [net.batchNorm(net.conv(stem, [4, 4]), 4)]), [4, 4]),
      4,
    );
    const output = net.op('Relu', [net.op('Add', [branch, stem])]);
    const [block, ...others] = net.blocks(net.op('GlobalAveragePool', [output]), 'residual');
    assert.deepEqual(others, []);
    assert.equal(operatorsOf(block), 'Conv BatchNormalization Relu Conv BatchNormalization Add Relu');
    assert.equal(block?.output, output);
  });

  it('holds the projection of its shortcut, on whichever side of the sum it stands', () => {
    for (const isFirst of [true, false]) {
      const net = new BlockBuilder(['N', 4, 8, 8]);
      const stem = net.op('Relu', [net.conv('x', [4, 4])]);
      const branch = net.conv(net.op('Relu', [net.conv(stem, [4, 8])]), [8, 8]);
      const shortcut = net.batchNorm(net.conv(stem, [4, 8], 1), 8);
      const sum = net.op('Add', isFirst ? [shortcut, branch] : [branch, shortcut]);
      const [block] = net.blocks(net.op('GlobalAveragePool', [sum]), 'residual');
      assert.equal(operatorsOf(block), 'Conv Relu Conv Conv BatchNormalization Add');
    }
  });

  it('is found where ONNX Runtime fused the sum into a convolution or a normalisation', () => {
    const net = new BlockBuilder(['N', 4, 8, 8]);
    const stem = net.op('Relu', [net.conv('x', [4, 4])]);
    const inner = net.fused('FusedConv', [stem, net.planted.weight([4, 4, 3, 3])], { activation: 'Relu' });
    const joined = net.fused(
      'FusedConv',
      [inner, net.planted.weight([4, 4, 3, 3]), net.constant([4]), stem],
      {
        activation: 'Relu',
      },
    );
    assert.equal(operatorsOf(net.blocks(net.op('Flatten', [joined]), 'residual')[0]), 'FusedConv FusedConv');

    const text = new BlockBuilder(['N', 5, 8]);
    const start = text.op('LayerNormalization', ['x', text.constant([8], 1)]);
    const mixed = text.dense(text.op('Gelu', [text.dense(start, [8, 16])]), [16, 8]);
    const norm = text.fused('SkipLayerNormalization', [
      mixed,
      start,
      text.constant([8], 1),
      text.constant([8]),
    ]);
    const [block] = text.blocks(norm, 'residual');
    assert.equal(operatorsOf(block), 'MatMul Add Gelu MatMul Add SkipLayerNormalization');
  });

  it('is no bias, no embedding of positions, and no mask that every layer adds to its scores', () => {
    const net = new BlockBuilder(['N', 5, 8]);
    const mask = net.op('Mul', [net.op('Unsqueeze', ['x', net.ints(1)]), net.constant([1, 1, 1, 1])]);
    const moved = net.op('Add', ['x', net.constant([5, 8])]);
    let value = net.dense(moved, [8, 8]);
    for (let layer = 0; layer < 2; layer++) {
      const scores = net.op('MatMul', [value, net.op('Transpose', [value], { perm: [0, 2, 1] })]);
      const masked = net.op('Add', [net.op('Unsqueeze', [scores, net.ints(1)]), mask]);
      value = net.dense(
        net.op('MatMul', [net.op('Softmax', [net.op('Squeeze', [masked, net.ints(1)])]), value]),
        [8, 8],
      );
    }
    assert.deepEqual(net.blocks(value, 'residual'), []);
  });
});

describe('squeeze-and-excitation', () => {
  itHolds(191, 'is named in the forms of PyTorch, Keras and a hard sigmoid', () => {
    const net = new BlockBuilder(['N', 8, 6, 6]);
    const start = net.op('Relu', [net.conv('x', [8, 8])]);
    // PyTorch with 1 × 1 convolutions.
    const pooled = net.op('GlobalAveragePool', [start]);
    const gate = net.op('Sigmoid', [net.conv(net.op('Relu', [net.conv(pooled, [8, 2], 1)]), [2, 8], 1)]);
    const first = net.op('Mul', [start, gate]);
    // Keras: ReduceMean, dense layers, Reshape.
    const mean = net.op('ReduceMean', [first], { axes: [2, 3], keepdims: 0 });
    const weights = net.op('Sigmoid', [net.dense(net.op('Relu', [net.dense(mean, [8, 2])]), [2, 8])]);
    const second = net.op('Mul', [net.op('Reshape', [weights, net.ints(-1, 8, 1, 1)]), first]);
    // MobileNetV3.
    const again = net.op('GlobalAveragePool', [second]);
    const hard = net.op('HardSigmoid', [net.conv(net.op('Relu', [net.conv(again, [8, 2], 1)]), [2, 8], 1)]);
    const third = net.op('Mul', [hard, second]);
    const blocks = net.blocks(third, 'squeeze-excitation');
    assert.deepEqual(
      blocks.map((block) => block.output),
      [first, second, third],
    );
    assert.deepEqual(blocks.map(operatorsOf), [
      'GlobalAveragePool Conv Relu Conv Sigmoid Mul',
      'ReduceMean MatMul Add Relu MatMul Add Sigmoid Reshape Mul',
      'GlobalAveragePool Conv Relu Conv HardSigmoid Mul',
    ]);
  });

  itHolds(167, 'of the second version is named where first layers stand side by side', () => {
    const net = new BlockBuilder(['N', 8, 6, 6]);
    const start = net.op('Relu', [net.conv('x', [8, 8])]);
    const pooled = net.op('Flatten', [net.op('GlobalAveragePool', [start])]);
    const branches = [1, 2, 3, 4].map(() => net.op('Relu', [net.dense(pooled, [8, 2], 'Gemm')]));
    const gate = net.op('Sigmoid', [net.dense(net.op('Concat', branches, { axis: 1 }), [8, 8], 'Gemm')]);
    const scaled = net.op('Mul', [start, net.op('Reshape', [gate, net.ints(-1, 8, 1, 1)])]);
    const [block, ...others] = net.blocks(scaled, 'squeeze-excitation');
    assert.deepEqual([others, block?.variant, block?.layers.length], [[], 'aggregated', 10]);
  });

  it('is no gate of something else: a gated linear unit, a gate that multiplies another value', () => {
    const net = new BlockBuilder(['N', 8, 6, 6]);
    const start = net.op('Relu', [net.conv('x', [8, 8])]);
    const glu = net.op('Mul', [net.conv(start, [8, 8]), net.op('Sigmoid', [net.conv(start, [8, 8])])]);
    const pooled = net.op('GlobalAveragePool', [start]);
    const gate = net.op('Sigmoid', [net.conv(net.op('Relu', [net.conv(pooled, [8, 2], 1)]), [2, 8], 1)]);
    assert.deepEqual(net.blocks(net.op('Mul', [glu, gate]), 'squeeze-excitation'), []);
  });
});
