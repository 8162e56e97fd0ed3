import { isTreeEnsemble, postTransformOf } from '../../../engine/trees/readTreeEnsemble.js';
import type { Attribute, GraphNode, Model } from '../../../onnx/model.js';

/** Returns the model with every tree ensemble giving the sums of its leaves, and what each output's transform was. */
export function withRawTreeScores(model: Model): {
  readonly model: Model;
  /** Transform that was left out, by the value it made. */
  readonly skipped: ReadonlyMap<string, string>;
} {
  const skipped = new Map<string, string>();
  const nodes = model.graph.nodes.map((node) => {
    const transform = isTreeEnsemble(node) ? postTransformOf(node) : 'NONE';
    if (transform === 'NONE') return node;
    for (const output of node.outputs) skipped.set(output, transform);
    return withoutTransform(node);
  });
  if (skipped.size === 0) return { model, skipped };
  return { model: { ...model, graph: { ...model.graph, nodes } }, skipped };
}

function withoutTransform(node: GraphNode): GraphNode {
  const none: Attribute =
    node.opType === 'TreeEnsemble' ? { kind: 'int', value: 0n } : { kind: 'string', value: 'NONE' };
  return { ...node, attributes: new Map([...node.attributes, ['post_transform', none]]) };
}
