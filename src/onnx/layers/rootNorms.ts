import type { GraphNode } from '../model.js';
import { scalarOf } from './constants.js';
import { type Composite, computedOperand, constantOperand, inFileOrder } from './compositeParts.js';
import { type GraphView, soleConsumer } from './graphView.js';

/** (x − mean) / √(var + ε) · γ + β, from two ReduceMeans. */
export function recogniseLayerNorm(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType !== 'ReduceMean') return undefined;
  const input = anchor.inputs[0] ?? '';
  const centred = view.index.consumersOf(anchor.outputs[0] ?? '').find((node) => node.opType === 'Sub');
  const numerator = centred?.outputs[0];
  if (centred?.inputs[0] !== input || numerator === undefined) return undefined;
  const square = view.index.consumersOf(numerator).find((node) => isSquare(view, node));
  const root = square === undefined ? undefined : rootOf(view, square);
  if (root === undefined) return undefined;
  const nodes = [anchor, centred, ...root];
  return normalization(view, 'LayerNormalization', { nodes, input, numerator });
}

/** x / √(mean(x²) + ε) · γ. */
export function recogniseRmsNorm(view: GraphView, anchor: GraphNode): Composite | undefined {
  const input = anchor.inputs[0] ?? '';
  if (!isSquare(view, anchor) || view.constants.has(input)) return undefined;
  const nodes = rootOf(view, anchor);
  if (nodes === undefined) return undefined;
  return normalization(view, 'RMSNormalization', { nodes, input, numerator: input });
}

function isSquare(view: GraphView, node: GraphNode): boolean {
  if (node.opType === 'Pow') return scalarOf(view.constants.get(node.inputs[1] ?? '')) === 2;
  return node.opType === 'Mul' && node.inputs[0] === node.inputs[1];
}

/** Follows a square into mean → + ε → √ (→ 1/·), each the sole reader, and returns these nodes. */
function rootOf(view: GraphView, square: GraphNode): readonly GraphNode[] | undefined {
  const mean = readerOf(view, square, 'ReduceMean');
  const shifted = mean === undefined ? undefined : readerOf(view, mean, 'Add');
  const root = shifted === undefined ? undefined : readerOf(view, shifted, 'Sqrt');
  if (mean === undefined || shifted === undefined || root === undefined) return undefined;
  if (computedOperand(view, shifted) === undefined) return undefined;
  const nodes = [square, mean, shifted, root];
  const reciprocal = soleConsumer(view, root.outputs[0] ?? '');
  const isReciprocal =
    reciprocal?.opType === 'Reciprocal' ||
    (reciprocal?.opType === 'Div' && constantOperand(view, reciprocal) === 1);
  return isReciprocal ? [...nodes, reciprocal] : nodes;
}

function readerOf(view: GraphView, node: GraphNode, opType: string): GraphNode | undefined {
  const reader = soleConsumer(view, node.outputs[0] ?? '');
  return reader?.opType === opType ? reader : undefined;
}

interface Part {
  readonly nodes: readonly GraphNode[];
  readonly input: string;
  /** What the root divides. */
  readonly numerator: string;
}

/** Adds the division by the root, and the scale and shift behind it; half-precision exports cast in between. */
function normalization(view: GraphView, operator: string, part: Part): Composite | undefined {
  const division = soleConsumer(view, part.nodes.at(-1)?.outputs[0] ?? '');
  if (division?.opType !== 'Div' && division?.opType !== 'Mul') return undefined;
  if (!division.inputs.includes(part.numerator)) return undefined;
  const nodes = [...part.nodes, division];
  const parameters: string[] = [];
  let output = division.outputs[0] ?? '';
  for (const opType of ['Mul', 'Add']) {
    const next = soleConsumer(view, output);
    const cast = next?.opType === 'Cast' ? [next] : [];
    const scaled = next?.opType === 'Cast' ? soleConsumer(view, next.outputs[0] ?? '') : next;
    const constant = scaled?.inputs.find((name) => view.constants.has(name));
    if (scaled?.opType !== opType || constant === undefined) continue;
    nodes.push(...cast, scaled);
    parameters.push(constant);
    output = scaled.outputs[0] ?? '';
  }
  const inOrder = inFileOrder(view, nodes);
  return { operator, kind: 'normalization', nodes: inOrder, input: part.input, output, parameters };
}
