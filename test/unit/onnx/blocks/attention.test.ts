import assert from 'node:assert/strict';
import { BlockBuilder, operatorsOf } from '../../../support/plantedBlocks.js';

/** Brings [N, T, 8] into two heads. */
function heads(net: BlockBuilder, value: string, perm = [0, 2, 1, 3]): string {
  return net.op('Transpose', [net.op('Reshape', [value, net.ints(0, -1, 2, 4)])], { perm });
}

function merged(net: BlockBuilder, context: string): string {
  const joined = net.op('Reshape', [
    net.op('Transpose', [context], { perm: [0, 2, 1, 3] }),
    net.ints(0, -1, 8),
  ]);
  return net.dense(joined, [8, 8]);
}

describe('attention', () => {
  it('is found as PyTorch writes it, with projections of their own, a scale and a mask', () => {
    const net = new BlockBuilder(['N', 5, 8]);
    const x = net.op('LayerNormalization', ['x', net.constant([8], 1)]);
    const [query, key, value] = [net.dense(x, [8, 8]), net.dense(x, [8, 8]), net.dense(x, [8, 8])];
    const scores = net.op('MatMul', [heads(net, query), heads(net, key, [0, 2, 3, 1])]);
    const scaled = net.op('Div', [scores, net.constant([], 2)]);
    const masked = net.op('Where', [net.op('Less', ['x', net.constant()]), net.constant([], -1e9), scaled]);
    const context = net.op('MatMul', [net.op('Softmax', [masked], { axis: -1 }), heads(net, value)]);
    const [block, ...others] = net.blocks(merged(net, context), 'attention');
    assert.deepEqual([others, block?.variant, block?.layers.length], [[], 'self, 2 heads', 4]);
    assert.ok(!operatorsOf(block).includes('LayerNormalization') && !operatorsOf(block).includes('Less'));
  });

  it('is found with one packed projection that is split, as vision transformers have it', () => {
    const net = new BlockBuilder(['N', 5, 8]);
    const packed = net.op('Reshape', [net.dense('x', [8, 24]), net.ints(0, 5, 3, 2, 4)]);
    const parts = net.op('Transpose', [packed], { perm: [2, 0, 3, 1, 4] });
    const part = (index: number): string =>
      net.op('Squeeze', [net.op('Gather', [parts, net.ints(index)], { axis: 0 }), net.ints(0)]);
    const scores = net.op('MatMul', [part(0), net.op('Transpose', [part(1)], { perm: [0, 1, 3, 2] })]);
    const context = net.op('MatMul', [net.op('Softmax', [net.op('Mul', [scores, net.constant()])]), part(2)]);
    const [block] = net.blocks(merged(net, context), 'attention');
    assert.deepEqual([block?.variant, block?.layers.length], ['self, 2 heads', 2]);
  });

  it('across two sequences is told from self-attention, also as Einsum', () => {
    const net = new BlockBuilder(['N', 5, 8]);
    const memory = net.op('Relu', [net.dense('x', [8, 8])]);
    const target = net.op('Tanh', [net.dense('x', [8, 8])]);
    const einsum = (equation: string, inputs: readonly string[]): string =>
      net.planted.node('Einsum', inputs, { attributes: { equation } });
    const scores = einsum('bqd,bkd->bqk', [net.dense(target, [8, 8]), net.dense(memory, [8, 8])]);
    const context = einsum('bqk,bkd->bqd', [
      net.op('Softmax', [scores], { axis: -1 }),
      net.dense(memory, [8, 8]),
    ]);
    assert.equal(net.blocks(context, 'attention')[0]?.variant, 'cross');
  });

  it('is found in the fused operators of ONNX Runtime and of ai.onnx', () => {
    const net = new BlockBuilder(['N', 5, 8]);
    const packed = net.fused('Attention', ['x', net.planted.weight([8, 24]), net.constant([24])], {
      num_heads: 2,
    });
    const memory = net.op('Relu', [net.dense('x', [8, 8])]);
    const [query, key, value] = [
      net.dense(packed, [8, 8]),
      net.dense(memory, [8, 8]),
      net.dense(memory, [8, 8]),
    ];
    const cross = net.fused('MultiHeadAttention', [query, key, value], { num_heads: 4 });
    const grouped = net.fused(
      'GroupQueryAttention',
      [net.dense(cross, [8, 8]), net.dense(cross, [8, 4]), net.dense(cross, [8, 4])],
      { num_heads: 2, kv_num_heads: 1 },
    );
    const standard = net.op('Attention', [net.dense(grouped, [8, 8]), grouped, grouped], {
      q_num_heads: 2,
      kv_num_heads: 2,
    });
    assert.deepEqual(
      net.blocks(standard, 'attention').map(({ variant }) => variant),
      ['self, 2 heads', 'cross, 4 heads', 'self, 2 heads', 'self, 2 heads'],
    );
  });

  it('is no softmax of logits, and no product of a softmax with a weight', () => {
    const net = new BlockBuilder(['N', 5, 8]);
    const mixed = net.dense(net.op('Softmax', [net.dense('x', [8, 8])]), [8, 4]);
    assert.deepEqual(net.blocks(net.op('Softmax', [mixed]), 'attention'), []);
  });
});

describe('a mixture of experts', () => {
  it('is a router whose probabilities weight experts, sliced and summed or stacked', () => {
    const net = new BlockBuilder(['N', 8]);
    const expert = (x: string): string => net.dense(net.op('Relu', [net.dense(x, [8, 8])]), [8, 8]);
    const gates = net.op('Softmax', [net.dense('x', [8, 2])]);
    const weighted = [0, 1].map((index) => {
      const gate = net.op('Slice', [gates, net.ints(index), net.ints(index + 1), net.ints(1)]);
      return net.op('Mul', [expert('x'), gate]);
    });
    const first = net.op('Add', weighted);
    const stack = net.op(
      'Concat',
      [0, 1].map(() => net.op('Unsqueeze', [expert(first), net.ints(1)])),
      { axis: 1 },
    );
    const best = net.op('Softmax', [net.dense(first, [8, 2])]);
    const product = net.op('Mul', [stack, net.op('Unsqueeze', [best, net.ints(2)])]);
    const second = net.op('ReduceSum', [product, net.ints(1)]);
    const fused = net.fused('MoE', [second, net.dense(second, [8, 2]), net.planted.weight([2, 8, 8])]);
    assert.deepEqual(
      net.blocks(fused, 'mixture-of-experts').map(({ output, layers }) => [output, layers.length]),
      [
        [first, 7],
        [second, 7],
        [fused, 1],
      ],
    );
  });

  it('is no attention and no softmax that one value is scaled by', () => {
    const net = new BlockBuilder(['N', 8]);
    const scaled = net.op('Mul', ['x', net.op('Softmax', [net.dense('x', [8, 8])])]);
    assert.deepEqual(net.blocks(net.dense(scaled, [8, 2]), 'mixture-of-experts'), []);
  });
});
