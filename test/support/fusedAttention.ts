import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

/** Weights of attention of two heads over 4 features: W [4, 12] for queries, keys and values side by side. */
export interface PackedWeights {
  readonly weight: TensorValue;
  readonly bias: TensorValue;
}

/** The fused forms of self-attention: of ONNX Runtime (packed or not) and of ai.onnx. */
export type AttentionForm = 'plain' | 'Attention' | 'MultiHeadAttention' | 'ai.onnx';

/** Returns self-attention of two heads over `x` [N, T, 4], fused or written out; the same numbers. */
export function selfAttention(form: AttentionForm, weights: PackedWeights): Model {
  const base = emptyModel(form === 'ai.onnx' ? 23 : 17);
  const builder = new GraphBuilder({ ...base, opsets: new Map([...base.opsets, ['com.microsoft', 1]]) });
  const x = builder.addInput('x', floatType('N', 'T', 4));
  const part = (index: number): string => {
    const columns = Array.from({ length: 4 }, (_, column) => 4 * index + column);
    const kernel = [0, 1, 2, 3].flatMap((row) =>
      columns.map((column) => weights.weight.data[12 * row + column]),
    );
    const bias = columns.map((column) => weights.bias.data[column]);
    const product = builder.node('MatMul', [
      x,
      builder.constant(float32Tensor(kernel.map(Number), [4, 4]), 'w'),
    ]);
    return builder.node('Add', [product, builder.constant(float32Tensor(bias.map(Number), [4]), 'b')]);
  };
  const fused = { domain: 'com.microsoft', attributes: { num_heads: 2 } };
  let output: string;
  if (form === 'Attention') {
    const packed = [builder.constant(weights.weight, 'packed'), builder.constant(weights.bias, 'packedBias')];
    output = builder.node('Attention', [x, ...packed], fused);
  } else if (form === 'MultiHeadAttention') {
    output = builder.node('MultiHeadAttention', [part(0), part(1), part(2)], fused);
  } else if (form === 'ai.onnx') {
    const attributes = { q_num_heads: 2, kv_num_heads: 2 };
    output = builder.node('Attention', [part(0), part(1), part(2)], { attributes });
  } else output = writtenOut(builder, [part(0), part(1), part(2)]);
  builder.addOutput(output, floatType('N', 'T', 4));
  return builder.build();
}

function writtenOut(builder: GraphBuilder, [q = '', k = '', v = '']: readonly string[]): string {
  const heads = (value: string, perm: readonly number[]): string => {
    const split = builder.node('Reshape', [value, builder.constant(int64Tensor([0, 0, 2, 2], [4]), 'split')]);
    return builder.node('Transpose', [split], { attributes: { perm } });
  };
  const scores = builder.node('MatMul', [heads(q, [0, 2, 1, 3]), heads(k, [0, 2, 3, 1])]);
  const scaled = builder.node('Mul', [scores, builder.scalar(Math.SQRT1_2)]);
  const weights = builder.node('Softmax', [scaled], { attributes: { axis: -1 } });
  const mixed = builder.node('MatMul', [weights, heads(v, [0, 2, 1, 3])]);
  const back = builder.node('Transpose', [mixed], { attributes: { perm: [0, 2, 1, 3] } });
  return builder.node('Reshape', [back, builder.constant(int64Tensor([0, 0, 4], [3]), 'joined')]);
}
