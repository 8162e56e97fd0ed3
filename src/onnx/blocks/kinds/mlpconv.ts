import type { Candidate } from '../../layers/candidates.js';
import { fusedActivationOf } from '../../layers/activationOperators.js';
import { type GraphNode, intAttribute } from '../../model.js';
import { type BlockContext, type BlockKind, type FoundBlock } from '../blockKind.js';
import { isOperator, layerReading, soleReader } from '../walks.js';

/**
 * A k × k convolution and 1 × 1 convolutions behind it, an activation after each: a small multilayer perceptron that slides
 * over the maps.
 */
export const mlpconv: BlockKind = {
  id: 'mlpconv',
  limits:
    'A convolution wider than 1 × 1 over all channels, followed by at least one 1 × 1 convolution, an activation after each; only the last may have none, where global average pooling follows. Depthwise convolutions and branches are none.',
  papers: [{ id: 'lin2013', title: 'Network In Network', url: 'https://arxiv.org/abs/1312.4400', line: 65 }],
  rows: [
    {
      line: 65,
      limits:
        'An mlpconv layer is a convolution and at least one 1 × 1 convolution, with an activation after each. One 1 × 1 convolution is enough.',
    },
  ],
  find(context) {
    return context.candidates.flatMap((conv) => {
      if (sizeOf(conv) !== 'wide') return [];
      const nodes = new Set<GraphNode>(conv.nodes);
      let output = activated(context, conv, nodes);
      let found: FoundBlock | undefined;
      while (output !== undefined) {
        const next = layerReading(context, output);
        if (next === undefined || sizeOf(next) !== 'point') break;
        for (const node of next.nodes) nodes.add(node);
        output =
          activated(context, next, nodes) ?? (isPooled(context, next.output) ? next.output : undefined);
        if (output !== undefined) found = { nodes: new Set(nodes), output, variant: '' };
      }
      return found ?? [];
    });
  },
};

/** Whether a convolution of one group looks at neighbours or at one position. */
function sizeOf({ kind, nodes, weight }: Candidate): 'wide' | 'point' | undefined {
  const [node] = nodes;
  const isTransposed = isOperator(node, 'ConvTranspose');
  if (kind !== 'conv' || node === undefined || isTransposed || intAttribute(node, 'group', 1) !== 1) {
    return undefined;
  }
  const kernel = weight?.dims?.slice(2) ?? [];
  if (kernel.length === 0) return undefined;
  return kernel.every((size) => size === 1) ? 'point' : 'wide';
}

/** Returns the value behind the activation of a layer, normalised or not, and collects the nodes up to it. */
function activated(context: BlockContext, layer: Candidate, nodes: Set<GraphNode>): string | undefined {
  if (layer.nodes.some((node) => fusedActivationOf(node) !== undefined)) return layer.output;
  let next = layerReading(context, layer.output);
  if (next?.kind === 'normalization') {
    for (const node of next.nodes) nodes.add(node);
    next = layerReading(context, next.output);
  }
  if (next?.kind !== 'activation') return undefined;
  for (const node of next.nodes) nodes.add(node);
  return next.output;
}

function isPooled({ view }: BlockContext, value: string): boolean {
  return isOperator(soleReader(view, value)?.node, 'GlobalAveragePool', 'ReduceMean');
}
