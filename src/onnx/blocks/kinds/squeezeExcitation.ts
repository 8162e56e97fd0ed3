import type { Candidate } from '../../layers/candidates.js';
import { type BlockContext, type BlockKind, type FoundBlock } from '../blockKind.js';
import { behindShape, isOperator, layerMaking, nodesBetween, otherOperand, readersOf } from '../walks.js';

/**
 * Squeeze-and-excitation: x ⊙ σ(W₂ δ(W₁ mean(x))), the mean over positions; in the second version W₁ and δ stand side by
 * side several times and are joined.
 */
export const squeezeExcitation: BlockKind = {
  id: 'squeeze-excitation',
  limits:
    'Global average pooling, two dense layers or 1 × 1 convolutions with a sigmoid (or hard sigmoid) at the end, multiplied with what was pooled; several first layers side by side are the second version. One convolution along the channels (ECA) is none.',
  papers: [
    {
      id: 'hu2017',
      title: 'Squeeze-and-Excitation Networks',
      url: 'https://arxiv.org/abs/1709.01507',
      line: 191,
    },
    {
      id: 'senetv2',
      title: 'SENetV2: Aggregated dense layer for channelwise and global representations',
      line: 167,
    },
  ],
  rows: [
    { line: 191, limits: 'The block is named; what its gates do on data is an analysis of its own.' },
    {
      line: 167,
      limits:
        'Recognised where the first layers stand side by side and are concatenated before the last one.',
    },
  ],
  find(context) {
    return context.candidates.flatMap((gate) =>
      gate.kind === 'gate' ? (excitationAt(context, gate) ?? []) : [],
    );
  },
};

function excitationAt(context: BlockContext, gate: Candidate): FoundBlock | undefined {
  const { view } = context;
  const last = mixing(context, gate.input);
  if (last === undefined) return undefined;
  const joined = view.index.producerOf(behindShape(view, last.input));
  const isAggregated = isOperator(joined, 'Concat');
  const branches = isAggregated ? joined.inputs : [last.input];
  const sources = new Set(branches.map((branch) => squeezed(context, branch)));
  const [source] = sources;
  if (source === undefined || sources.size > 1) return undefined;
  for (const { node, value } of readersOf(view, gate.output)) {
    const scaled = isOperator(node, 'Mul') ? otherOperand(view, node, value) : undefined;
    if (scaled === undefined || behindShape(view, scaled) !== source) continue;
    const output = node.outputs[0] ?? '';
    const nodes = nodesBetween(context, new Set([source]), output);
    if (nodes === undefined) return undefined;
    return { nodes, output, variant: isAggregated ? 'aggregated' : '' };
  }
  return undefined;
}

/** Returns the dense layer or 1 × 1 convolution whose output a value is. */
function mixing(context: BlockContext, value: string): Candidate | undefined {
  const layer = layerMaking(context, value, 'normalizations');
  const isPoint = layer?.kind === 'conv' && (layer.weight?.dims?.slice(2) ?? [0]).every((size) => size === 1);
  return layer?.kind === 'dense' || isPoint ? layer : undefined;
}

/** Follows a value back over an activation and a first layer to what was pooled. */
function squeezed(context: BlockContext, value: string): string | undefined {
  const { view } = context;
  const before = layerMaking(context, value, 'normalizations');
  const first = before?.kind === 'activation' ? mixing(context, before.input) : mixing(context, value);
  if (first === undefined) return undefined;
  const pool = view.index.producerOf(behindShape(view, first.input));
  return isOperator(pool, 'GlobalAveragePool', 'ReduceMean')
    ? behindShape(view, pool.inputs[0] ?? '')
    : undefined;
}
