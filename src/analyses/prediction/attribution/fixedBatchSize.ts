import type { Model } from '../../../onnx/model.js';

/** Returns the batch size a model insists on, or undefined when it takes any. */
export function fixedBatchSize(model: Model): number | undefined {
  const sizes = model.graph.inputs
    .filter((input) => !model.graph.initializers.has(input.name))
    .map((input) => (input.type.kind === 'tensor' ? input.type.shape?.[0] : undefined));
  return sizes.find((size): size is number => typeof size === 'number' && size > 0);
}
