import type { Model } from '../../src/onnx/model.js';

/** Returns the initializers that training changes: named weights and biases, not running statistics or constants. */
export function trainedNames(model: Model): string[] {
  return [...model.graph.initializers.keys()].filter((name) => /\.(weight|bias)$/u.test(name));
}

/** Returns whether weight decay acts on a parameter: on matrices and kernels, not on biases and scales. */
export function isDecayed(model: Model, name: string): boolean {
  return (model.graph.initializers.get(name)?.dims.length ?? 0) > 1;
}
