import type { GraphNode } from '../model.js';
import { type Composite, constantOperand, inFileOrder } from './compositeParts.js';
import { type GraphView, soleConsumer } from './graphView.js';

/** Operators that moments are made of; shapes they are brought into are read from the second operand on. */
const momentOperators: ReadonlyMap<string, 'all' | 'first'> = new Map([
  ...['ReduceSum', 'ReduceMean', 'Reshape', 'Expand', 'Cast', 'Squeeze', 'Unsqueeze', 'Identity', 'Pow'].map(
    (operator) => [operator, 'first'] as const,
  ),
  ...['Mul', 'Div', 'Sub', 'Max', 'Add'].map((operator) => [operator, 'all'] as const),
]);

/** Moments of more nodes than this are none. */
const maxMomentNodes = 16;

/**
 * (x − E[x]) · (1 / √(E[x²] − E[x]² + ε) · γ) + β, with moments made of sums and brought into shape: as Flax and
 * JAX write a LayerNorm.
 */
export function recogniseMomentNorm(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType !== 'Sqrt') return undefined;
  const shifted = view.index.producerOf(anchor.inputs[0] ?? '');
  const reciprocal = soleConsumer(view, anchor.outputs[0] ?? '');
  if (shifted?.opType !== 'Add' || constantOperand(view, shifted) === undefined) return undefined;
  if (reciprocal?.opType !== 'Reciprocal') return undefined;
  const nodes = [shifted, anchor, reciprocal];
  const parameters: string[] = [];
  const rate = withConstant(view, reciprocal.outputs[0] ?? '', { opType: 'Mul', nodes, parameters });
  const product = soleConsumer(view, rate);
  const centred = view.index.producerOf(product?.inputs.find((input) => input !== rate) ?? '');
  if (product?.opType !== 'Mul' || centred?.opType !== 'Sub') return undefined;
  const [input = '', mean = ''] = centred.inputs;
  const variance = shifted.inputs.find((name) => !view.constants.has(name)) ?? '';
  const moments = new Set<GraphNode>();
  if (!collectMoments(view, [mean, variance], { input, moments })) return undefined;
  nodes.push(...moments, centred, product);
  let output = product.outputs[0] ?? '';
  if (parameters.length === 0) output = withConstant(view, output, { opType: 'Mul', nodes, parameters });
  output = withConstant(view, output, { opType: 'Add', nodes, parameters });
  const inOrder = inFileOrder(view, nodes);
  return {
    ...{ operator: 'LayerNormalization', kind: 'normalization', nodes: inOrder, input, output, parameters },
  };
}

interface Part {
  readonly opType: string;
  readonly nodes: GraphNode[];
  readonly parameters: string[];
}

/** Follows a value into the only node that reads it, if that scales or shifts it by a constant, and returns its output. */
function withConstant(view: GraphView, value: string, { opType, nodes, parameters }: Part): string {
  const next = soleConsumer(view, value);
  const constant = next?.inputs.find((name) => view.constants.has(name));
  if (next?.opType !== opType || constant === undefined) return value;
  nodes.push(next);
  parameters.push(constant);
  return next.outputs[0] ?? '';
}

/** Tells whether values are moments of the input, and nothing else, and collects the nodes that make them. */
function collectMoments(
  view: GraphView,
  values: readonly string[],
  { input, moments }: { readonly input: string; readonly moments: Set<GraphNode> },
): boolean {
  const queue = [...values];
  for (const value of queue) {
    if (value === input || value === '' || view.constants.has(value)) continue;
    const node = view.index.producerOf(value);
    const operands = momentOperators.get(node?.opType ?? '');
    if (node === undefined || operands === undefined || moments.size > maxMomentNodes) return false;
    if (moments.has(node)) continue;
    moments.add(node);
    queue.push(...(operands === 'first' ? node.inputs.slice(0, 1) : node.inputs));
  }
  return [...moments].some((node) => node.opType.startsWith('Reduce'));
}
