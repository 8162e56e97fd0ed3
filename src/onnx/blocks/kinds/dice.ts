import { scalarOf } from '../../layers/constants.js';
import { soleConsumer } from '../../layers/graphView.js';
import type { GraphNode } from '../../model.js';
import { type BlockContext, type BlockKind, type FoundBlock } from '../blockKind.js';
import { behindShape, computedInputs, isOperator, nodesBetween } from '../walks.js';

/** What normalises the argument of the control function: a BatchNormalization, or its statistics as constants. */
const normalizing = ['BatchNormalization', 'Sub', 'Add', 'Mul', 'Div'];

/**
 * Dice: f(s) = p(s) · s + (1 − p(s)) · α s with p(s) = σ((s − E[s]) / √(Var[s] + ε)): a PReLU whose turning point follows
 * the data.
 */
export const dice: BlockKind = {
  id: 'dice',
  limits:
    'p(s) · s + (1 − p(s)) · α s, in any order of its factors and factored out or not, with the normalisation inside the sigmoid written as BatchNormalization or by constants.',
  papers: [
    {
      id: 'zhou2017din',
      title: 'Deep Interest Network for Click-Through Rate Prediction',
      url: 'https://arxiv.org/abs/1706.06978',
      line: 35,
    },
  ],
  rows: [],
  find(context) {
    return context.view.graph.nodes.flatMap((node) =>
      isOperator(node, 'Sigmoid') ? (diceAt(context, node) ?? []) : [],
    );
  },
};

function diceAt(context: BlockContext, sigmoid: GraphNode): FoundBlock | undefined {
  const { view } = context;
  const p = sigmoid.outputs[0] ?? '';
  const complement = complementOf(context, p);
  const signal = complement === undefined ? undefined : normalisedSignal(context, sigmoid.inputs[0] ?? '');
  if (complement === undefined || signal === undefined) return undefined;
  const end = productsOf(context, complement);
  const sum = soleConsumer(view, end);
  if (!isOperator(sum, 'Add')) return undefined;
  const other = sum.inputs.find((input) => input !== end) ?? '';
  // Factored out: s · (p + (1 − p) α).
  const last = behindShape(view, other) === p ? soleConsumer(view, sum.outputs[0] ?? '') : sum;
  const isFactored = last !== sum;
  const kept = isFactored ? last : view.index.producerOf(other);
  if (!isOperator(kept, 'Mul') || last === undefined) return undefined;
  const operands = kept.inputs.map((input) => behindShape(view, input));
  const hasSignal = operands.includes(behindShape(view, signal));
  if (!hasSignal || (!isFactored && !operands.includes(p))) return undefined;
  const output = last.outputs[0] ?? '';
  const nodes = nodesBetween(context, new Set([signal]), output);
  return nodes === undefined || nodes.size === 0 ? undefined : { nodes, output, variant: '' };
}

/** Returns 1 − p. */
function complementOf({ view }: BlockContext, p: string): string | undefined {
  const sub = view.index
    .consumersOf(p)
    .find(
      (node) =>
        isOperator(node, 'Sub') &&
        node.inputs[1] === p &&
        scalarOf(view.constants.get(node.inputs[0] ?? '')) === 1,
    );
  return sub?.outputs[0];
}

/** Follows a value through products, each its only reader, and returns the last. */
function productsOf({ view }: BlockContext, value: string): string {
  let at = value;
  for (let step = 0; step < 3; step++) {
    const node = soleConsumer(view, at);
    if (!isOperator(node, 'Mul')) break;
    at = node.outputs[0] ?? '';
  }
  return at;
}

/** Returns what is normalised in the sigmoid, if something is. */
function normalisedSignal({ view }: BlockContext, value: string): string | undefined {
  let at = behindShape(view, value);
  let isNormalised = false;
  for (let step = 0; step < 4; step++) {
    const node = view.index.producerOf(at);
    const [computed, ...others] = isOperator(node, ...normalizing) ? computedInputs(view, node) : [];
    if (computed === undefined || others.length > 0) break;
    // A bias belongs to the layer before; a normalisation scales too.
    if (isNormalised && isOperator(node, 'Add')) break;
    isNormalised = true;
    at = behindShape(view, computed);
  }
  return isNormalised ? at : undefined;
}
