import { soleConsumer } from '../../layers/graphView.js';
import type { GraphNode } from '../../model.js';
import { type BlockContext, type BlockKind, type FoundBlock } from '../blockKind.js';
import { behindShape, computedInputs, isOperator, nodesBetween, readersOf } from '../walks.js';

/**
 * EvoNorm-S0: x σ(v x) / √(group variance + ε) · γ + β. EvoNorm-B0: x / max(√(batch variance + ε), v x + √(instance variance
 * + ε)) · γ + β, where the batch variance is a constant.
 */
export const evoNorm: BlockKind = {
  id: 'evonorm',
  limits:
    'EvoNorm-S0 and EvoNorm-B0 as inference runs them, with the variance written out by means and sums or by BatchNorm statistics. The other layers of the paper are not recognised.',
  papers: [
    {
      id: 'liu2020evonorm',
      title: 'Evolving Normalization-Activation Layers',
      url: 'https://arxiv.org/abs/2004.02967',
      line: 83,
    },
  ],
  rows: [
    {
      line: 83,
      limits:
        'EvoNorm-S0 and B0 are each one named block, and a normalisation with the activation behind it is one. S1, S2 and B1, B2 are not told apart.',
    },
  ],
  find(context) {
    return context.view.graph.nodes.flatMap((node) => {
      const variant = isOperator(node, 'Div', 'Mul') ? variantOf(context, node) : undefined;
      return variant === undefined ? [] : (blockOf(context, node, variant) ?? []);
    });
  },
};

interface Variant {
  readonly name: 'EvoNorm-S0' | 'EvoNorm-B0';
  readonly input: string;
}

function variantOf(context: BlockContext, division: GraphNode): Variant | undefined {
  const { view } = context;
  const [numerator = '', denominator = ''] = dividedBy(context, division) ?? [];
  if (denominator === '') return undefined;
  const divisor = view.index.producerOf(behindShape(view, denominator));
  const swish = swishOf(context, numerator);
  if (swish !== undefined && isDeviationOf(context, divisor, swish)) {
    return { name: 'EvoNorm-S0', input: swish };
  }
  if (!isOperator(divisor, 'Max')) return undefined;
  const isB0 = divisor.inputs.some((input) => isShiftedDeviation(context, input, numerator));
  return isB0 ? { name: 'EvoNorm-B0', input: numerator } : undefined;
}

/** Returns numerator and denominator, also of a product with a reciprocal. */
function dividedBy({ view }: BlockContext, node: GraphNode): readonly [string, string] | undefined {
  const [left = '', right = ''] = node.inputs;
  if (node.opType === 'Div') return [left, right];
  for (const [factor, other] of [
    [left, right],
    [right, left],
  ] as const) {
    const reciprocal = view.index.producerOf(behindShape(view, factor));
    if (isOperator(reciprocal, 'Reciprocal')) return [other, reciprocal.inputs[0] ?? ''];
  }
  return undefined;
}

/** Returns x where a value is x σ(v x), v constant or left out. */
function swishOf({ view }: BlockContext, value: string): string | undefined {
  const product = view.index.producerOf(behindShape(view, value));
  if (!isOperator(product, 'Mul')) return undefined;
  for (const input of product.inputs) {
    const sigmoid = view.index.producerOf(input);
    const x = product.inputs.find((other) => other !== input) ?? '';
    if (!isOperator(sigmoid, 'Sigmoid')) continue;
    const argument = sigmoid.inputs[0] ?? '';
    const scaled = view.index.producerOf(argument);
    const inner = isOperator(scaled, 'Mul') ? computedInputs(view, scaled) : [];
    if (argument === x || (inner.length === 1 && inner[0] === x)) return x;
  }
  return undefined;
}

/** √(moments of x + ε). */
function isDeviationOf(context: BlockContext, root: GraphNode | undefined, x: string): boolean {
  if (!isOperator(root, 'Sqrt')) return false;
  const nodes = nodesBetween(context, new Set([x]), root.outputs[0] ?? '');
  return nodes !== undefined && [...nodes].some((node) => node.opType.startsWith('Reduce'));
}

/** v x + √(instance variance + ε). */
function isShiftedDeviation(context: BlockContext, value: string, x: string): boolean {
  const { view } = context;
  const sum = view.index.producerOf(behindShape(view, value));
  if (!isOperator(sum, 'Add')) return false;
  const parts = sum.inputs.map((input) => view.index.producerOf(behindShape(view, input)));
  const isScaled = parts.some((part) => isOperator(part, 'Mul') && computedInputs(view, part).join() === x);
  return (isScaled || sum.inputs.includes(x)) && parts.some((part) => isDeviationOf(context, part, x));
}

/** Adds scale and shift behind the division. */
function blockOf(
  context: BlockContext,
  division: GraphNode,
  { name, input }: Variant,
): FoundBlock | undefined {
  const { view } = context;
  let [output = ''] = division.outputs;
  for (const opType of ['Mul', 'Add']) {
    const [reader, ...others] = readersOf(view, output);
    const isConstant = reader !== undefined && computedInputs(view, reader.node).length === 1;
    if (others.length > 0 || !isConstant || !isOperator(reader.node, opType)) continue;
    if (soleConsumer(view, reader.value) !== reader.node) break;
    output = reader.node.outputs[0] ?? '';
  }
  const nodes = nodesBetween(context, new Set([input]), output);
  return nodes === undefined ? undefined : { nodes, output, variant: name };
}
