import type { GraphNode } from '../model.js';
import { clipBounds } from './activationOperators.js';
import {
  activation,
  type Composite,
  computedOperand,
  constantOperand,
  productWith,
} from './compositeParts.js';
import { type GraphView, soleConsumer } from './graphView.js';

/** x · hardSigmoid(x), and x · clip(x + 3, 0, 6) / 6 in either order. */
export function recogniseHardSwish(view: GraphView, anchor: GraphNode): Composite | undefined {
  if (anchor.opType === 'HardSigmoid') {
    const input = anchor.inputs[0] ?? '';
    const product = productWith(view, anchor, input);
    return product === undefined
      ? undefined
      : activation(view, 'HardSwish', { nodes: [anchor, product], input });
  }
  const ramp = rampOf(view, anchor);
  if (ramp === undefined) return undefined;
  const { input } = ramp;
  const nodes = [...ramp.nodes];
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
  return hasProduct ? activation(view, 'HardSwish', { nodes, input }) : undefined;
}

/** clip(x + 3, 0, 6) / 6, as TensorFlow writes the gate of squeeze-and-excitation. */
export function recogniseHardSigmoid(view: GraphView, anchor: GraphNode): Composite | undefined {
  const ramp = rampOf(view, anchor);
  if (ramp === undefined) return undefined;
  const scaled = soleConsumer(view, anchor.outputs[0] ?? '');
  if (scaled?.opType !== 'Mul' && scaled?.opType !== 'Div') return undefined;
  if (constantOperand(view, scaled) === undefined) return undefined;
  return activation(view, 'HardSigmoid', { nodes: [...ramp.nodes, scaled], input: ramp.input });
}

/** Returns x + 3 and its Clip to [0, 6], if that is what the anchor is. */
function rampOf(
  view: GraphView,
  anchor: GraphNode,
): { readonly nodes: readonly GraphNode[]; readonly input: string } | undefined {
  if (anchor.opType !== 'Clip') return undefined;
  const { low, high } = clipBounds(anchor, view.constants);
  const shifted = view.index.producerOf(anchor.inputs[0] ?? '');
  if (low !== 0 || high !== 6 || shifted?.opType !== 'Add' || constantOperand(view, shifted) !== 3) {
    return undefined;
  }
  const input = computedOperand(view, shifted);
  return input === undefined ? undefined : { nodes: [shifted, anchor], input };
}
