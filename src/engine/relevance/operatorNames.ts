import { type GraphNode, qualifiedOperator } from '../../onnx/model.js';

/** Collects the operators of nodes, each once, in the order they are met. */
export class OperatorNames {
  private readonly names = new Set<string>();

  add(node: GraphNode): void {
    this.names.add(qualifiedOperator(node));
  }

  /** Sorted, so that equal models give equal reports. */
  get list(): readonly string[] {
    return [...this.names].sort();
  }
}
