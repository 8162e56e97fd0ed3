import type { GraphNode } from '../model.js';
import { scalarOf } from './constants.js';
import { type GraphView, soleConsumer } from './graphView.js';

/** An activation or normalisation that the exporter wrote as several operators. */
export interface Composite {
  readonly operator: string;
  readonly kind: 'activation' | 'normalization';
  /** In file order. */
  readonly nodes: readonly GraphNode[];
  readonly input: string;
  readonly output: string;
  /** Values of constant operands that are parameters: scale and shift of a normalisation. */
  readonly parameters: readonly string[];
}

/** Returns the composite around a node that is typical of it, if there is one. */
export type Recogniser = (view: GraphView, anchor: GraphNode) => Composite | undefined;

/** Returns the Mul that is the only reader of a node's output and multiplies it by `factor`. */
export function productWith(view: GraphView, node: GraphNode, factor: string): GraphNode | undefined {
  const product = soleConsumer(view, node.outputs[0] ?? '');
  return product?.opType === 'Mul' && product.inputs.includes(factor) ? product : undefined;
}

/** Returns the scalar constant a node reads, if any. */
export function constantOperand(view: GraphView, node: GraphNode): number | undefined {
  for (const input of node.inputs) {
    const value = scalarOf(view.constants.get(input));
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Returns an activation without parameters. */
export function activation(
  operator: string,
  nodes: readonly GraphNode[],
  input: string,
  output = nodes.at(-1)?.outputs[0] ?? '',
): Composite {
  return { operator, kind: 'activation', nodes, input, output, parameters: [] };
}

/** Returns nodes in the order of the file. */
export function inFileOrder(view: GraphView, nodes: readonly GraphNode[]): readonly GraphNode[] {
  const position = (node: GraphNode): number => view.positions.get(node) ?? 0;
  return [...nodes].sort((a, b) => position(a) - position(b));
}
