import type { BlockKind } from '../blockKind.js';
import { behindShape, isOperator, layerMaking } from '../walks.js';

/** Channels split between an instance and a batch normalisation and joined again: what IBN-Net calls IBN-a. */
export const ibn: BlockKind = {
  id: 'ibn',
  limits:
    'The channels of one value split (or sliced), one part through InstanceNormalization and the other through BatchNormalization, and concatenated. IBN-b, an InstanceNormalization behind a residual sum, shows as the layers it is.',
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
      limits: 'IBN-a is named. How the parts differ between data sets is an analysis of its own.',
    },
  ],
  find(context) {
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
      const splits = parts.filter((part) => part !== undefined);
      const nodes = [...splits, ...norms.flatMap((norm) => norm.nodes), concat];
      return [{ nodes: new Set(nodes), output: concat.outputs[0] ?? '', variant: 'IBN-a' }];
    });
  },
};
