import type { GraphNode } from '../model.js';
import { scalarOf } from './constants.js';
import {
  activation,
  type Composite,
  constantOperand,
  inFileOrder,
  productWith,
  type Recogniser,
} from './compositeParts.js';
import { type GraphView, soleConsumer } from './graphView.js';
import { recogniseMomentNorm } from './momentNorm.js';

/** Returns the composites of a graph; no node is in two of them. */
export function findComposites(view: GraphView): Composite[] {
  const taken = new Set<GraphNode>();
  const found: Composite[] = [];
  for (const recognise of recognisers) {
    for (const node of view.graph.nodes) {
      if (taken.has(node) || node.domain !== '') continue;
      const composite = recognise(view, node);
      if (composite === undefined || composite.nodes.some((part) => taken.has(part))) continue;
      for (const part of composite.nodes) taken.add(part);
      found.push(composite);
    }
  }
  return found;
}

// Larger patterns first: a Mish holds a Tanh and a Softplus, a LayerNorm holds what an RMSNorm holds.
const recognisers: readonly Recogniser[] = [
  recogniseLayerNorm,
  recogniseRmsNorm,
  recogniseMomentNorm,
  recogniseErfGelu,
  recogniseTanhGelu,
  recogniseMish,
  recogniseSigmoidProduct,
  recogniseHardSwish,
];

/** x · σ(x), and x · σ(1.702 x). */
function recogniseSigmoidProduct(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType !== 'Sigmoid') return undefined;
  const input = anchor.inputs[0] ?? '';
  const plain = productWith(view, anchor, input);
  if (plain !== undefined) return activation('Silu', [anchor, plain], input);
  const scaled = view.index.producerOf(input);
  if (scaled?.opType !== 'Mul') return undefined;
  const source = scaled.inputs.find((name) => !view.constants.has(name)) ?? '';
  const product = productWith(view, anchor, source);
  return product === undefined ? undefined : activation('QuickGelu', [scaled, anchor, product], source);
}

/** x · tanh(softplus(x)). */
function recogniseMish(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType !== 'Softplus') return undefined;
  const input = anchor.inputs[0] ?? '';
  const tanh = soleConsumer(view, anchor.outputs[0] ?? '');
  if (tanh?.opType !== 'Tanh') return undefined;
  const product = productWith(view, tanh, input);
  return product === undefined ? undefined : activation('Mish', [anchor, tanh, product], input);
}

/** x · hardSigmoid(x), and x · clip(x + 3, 0, 6) / 6 in either order. */
function recogniseHardSwish(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType === 'HardSigmoid') {
    const input = anchor.inputs[0] ?? '';
    const product = productWith(view, anchor, input);
    return product === undefined ? undefined : activation('HardSwish', [anchor, product], input);
  }
  if (anchor.opType !== 'Clip' && anchor.opType !== 'Relu6') return undefined;
  const shifted = view.index.producerOf(anchor.inputs[0] ?? '');
  if (shifted?.opType !== 'Add' || constantOperand(view, shifted) !== 3) return undefined;
  const input = shifted.inputs.find((name) => !view.constants.has(name)) ?? '';
  const nodes = [shifted, anchor];
  let output = anchor.outputs[0] ?? '';
  let hasProduct = false;
  for (let step = 0; step < 2; step++) {
    const next = soleConsumer(view, output);
    if (next === undefined || (next.opType !== 'Mul' && next.opType !== 'Div')) break;
    const isProduct = next.opType === 'Mul' && next.inputs.includes(input);
    if (!isProduct && constantOperand(view, next) === undefined) break;
    hasProduct ||= isProduct;
    nodes.push(next);
    output = next.outputs[0] ?? '';
  }
  return hasProduct ? activation('HardSwish', nodes, input) : undefined;
}

/** x · ½ · (1 + erf(x / √2)), the factors in any order. */
function recogniseErfGelu(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType !== 'Erf') return undefined;
  const scaled = view.index.producerOf(anchor.inputs[0] ?? '');
  if (scaled === undefined || (scaled.opType !== 'Div' && scaled.opType !== 'Mul')) return undefined;
  const input = scaled.inputs.find((name) => !view.constants.has(name));
  return input === undefined ? undefined : onePlusProduct(view, [scaled, anchor], input);
}

/** x · ½ · (1 + tanh(√(2/π) (x + 0.044715 x³))), however the cube is written. */
function recogniseTanhGelu(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType !== 'Tanh') return undefined;
  const inner = new Set<GraphNode>();
  const sources = new Set<string>();
  collectPolynomial(view, anchor.inputs[0] ?? '', { inner, sources, depth: 0 });
  const hasCube = [...inner].some((node) => node.opType === 'Pow') || inner.size >= 4;
  const input = [...sources].find(
    (source) => [...inner].filter((node) => node.inputs.includes(source)).length > 1,
  );
  if (input === undefined || !hasCube || sources.size !== 1) return undefined;
  return onePlusProduct(view, [...inner, anchor], input);
}

interface Polynomial {
  readonly inner: Set<GraphNode>;
  readonly sources: Set<string>;
  readonly depth: number;
}

