import { inlineValue } from '../../onnx/loadTensor.js';
import type { GraphNode, Model } from '../../onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../onnx/tensorValue.js';

/** Returns a look-up of the constants that a model holds in memory, by name; undefined for anything else. */
export function constantLookup(model: Model): (name: string) => TensorValue | undefined {
  const nodes = new Map<string, GraphNode>();
  for (const node of model.graph.nodes) {
    if (node.opType === 'Constant') nodes.set(node.outputs[0] ?? '', node);
  }
  return (name) => {
    const initializer = model.graph.initializers.get(name);
    if (initializer !== undefined) return inlineValue(initializer);
    const node = nodes.get(name);
    return node === undefined ? undefined : constantNodeValue(node);
  };
}

function constantNodeValue(node: GraphNode): TensorValue | undefined {
  for (const attribute of node.attributes.values()) {
    switch (attribute.kind) {
      case 'tensor':
        return inlineValue(attribute.value);
      case 'int':
        return int64Tensor([attribute.value], []);
      case 'ints':
        return int64Tensor(attribute.value, [attribute.value.length]);
      case 'float':
        return float32Tensor([attribute.value], []);
      case 'floats':
        return float32Tensor(attribute.value, [attribute.value.length]);
      default:
        return undefined;
    }
  }
  return undefined;
}
