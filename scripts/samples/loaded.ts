import { loadTensor } from '../../src/onnx/loadTensor.js';
import type { Model, Tensor } from '../../src/onnx/model.js';

/** Returns the model with its weights in memory, whatever file they were in. */
export async function loaded(model: Model): Promise<Model> {
  const initializers = new Map<string, Tensor>();
  for (const [name, tensor] of model.graph.initializers) {
    const { data } = await loadTensor(tensor);
    if (Array.isArray(data)) throw new Error(`The weight ${name} is text.`);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    initializers.set(name, { ...tensor, source: { kind: 'inline', bytes } });
  }
  return { ...model, graph: { ...model.graph, initializers } };
}
