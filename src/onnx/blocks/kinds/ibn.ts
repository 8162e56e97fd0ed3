import type { Candidate } from '../../layers/candidates.js';
import type { GraphNode } from '../../model.js';
import type { BlockContext, BlockKind, FoundBlock } from '../blockKind.js';
import { behindShape, computedInputs, isOperator, layerMaking, layerReading, soleReader } from '../walks.js';
import { residual } from './residual.js';

/**
 * Instance and batch normalisation together, as IBN-Net has them: the channels split between both and joined again (IBN-a),
 * or an instance normalisation behind the sum of a residual block (IBN-b).
 */
export const ibn: BlockKind = {
  id: 'ibn',
  limits:
    'IBN-a: the channels of one value split (or sliced), one part through InstanceNormalization and the other through BatchNormalization, and concatenated. IBN-b: an InstanceNormalization that reads the sum of a residual block, with its scale and shift inside or behind it, and the activation. Instance normalisation that an exporter wrote as means and roots shows as the operators it is.',
  papers: [
    {
      id: 'pan2018',
      title: 'Two at Once: Enhancing Learning and Generalization Capacities via IBN-Net',
      url: 'https://arxiv.org/abs/1807.09441',
      line: 117,
    },
  ],
  rows: [
    {
      line: 117,
      limits: 'IBN-a and IBN-b are named. How the parts differ between data sets is an analysis of its own.',
    },
  ],
  find: (context) => [...splits(context), ...residuals(context)],
};

/** IBN-a. */
function splits(context: BlockContext): FoundBlock[] {
  const { view } = context;
  return view.graph.nodes.flatMap((concat) => {
    if (!isOperator(concat, 'Concat') || concat.inputs.length !== 2) return [];
    const norms = concat.inputs.flatMap((input) => layerMaking(context, input) ?? []);
    const operators = norms.map(({ operator }) => operator).sort();
    if (operators.join() !== 'BatchNormalization,InstanceNormalization') return [];
    const parts = norms.map(({ input }) => view.index.producerOf(behindShape(view, input)));
    const wholes = new Set(
      parts.map((part) => (isOperator(part, 'Split', 'Slice') ? part.inputs[0] : undefined)),
    );
    const [whole] = wholes;
    if (whole === undefined || wholes.size > 1) return [];
    const cuts = parts.filter((part) => part !== undefined);
    const nodes = [...cuts, ...norms.flatMap((norm) => norm.nodes), concat];
    return [{ nodes: new Set(nodes), output: concat.outputs[0] ?? '', variant: 'IBN-a' }];
  });
}

/** IBN-b: a residual block whose sum goes through an InstanceNormalization before its activation. */
function residuals(context: BlockContext): FoundBlock[] {
  const { view, candidates } = context;
  const norms = candidates
    .filter(({ operator }) => operator === 'InstanceNormalization')
    .map((norm) => ({ norm, sum: behindShape(view, norm.input) }))
    .filter(({ sum }) => isOperator(view.index.producerOf(sum), 'Add', 'Sum'));
  // Most models have no such normalisation and need not be searched for sums again.
  if (norms.length === 0) return [];
  const blocks = new Map(residual.find(context).map((block) => [block.output, block] as const));
  return norms.flatMap(({ norm, sum }) => {
    const block = blocks.get(sum);
    if (block === undefined) return [];
    const { output, nodes } = behindNorm(context, norm);
    return [{ nodes: new Set([...block.nodes, ...nodes]), output, variant: 'IBN-b' }];
  });
}

/** The normalisation with a scale and shift written out behind it, and the activation. */
function behindNorm(
  context: BlockContext,
  norm: Candidate,
): { readonly output: string; readonly nodes: readonly GraphNode[] } {
  const { view } = context;
  const nodes = [...norm.nodes];
  let { output } = norm;
  for (const opType of ['Mul', 'Add']) {
    const reader = soleReader(view, output);
    if (!isOperator(reader?.node, opType) || computedInputs(view, reader.node).length !== 1) continue;
    nodes.push(reader.node);
    output = reader.node.outputs[0] ?? '';
  }
  const activation = layerReading(context, output);
  if (activation?.kind !== 'activation') return { output, nodes };
  return { output: activation.output, nodes: [...nodes, ...activation.nodes] };
}