/** Walks up through Mul, Add and Pow to the values that a polynomial is made of. */
function collectPolynomial(view: GraphView, value: string, { inner, sources, depth }: Polynomial): void {
  const node = view.index.producerOf(value);
  const isPart = node !== undefined && ['Mul', 'Add', 'Pow'].includes(node.opType);
  // A product or sum is part of the polynomial only if nothing but the polynomial reads it, or it repeats a part.
  const isShared = node !== undefined && view.index.consumersOf(value).some((reader) => !inner.has(reader));
  if (!isPart || depth > 6 || (isShared && depth > 0 && !isInnerOnly(view, value, inner))) {
    sources.add(value);
    return;
  }
  inner.add(node);
  for (const input of node.inputs) {
    if (!view.constants.has(input)) collectPolynomial(view, input, { inner, sources, depth: depth + 1 });
  }
}

function isInnerOnly(view: GraphView, value: string, inner: ReadonlySet<GraphNode>): boolean {
  const readers = view.index.consumersOf(value);
  return readers.every((reader) => inner.has(reader) || reader.opType === 'Pow' || readers.length === 1);
}

/** Follows `1 + f`, then the product of it with x and ½ in any order, to the end of a GELU. */
function onePlusProduct(view: GraphView, start: readonly GraphNode[], input: string): Composite | undefined {
  const last = start.at(-1);
  const plusOne = soleConsumer(view, last?.outputs[0] ?? '');
  if (plusOne?.opType !== 'Add' || constantOperand(view, plusOne) !== 1) return undefined;
  const nodes = [...start, plusOne];
  let output = plusOne.outputs[0] ?? '';
  let hasInput = false;
  for (let step = 0; step < 3; step++) {
    const next = soleConsumer(view, output);
    if (next === undefined || (next.opType !== 'Mul' && next.opType !== 'Div')) break;
    const other = next.inputs.find((name) => name !== output) ?? '';
    const halved = view.index.producerOf(other);
    const isHalvedInput =
      halved?.opType === 'Mul' &&
      halved.inputs.includes(input) &&
      constantOperand(view, halved) !== undefined;
    if (isHalvedInput && !hasInput) nodes.push(halved);
    else if (other !== input && constantOperand(view, next) === undefined) break;
    if (other === input || isHalvedInput) {
      if (hasInput) break;
      hasInput = true;
    }
    nodes.push(next);
    output = next.outputs[0] ?? '';
  }
  return hasInput ? activation('Gelu', nodes, input, output) : undefined;
}

/** (x − mean) / √(var + ε) · γ + β, from two ReduceMeans. */
function recogniseLayerNorm(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType !== 'ReduceMean') return undefined;
  const input = anchor.inputs[0] ?? '';
  const centred = view.index.consumersOf(anchor.outputs[0] ?? '').find((node) => node.opType === 'Sub');
  if (centred?.inputs[0] !== input) return undefined;
  const nodes = [anchor, centred];
  const root = followRoot(view, centred.outputs[0] ?? '', nodes);
  return root === undefined ? undefined : normalization(view, 'LayerNormalization', { nodes, input, root });
}

/** x / √(mean(x²) + ε) · γ. */
function recogniseRmsNorm(view: GraphView, anchor: GraphNode): Composite | undefined {
  const isSquare =
    anchor.opType === 'Pow' || (anchor.opType === 'Mul' && anchor.inputs[0] === anchor.inputs[1]);
  const input = anchor.inputs[0] ?? '';
  if (!isSquare || view.constants.has(input)) return undefined;
  const nodes: GraphNode[] = [];
  const root = followRoot(view, input, nodes, anchor);
  return root === undefined ? undefined : normalization(view, 'RMSNormalization', { nodes, input, root });
}

/** Follows value² → mean → + ε → √ (→ 1/·) and returns the root's output. */
function followRoot(
  view: GraphView,
  value: string,
  nodes: GraphNode[],
  square?: GraphNode,
): string | undefined {
  const squares = square === undefined ? view.index.consumersOf(value) : [square];
  const first = squares.find(
    (node) => node.opType === 'Pow' || (node.opType === 'Mul' && node.inputs[0] === node.inputs[1]),
  );
  let current = first;
  for (const opTypes of [['ReduceMean'], ['Add'], ['Sqrt']]) {
    if (current === undefined) return undefined;
    nodes.push(current);
    const next = soleConsumer(view, current.outputs[0] ?? '');
    current = next !== undefined && opTypes.includes(next.opType) ? next : undefined;
  }
  if (current === undefined) return undefined;
  nodes.push(current);
  const reciprocal = soleConsumer(view, current.outputs[0] ?? '');
  const isReciprocal =
    reciprocal?.opType === 'Reciprocal' ||
    (reciprocal?.opType === 'Div' && scalarOf(view.constants.get(reciprocal.inputs[0] ?? '')) === 1);
  if (!isReciprocal) return current.outputs[0];
  nodes.push(reciprocal);
  return reciprocal.outputs[0];
}

/** Adds the division by the root and the scale and shift behind it. */
function normalization(
  view: GraphView,
  operator: string,
  part: { readonly nodes: readonly GraphNode[]; readonly input: string; readonly root: string },
): Composite | undefined {
  const division = soleConsumer(view, part.root);
  if (division?.opType !== 'Div' && division?.opType !== 'Mul') return undefined;
  const nodes = [...part.nodes, division];
  const parameters: string[] = [];
  let output = division.outputs[0] ?? '';
  for (const opType of ['Mul', 'Add']) {
    const next = soleConsumer(view, output);
    const constant = next?.inputs.find((name) => view.constants.has(name));
    if (next?.opType !== opType || constant === undefined) continue;
    nodes.push(next);
    parameters.push(constant);
    output = next.outputs[0] ?? '';
  }
  return {
    operator,
    kind: 'normalization',
    nodes: inFileOrder(view, nodes),
    input: part.input,
    output,
    parameters,
  };
}
