import type { GraphNode } from '../model.js';
import {
  activation,
  type Composite,
  computedOperand,
  constantOperand,
  productWith,
  type Recogniser,
} from './compositeParts.js';
import { type GraphView, soleConsumer } from './graphView.js';
import { recogniseHardSigmoid, recogniseHardSwish } from './hardActivations.js';
import { recogniseMomentNorm } from './momentNorm.js';
import { recogniseLayerNorm, recogniseRmsNorm } from './rootNorms.js';

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
  recogniseHardSigmoid,
];

/** x · σ(x), and x · σ(1.702 x). */
function recogniseSigmoidProduct(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType !== 'Sigmoid') return undefined;
  const input = anchor.inputs[0] ?? '';
  const plain = productWith(view, anchor, input);
  if (plain !== undefined) return activation(view, 'Silu', { nodes: [anchor, plain], input });
  const scaled = view.index.producerOf(input);
  if (scaled?.opType !== 'Mul') return undefined;
  const source = computedOperand(view, scaled);
  const product = source === undefined ? undefined : productWith(view, anchor, source);
  if (source === undefined || product === undefined) return undefined;
  return activation(view, 'QuickGelu', { nodes: [scaled, anchor, product], input: source });
}

/** x · tanh(softplus(x)). */
function recogniseMish(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType !== 'Softplus') return undefined;
  const input = anchor.inputs[0] ?? '';
  const tanh = soleConsumer(view, anchor.outputs[0] ?? '');
  if (tanh?.opType !== 'Tanh') return undefined;
  const product = productWith(view, tanh, input);
  return product === undefined
    ? undefined
    : activation(view, 'Mish', { nodes: [anchor, tanh, product], input });
}

/** x · ½ · (1 + erf(x / √2)), the factors in any order. */
function recogniseErfGelu(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType !== 'Erf') return undefined;
  const scaled = view.index.producerOf(anchor.inputs[0] ?? '');
  if (scaled === undefined || (scaled.opType !== 'Div' && scaled.opType !== 'Mul')) return undefined;
  const input = computedOperand(view, scaled);
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
  return hasInput ? activation(view, 'Gelu', { nodes, input }) : undefined;
}
