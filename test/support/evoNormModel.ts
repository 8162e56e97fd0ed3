import type { Random } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from './modelBuilder.js';

/** Channels of every value. */
export const evoNormChannels = 4;

/** Two convolutions with EvoNorm-S0 behind each, as exporters write it, then BN + ReLU and a lone layer normalisation. */
export function evoNormModel(random: Random): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', evoNormChannels, 3, 3));
  const vector = (dims: readonly number[], scale = 1): string =>
    builder.constant(normalTensor(random, dims, scale));
  const op = (opType: string, inputs: readonly string[], name: string): string =>
    builder.node(opType, inputs, { outputs: [name], name: `/${name}/${opType}` });
  const conv = (input: string, name: string): string =>
    op(
      'Conv',
      [
        input,
        builder.constant(normalTensor(random, [evoNormChannels, evoNormChannels, 1, 1]), `${name}.weight`),
      ],
      name,
    );
  let count = 0;
  const evoNorm = (input: string, name: string): string => {
    const shaped = (opType: string, inputs: readonly string[], axes?: readonly number[]): string =>
      builder.node(opType, inputs, {
        name: `/${name}/${opType}_${++count}`,
        ...(axes === undefined ? {} : { attributes: { axes } }),
      });
    const mean = shaped('ReduceMean', [input], [1, 2, 3]);
    const centred = shaped('Sub', [input, mean]);
    const variance = shaped('ReduceMean', [shaped('Mul', [centred, centred])], [1, 2, 3]);
    const root = shaped('Sqrt', [shaped('Add', [variance, builder.scalar(1e-5)])]);
    const gate = shaped('Sigmoid', [shaped('Mul', [input, vector([1, evoNormChannels, 1, 1])])]);
    const normed = shaped('Div', [shaped('Mul', [input, gate]), root]);
    const scaled = shaped('Mul', [normed, vector([1, evoNormChannels, 1, 1])]);
    return builder.node('Add', [scaled, vector([1, evoNormChannels, 1, 1])], {
      outputs: [name],
      name: `/${name}/Add`,
    });
  };
  const first = evoNorm(conv('x', 'conv1'), 'evo1');
  const second = evoNorm(conv(first, 'conv2'), 'evo2');
  const statistics = [
    vector([4]),
    vector([4]),
    vector([4]),
    builder.constant(float32Tensor([1, 2, 0.5, 3], [4])),
  ];
  op('BatchNormalization', [conv(second, 'conv3'), ...statistics], 'bn');
  op('Relu', ['bn'], 'relu');
  builder.node('LayerNormalization', [conv('relu', 'conv4'), vector([3]), vector([3])], {
    outputs: ['ln'],
    name: '/ln/LayerNormalization',
  });
  builder.addOutput('ln', floatType('N', evoNormChannels, 3, 3));
  return builder.build();
}
