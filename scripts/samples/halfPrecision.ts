import { castElements } from '../../src/data/castElements.js';
import { inlineValue } from '../../src/onnx/loadTensor.js';
import { dataTypeFacts } from '../../src/onnx/dataTypes.js';
import type { GraphNode, Model, Tensor } from '../../src/onnx/model.js';
import { toFloat64 } from '../../src/onnx/tensorValue.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import { loaded } from './loaded.js';

/** Returns the model with weights and inner values in float16; inputs and outputs stay float32. */
export async function toHalfPrecision(model: Model): Promise<Model> {
  const initializers = new Map<string, Tensor>();
  for (const tensor of (await loaded(model)).graph.initializers.values()) {
    initializers.set(tensor.name, halved(tensor));
  }
  const { graph } = model;
  const builder = new GraphBuilder({
    ...model,
    graph: { ...graph, nodes: [], initializers, valueInfo: new Map() },
  });
  for (const output of graph.nodes.flatMap((node) => node.outputs)) builder.freshName(output);
  const renamed = new Map<string, string>();
  const cast = (value: string, to: 'float16' | 'float32', result: string): void => {
    const attributes = { to: dataTypeFacts(to).code };
    builder.node('Cast', [value], { attributes, outputs: [result], name: `/Cast_${value}` });
  };
  for (const { name } of graph.inputs) {
    renamed.set(name, `${name}_float16`);
    cast(name, 'float16', `${name}_float16`);
  }
  for (const { name } of graph.outputs) renamed.set(name, `${name}_float16`);
  const rename = (name: string): string => renamed.get(name) ?? name;
  for (const node of graph.nodes) builder.append(withNames(node, rename));
  for (const { name } of graph.outputs) cast(rename(name), 'float32', name);
  return builder.build();
}

function withNames(node: GraphNode, rename: (name: string) => string): GraphNode {
  return { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) };
}

function halved(tensor: Tensor): Tensor {
  const value = inlineValue(tensor);
  if (value?.dtype !== 'float32') return tensor;
  const data = castElements(toFloat64(value), 'float16', { input: tensor.name, sample: '' });
  if (Array.isArray(data)) throw new Error(`The weight ${tensor.name} is text.`);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { ...tensor, elementType: 'float16', source: { kind: 'inline', bytes } };
}
