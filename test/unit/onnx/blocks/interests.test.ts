import assert from 'node:assert/strict';
import { itHolds } from '../../../support/papers.js';
import { BlockBuilder, operatorsOf } from '../../../support/plantedBlocks.js';

/** Dice as PyTorch writes it: a BatchNormalization without scale inside the sigmoid. */
function diceOfTorch(net: BlockBuilder, x: string, size: number): string {
  const p = net.op('Sigmoid', [net.batchNorm(x, size)]);
  const off = net.op('Mul', [net.constant([size]), net.op('Sub', [net.constant([], 1), p])]);
  return net.op('Add', [net.op('Mul', [off, x]), net.op('Mul', [p, x])]);
}

/** Dice as TensorFlow writes it: statistics as constants, factored by p. */
function diceOfKeras(net: BlockBuilder, x: string, size: number): string {
  const centred = net.op('Sub', [x, net.constant([size])]);
  const p = net.op('Sigmoid', [net.op('Mul', [centred, net.constant([size])])]);
  const off = net.op('Mul', [
    net.op('Mul', [net.op('Sub', [net.constant([], 1), p]), net.constant([size])]),
    x,
  ]);
  return net.op('Add', [off, net.op('Mul', [x, p])]);
}

/** [N, T, 4] behaviours and an [N, 4] candidate, compared as the paper's code does. */
function compared(net: BlockBuilder): { behaviours: string; features: string } {
  const behaviours = net.op('Gather', [net.planted.weight([10, 4]), 'x'], { axis: 0 });
  const candidate = net.op('ReduceMean', [behaviours], { axes: [1], keepdims: 1 });
  const repeated = net.op('Tile', [candidate, net.ints(1, 6, 1)]);
  const difference = net.op('Sub', [repeated, behaviours]);
  const product = net.op('Mul', [repeated, behaviours]);
  return {
    behaviours,
    features: net.op('Concat', [repeated, behaviours, difference, product], { axis: -1 }),
  };
}

describe('Dice', () => {
  itHolds(35, 'is found in the forms of PyTorch and TensorFlow, and factored out', () => {
    const net = new BlockBuilder(['N', 6]);
    const first = diceOfTorch(net, net.dense('x', [6, 4]), 4);
    const second = diceOfKeras(net, net.dense(first, [4, 4]), 4);
    const third = net.dense(second, [4, 4]);
    const p = net.op('Sigmoid', [net.batchNorm(third, 4)]);
    const rest = net.op('Mul', [net.op('Sub', [net.constant([], 1), p]), net.constant([4])]);
    const factored = net.op('Mul', [third, net.op('Add', [p, rest])]);
    const blocks = net.blocks(net.dense(factored, [4, 1]), 'dice');
    assert.deepEqual(
      blocks.map(({ output }) => output),
      [first, second, factored],
    );
    assert.equal(operatorsOf(blocks[0]), 'BatchNormalization Sigmoid Sub Mul Mul Mul Add');
  });

  it('is no gate of two values and no highway layer', () => {
    const net = new BlockBuilder(['N', 6]);
    const [x, y] = [net.dense('x', [6, 6]), net.dense('x', [6, 6])];
    const gate = net.op('Sigmoid', [net.batchNorm(x, 6)]);
    const mixed = net.op('Add', [
      net.op('Mul', [gate, y]),
      net.op('Mul', [net.op('Sub', [net.constant([], 1), gate]), y]),
    ]);
    assert.deepEqual(net.blocks(net.dense(mixed, [6, 1]), 'dice'), []);
  });
});

describe('a local activation unit', () => {
  itHolds(
    35,
    'is named with its Dice activation, as PyTorch writes it: masked, transposed, a product',
    () => {
      const net = new BlockBuilder(['N', 6]);
      const { behaviours, features } = compared(net);
      const hidden = diceOfTorch(net, net.dense(features, [16, 8]), 8);
      const score = net.op('Transpose', [net.dense(hidden, [8, 1])], { perm: [0, 2, 1] });
      const mask = net.op('Greater', ['x', net.constant()]);
      const masked = net.op('Where', [mask, score, net.constant([], 0)]);
      const sum = net.op('MatMul', [masked, behaviours]);
      const [block, ...others] = net.blocks(net.op('Squeeze', [sum, net.ints(1)]), 'local-activation-unit');
      assert.deepEqual([others, block?.output], [[], sum]);
      assert.ok(operatorsOf(block).endsWith('Transpose Where MatMul'), operatorsOf(block));
      assert.ok(!/Greater|Gather/.test(operatorsOf(block)), operatorsOf(block));
      assert.equal(net.planted.layers().blocks.filter(({ kind }) => kind === 'dice').length, 1);
    },
  );

  itHolds(
    35,
    'is named as Keras writes it: dense layers around reshapes, a softmax, a sum over behaviours',
    () => {
      const net = new BlockBuilder(['N', 6]);
      const { behaviours, features } = compared(net);
      const flat = net.op('Reshape', [features, net.ints(-1, 16)]);
      const hidden = net.op('Sigmoid', [net.dense(flat, [16, 8])]);
      const score = net.op('Reshape', [net.dense(hidden, [8, 1]), net.ints(-1, 6, 1)]);
      const weights = net.op('Softmax', [net.op('Mul', [score, net.constant()])], { axis: 1 });
      const sum = net.op('ReduceSum', [net.op('Mul', [weights, behaviours]), net.ints(1)]);
      assert.deepEqual(
        net.blocks(sum, 'local-activation-unit').map(({ output }) => output),
        [sum],
      );
    },
  );

  it('is none where the network makes features of pairs and weights nothing', () => {
    const net = new BlockBuilder(['N', 6]);
    const { features } = compared(net);
    assert.deepEqual(net.blocks(net.dense(features, [16, 1]), 'local-activation-unit'), []);
  });
});

