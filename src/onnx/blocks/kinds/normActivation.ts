import { layerWord } from '../../../protocol/layerWords.js';
import type { BlockKind } from '../blockKind.js';
import { layerReading } from '../walks.js';

/** Names of normalisations as people shorten them. */
const shortNames: Readonly<Record<string, string>> = {
  BatchNormalization: 'BN',
  LayerNormalization: 'LN',
  'com.microsoft:LayerNormalization': 'LN',
  InstanceNormalization: 'IN',
  GroupNormalization: 'GN',
  RMSNormalization: 'RMSNorm',
  SimplifiedLayerNormalization: 'RMSNorm',
};

/** A normalisation and the activation that alone reads it. */
export const normActivation: BlockKind = {
  id: 'norm-activation',
  limits:
    'Batch, layer, instance, group or root-mean-square normalisation whose only reader is an activation. A BatchNormalization that the exporter folded into a convolution is gone.',
  papers: [
    {
      id: 'liu2020evonorm',
      title: 'Evolving Normalization-Activation Layers',
      url: 'https://arxiv.org/abs/2004.02967',
      line: 83,
    },
  ],
  rows: [],
  find: (context) =>
    context.candidates.flatMap((norm) => {
      if (norm.kind !== 'normalization') return [];
      const activation = layerReading(context, norm.output);
      if (activation?.kind !== 'activation') return [];
      const variant = `${shortNames[norm.operator] ?? norm.operator} + ${layerWord(activation)}`;
      return [{ nodes: [...norm.nodes, ...activation.nodes], output: activation.output, variant }];
    }),
};
