import type { Model } from '../../src/onnx/model.js';
import type { TensorValue } from '../../src/onnx/tensorValue.js';

/** Returns the initializers that training changes: named weights and biases, not running statistics or constants. */
export function trainedNames(model: Model): string[] {
  return [...model.graph.initializers.keys()].filter((name) => /\.(weight|bias)$/u.test(name));
}

/** Returns whether weight decay acts on a parameter: on matrices and kernels, not on biases and scales. */
export function isDecayed(model: Model, name: string): boolean {
  return (model.graph.initializers.get(name)?.dims.length ?? 0) > 1;
}

/** Returns how many numbers training changes. */
export function trainedCount(model: Model): number {
  return trainedNames(model)
    .map((name) => (model.graph.initializers.get(name)?.dims ?? []).reduce((a, b) => a * b, 1))
    .reduce((a, b) => a + b, 0);
}

/** Returns the model with the weights of a checkpoint; what else the checkpoint holds is left out. */
export function withStates(model: Model, states: ReadonlyMap<string, TensorValue>): Model {
  const initializers = new Map(model.graph.initializers);
  for (const [name, { dtype, dims, data }] of states) {
    if (!initializers.has(name) || Array.isArray(data)) continue;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    initializers.set(name, { name, elementType: dtype, dims, source: { kind: 'inline', bytes } });
  }
  return { ...model, graph: { ...model.graph, initializers } };
}

/** Returns the model with the weights that another one has under the same names. */
export function withWeightsOf(model: Model, trained: Model): Model {
  const initializers = new Map(model.graph.initializers);
  for (const name of trainedNames(model)) {
    const tensor = trained.graph.initializers.get(name);
    if (tensor !== undefined) initializers.set(name, tensor);
  }
  return { ...model, graph: { ...model.graph, initializers } };
}