describe('a cross layer', () => {
  /** One layer: factor ⊙ (W x + b) + x. */
  const layer = (net: BlockBuilder, factor: string, x: string): string =>
    net.op('Add', [net.op('Mul', [factor, net.dense(x, [6, 6])]), x]);

  itHolds(181, 'is named linear or exponential by what multiplies, and self-masked by its mask', () => {
    const net = new BlockBuilder(['N', 6]);
    const start = net.op('Mul', ['x', net.constant([6])]);
    let linear = start;
    for (let depth = 0; depth < 3; depth++) linear = layer(net, start, linear);
    let exponential = start;
    for (let depth = 0; depth < 2; depth++) {
      const half = net.op('MatMul', [exponential, net.planted.weight([6, 3])]);
      const mask = net.op('Relu', [net.op('LayerNormalization', [half, net.constant([3], 1)])]);
      const both = net.op('Concat', [half, net.op('Mul', [half, mask])], { axis: -1 });
      const shifted = net.op('Add', [both, net.constant([6])]);
      exponential = net.op('Add', [net.op('Mul', [exponential, shifted]), exponential]);
    }
    const joined = net.op('Concat', [linear, exponential], { axis: -1 });
    const variants = net.blocks(net.dense(joined, [12, 1]), 'cross-layer').map(({ variant }) => variant);
    assert.deepEqual(variants, [
      ...['linear', 'linear', 'linear'],
      ...['exponential, self-masked', 'exponential, self-masked'],
    ]);
    assert.deepEqual(
      net.planted.layers().blocks.filter(({ kind }) => kind === 'residual'),
      [],
    );
  });

  itHolds(181, 'is found as PyTorch writes it (Gemm) and as Keras does (MatMul, Add)', () => {
    for (const form of ['Gemm', 'MatMul'] as const) {
      const net = new BlockBuilder(['N', 6]);
      const start = net.op('Relu', [net.dense('x', [6, 6], form)]);
      const changed = net.dense(start, [6, 6], form);
      const product = net.op('Mul', form === 'Gemm' ? [start, changed] : [changed, start]);
      const sum = net.op('Add', form === 'Gemm' ? [product, start] : [start, product]);
      const blocks = net.blocks(net.dense(sum, [6, 1], form), 'cross-layer');
      assert.deepEqual(
        blocks.map(({ output }) => output),
        [sum],
        form,
      );
    }
  });

  it('is found with a bias behind the product (DCN), of low rank (DCN-v2), and on the other side of the sum', () => {
    const net = new BlockBuilder(['N', 6]);
    const projected = net.op('MatMul', ['x', net.planted.weight([6, 1])]);
    const biased = net.op('Add', [net.op('Mul', ['x', projected]), net.constant([6])]);
    const first = net.op('Add', [biased, 'x']);
    const low = net.dense(net.op('MatMul', [first, net.planted.weight([6, 2])]), [2, 6], 'Gemm');
    const second = net.op('Add', [first, net.op('Mul', [low, 'x'])]);
    assert.deepEqual(
      net.blocks(net.dense(second, [6, 1]), 'cross-layer').map(({ variant, output }) => [variant, output]),
      [
        ['linear', first],
        ['linear', second],
      ],
    );
  });

  it('is no gated sum: a sigmoid between the layer and the product', () => {
    const net = new BlockBuilder(['N', 6]);
    const gate = net.op('Sigmoid', [net.dense('x', [6, 6])]);
    assert.deepEqual(net.blocks(net.op('Add', [net.op('Mul', ['x', gate]), 'x']), 'cross-layer'), []);
  });
});
