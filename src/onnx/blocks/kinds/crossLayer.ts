import type { GraphNode } from '../../model.js';
import { type BlockContext, type BlockKind, type FoundBlock } from '../blockKind.js';
import {
  behindShape,
  computedInputs,
  isOperator,
  layerMaking,
  nodesBetween,
  otherOperand,
} from '../walks.js';

/**
 * A layer of a cross network: x_{l+1} = x_0 ⊙ (W x_l + b) + x_l (linear growth of the degree) or x_l ⊙ (W x_l + b) + x_l
 * (exponential growth), where half of W x_l may be masked by itself: [c ‖ c ⊙ max(0, LN(c))] with c = W x_l.
 *
 * Source: Wang et al. (2020), "DCN V2", https://arxiv.org/abs/2008.13535, for the linear form; "FCN" for the exponential
 * one and the mask.
 */
export const crossLayer: BlockKind = {
  id: 'cross-layer',
  limits:
    'Full and low-rank cross layers (DCN, DCN-v2), linear and exponential ones with the self-mask. The first layer of a network is named by the second, since x_0 is its x_l; alone, it is called a cross layer only. Gated sums, whose factor is a sigmoid, are none.',
  papers: [
    {
      id: 'fcn',
      title: 'FCN: Fusing Exponential and Linear Cross Network for Click-Through Rate Prediction',
      line: 181,
    },
    {
      id: 'wang2020dcn',
      title:
        'DCN V2: Improved Deep & Cross Network and Practical Lessons for Web-scale Learning to Rank Systems',
      url: 'https://arxiv.org/abs/2008.13535',
    },
  ],
  rows: [
    {
      line: 181,
      limits:
        'Each cross layer is named, linear or exponential, and whether it masks itself; the first of a network takes its name from the second.',
    },
  ],
  find(context) {
    const parts = context.view.graph.nodes.flatMap((node) => crossLayerAt(context, node) ?? []);
    const byOutput = new Map(parts.map((part) => [part.output, part]));
    const followers = new Map(parts.map((part) => [part.input, part]));
    return parts.flatMap((part) => {
      const isFirst = part.factor === part.input && !byOutput.has(part.input);
      const told = isFirst ? followers.get(part.output) : part;
      const growth = told === undefined ? '' : told.factor === told.input ? 'exponential' : 'linear';
      const nodes = nodesBetween(context, new Set([part.input, part.factor]), part.output);
      if (nodes === undefined) return [];
      const variant = [growth, part.isMasked ? 'self-masked' : ''].filter((word) => word !== '').join(', ');
      return [{ nodes, output: part.output, variant } satisfies FoundBlock];
    });
  },
};

interface CrossParts {
  /** x_l. */
  readonly input: string;
  /** x_0, or x_l again. */
  readonly factor: string;
  readonly output: string;
  readonly isMasked: boolean;
}

/** Returns the parts of the cross layer whose last sum this node is, or undefined. */
export function crossLayerAt(context: BlockContext, sum: GraphNode): CrossParts | undefined {
  const { view } = context;
  if (!isOperator(sum, 'Add')) return undefined;
  const operands = computedInputs(view, sum);
  if (operands.length !== 2) return undefined;
  for (const product of operands) {
    const input = operands.find((operand) => operand !== product) ?? '';
    const mul = view.index.producerOf(withoutBias(context, product));
    if (!isOperator(mul, 'Mul')) continue;
    const factors = computedInputs(view, mul);
    for (const mixed of factors) {
      const factor = otherOperand(view, mul, mixed);
      const mix = factor === undefined ? undefined : mixOf(context, mixed, input);
      if (factor === undefined || mix === undefined) continue;
      return { input, factor, output: sum.outputs[0] ?? '', isMasked: mix === 'masked' };
    }
  }
  return undefined;
}

/** Returns the value without a constant that is added to it. */
function withoutBias({ view }: BlockContext, value: string): string {
  const node = view.index.producerOf(value);
  const [computed, ...others] = isOperator(node, 'Add') ? computedInputs(view, node) : [];
  return computed !== undefined && others.length === 0 ? computed : value;
}

/** Tells whether a value is a linear function of `input`, perhaps masked by itself. */
function mixOf(context: BlockContext, value: string, input: string): 'plain' | 'masked' | undefined {
  const unshifted = withoutBias(context, value);
  if (isLinearIn(context, value, input) || isLinearIn(context, unshifted, input)) return 'plain';
  const { view } = context;
  const concat = view.index.producerOf(unshifted);
  if (!isOperator(concat, 'Concat')) return undefined;
  const [plain = '', masked = ''] = concat.inputs;
  const product = view.index.producerOf(masked);
  const mask = isOperator(product, 'Mul') ? otherOperand(view, product, plain) : undefined;
  const layer = mask === undefined ? undefined : layerMaking(context, mask);
  return layer?.kind === 'activation' && isLinearIn(context, plain, input) ? 'masked' : undefined;
}

/** Up to two dense layers without an activation in between (low rank), a normalisation behind them allowed. */
function isLinearIn(context: BlockContext, value: string, input: string): boolean {
  let at = value;
  for (let rank = 0; rank < 2; rank++) {
    const dense = layerMaking(context, at, 'normalizations');
    if (dense?.kind !== 'dense') return false;
    if (behindShape(context.view, dense.input) === behindShape(context.view, input)) return true;
    at = dense.input;
  }
  return false;
}
