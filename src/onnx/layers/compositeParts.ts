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

/** Returns an activation without parameters; its value is the output of the last node given. */
export function activation(
  view: GraphView,
  operator: string,
  { nodes, input }: { readonly nodes: readonly GraphNode[]; readonly input: string },
): Composite {
  const output = nodes.at(-1)?.outputs[0] ?? '';
  return { operator, kind: 'activation', nodes: inFileOrder(view, nodes), input, output, parameters: [] };
}

/** Returns the operand of a node that is computed, where the others are constants. */
export function computedOperand(view: GraphView, node: GraphNode): string | undefined {
  const computed = node.inputs.filter((name) => name !== '' && !view.constants.has(name));
  return computed.length === 1 ? computed[0] : undefined;
}

/** Returns nodes in the order of the file. */
export function inFileOrder(view: GraphView, nodes: readonly GraphNode[]): readonly GraphNode[] {
  const position = (node: GraphNode): number => view.positions.get(node) ?? 0;
  return [...nodes].sort((a, b) => position(a) - position(b));
}
