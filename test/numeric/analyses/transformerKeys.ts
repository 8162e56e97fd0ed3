import type { NoiseKey } from './assertNoiseKeys.js';
import type { CoveredKey } from './attributionKeys.js';

const ig = { method: 'integrated-gradients' };

function layerKeys(reference: string, layer = reference): CoveredKey[] {
  return [
    { key: `layer_gxa.${reference}`, settings: { method: 'input-x-gradient', layer } },
    { key: `layer_ig.${reference}`, settings: { ...ig, layer } },
    { key: `layer_conductance.${reference}`, settings: { ...ig, layer, path: 'input' } },
    { key: `internal_influence.${reference}`, settings: { ...ig, layer, path: 'input', multiply: false } },
  ];
}

function neuronKeys(reference: string, address: string): CoveredKey[] {
  return [
    { key: `neuron_gradient.${reference}`, settings: { method: 'gradient', neuron: address } },
    { key: `neuron_ig.${reference}`, settings: { ...ig, neuron: address } },
    {
      key: `neuron_conductance.${reference}`,
      settings: { ...ig, quadrature: 'trapezoid', through: address },
    },
  ];
}

/** Every key of the transformer that the methods cover, with the settings that must reproduce it. */
export const transformerKeys: readonly CoveredKey[] = [
  { key: 'output', settings: { method: 'gradient' }, array: 'output', then: 'target-column' },
  { key: 'gradient', settings: { method: 'gradient' } },
  { key: 'input_x_gradient', settings: { method: 'input-x-gradient' } },
  { key: 'ig', settings: ig },
  { key: 'ig.delta', settings: ig, array: 'completenessError' },
  { key: 'ig_baseline', settings: ig, baseline: 'baselines8' },
  { key: 'ig_baseline.delta', settings: ig, baseline: 'baselines8', array: 'completenessError' },
  { key: 'feature_ablation_tokens', settings: { method: 'feature-ablation' } },
  { key: 'occlusion_tokens(1,32)', settings: { method: 'occlusion', window: '1', stride: '1' } },
  ...['b0', 'b1', 'b0.fc1', 'b0.gelu', 'lnf'].flatMap((layer) => layerKeys(layer)),
  ...layerKeys('b1.att.softmax', 'b1.att.head'),
  ...neuronKeys('b0.fc1[2,5]', 'b0.fc1[5]@2'),
  ...neuronKeys('b1[0,3]', 'b1[3]@0'),
  ...['b0', 'b1'].map((block): CoveredKey => {
    return {
      key: `attention_grad.${block}`,
      settings: { method: 'gradient', layer: `${block}.att.head` },
    };
  }),
];

/** Keys of integrating from the embedding of token 0 to that of each token, by the array of the report. */
export const overEmbedding = {
  'layer_ig_embedding(ids,baseline_id0)': 'attribution',
  'layer_ig_embedding(ids,baseline_id0).delta': 'completenessError',
} as const;

/** Keys of noise tunnels around the stored noise. */
export const transformerNoiseKeys: readonly NoiseKey[] = [
  { key: 'nt_smoothgrad_gradient', around: 'gradient', statistic: 'mean', samples: 8 },
  { key: 'nt_smoothgrad_sq_gradient', around: 'gradient', statistic: 'mean-square', samples: 8 },
  { key: 'nt_vargrad_gradient', around: 'gradient', statistic: 'variance', samples: 8 },
];

/** Why the other keys are none of the methods'. */
export const otherTransformerKeys: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^(ids|x|target|baselines8|noise8|stats_ids|stats_x)$/, 'what goes in, not a result'],
  [/^(layer_activation\..*|attention\.b\d)$/, 'forward values: nothing is attributed'],
  [/^(attention_rollout|chefer_relevance)$/, 'compared in attributionAttention.test.ts'],
  [/^stats\./, 'activation statistics are compared by the statistics analyses'],
];
