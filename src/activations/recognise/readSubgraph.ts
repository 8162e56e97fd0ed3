import type { GraphView } from '../../onnx/layers/graphView.js';
import type { GraphNode } from '../../onnx/model.js';
import type { Expression } from '../expression.js';
import { sizeOf } from '../substitute.js';
import { readConstant, readOperator, type ReadValue } from './readOperator.js';

/** A part of a graph that is one function of one number. */
export interface ReadSubgraph {
  readonly expression: Expression;
  /** Nodes between input and output, in file order. */
  readonly nodes: readonly GraphNode[];
}

/** Expressions larger than this are no activation: sub-graphs that use a value often grow without end. */
const maxSize = 200;

/** Returns the function of `input` that `output` is; undefined where other values enter, or an operator is not known. */
export function readSubgraph(
  view: GraphView,
  { input, output }: { readonly input: string; readonly output: string },
): ReadSubgraph | undefined {
  const nodes = new Set<GraphNode>();
  const known = new Map<string, ReadValue | undefined>([[input, { kind: 'input' }]]);
  const read = (value: string): ReadValue | undefined => {
    if (known.has(value)) return known.get(value);
    known.set(value, undefined);
    const found = readConstant(view.constants.get(value)) ?? readNode(view.index.producerOf(value));
    const isSmall = found === undefined || found.kind === 'comparison' || sizeOf(found) <= maxSize;
    known.set(value, isSmall ? found : undefined);
    return isSmall ? found : undefined;
  };
  const readNode = (node: GraphNode | undefined): ReadValue | undefined => {
    if (node === undefined) return undefined;
    const operands = node.inputs.map((name) => (name === '' ? undefined : read(name)));
    const result = readOperator(node, operands, view.constants);
    if (result !== undefined) nodes.add(node);
    return result;
  };
  const expression = read(output);
  if (expression === undefined || expression.kind === 'comparison' || nodes.size === 0) return undefined;
  const position = (node: GraphNode): number => view.positions.get(node) ?? 0;
  return { expression, nodes: [...nodes].sort((a, b) => position(a) - position(b)) };
}
