import type { GraphNode, Model } from '../../onnx/model.js';
import { readsOf } from '../../onnx/graphIndex.js';

/** Returns the names that a model's nodes make. */
export function madeBy(model: Model): ReadonlySet<string> {
  return new Set(model.graph.nodes.flatMap((node) => node.outputs).filter((name) => name !== ''));
}

/** Which nodes stay whatever reads them, and what is read from outside. */
export interface LiveRequest {
  /** Values whose makers stay: those of the model before nodes were appended. */
  readonly own: ReadonlySet<string>;
  readonly read: Iterable<string>;
}

/** Returns the model without appended nodes that nothing reads: the runtime would run them. */
export function withoutDead(model: Model, { own, read }: LiveRequest): Model {
  const live = new Set(read);
  for (const output of model.graph.outputs) live.add(output.name);
  const kept: GraphNode[] = [];
  for (const node of model.graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => own.has(output) || live.has(output))) continue;
    kept.push(node);
    for (const name of readsOf(node)) live.add(name);
  }
  return { ...model, graph: { ...model.graph, nodes: kept.reverse() } };
}
