import { readsOf } from '../../onnx/graphIndex.js';
import type { GraphNode } from '../../onnx/model.js';

/** Returns what a node reads by position: its inputs, then what its bodies capture from around and is no input. */
export function operandsOf(node: GraphNode): readonly string[] {
  const inputs = new Set(node.inputs);
  const captures = [...readsOf(node)].filter((name) => !inputs.has(name));
  return captures.length === 0 ? node.inputs : [...node.inputs, ...captures];
}
