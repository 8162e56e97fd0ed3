import { createRandom } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { emptyModel, floatType, normalTensor } from './modelBuilder.js';

/** Returns a model from RGB images `[N, 3, 8, 8]` through a convolution and ReLU to `[N, 4]`. */
export function imageModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 3, 8, 8));
  const weight = builder.constant(normalTensor(createRandom(1), [4, 3, 3, 3]), 'conv.weight');
  const conv = builder.node('Conv', [x, weight], {
    attributes: { kernel_shape: [3, 3] },
    name: '/conv/Conv',
  });
  const relu = builder.node('Relu', [conv], { name: '/relu/Relu' });
  const pooled = builder.node('GlobalAveragePool', [relu]);
  const flat = builder.node('Flatten', [pooled], { outputs: ['logits'] });
  builder.addOutput(flat, floatType('N', 4));
  return builder.build();
}
