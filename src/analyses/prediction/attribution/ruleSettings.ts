import type { SettingsSchema } from '../../../protocol/settings.js';

/** The methods that average over noisy copies of a row. */
export const noisyMethodNames = ['smoothgrad', 'smoothgrad-squared', 'vargrad'] as const;

const smooths = { method: noisyMethodNames } as const;
const addsNoise = { method: [...noisyMethodNames, 'gradient-shap'] } as const;
const draws = {
  method: [
    ...noisyMethodNames,
    'expected-gradients',
    'gradient-shap',
    'shapley-sampling',
    'kernel-shap',
    'lime',
    'rise',
  ],
} as const;

/** Settings of methods that average over random draws. */
export const samplingSettings = {
  around: {
    kind: 'choice',
    title: 'Scores that are smoothed',
    description: 'The method whose scores are taken at every noisy copy of a row.',
    default: 'gradient',
    choices: ['gradient', 'input-x-gradient', 'integrated-gradients'],
    appliesWhen: smooths,
  },
  samples: {
    kind: 'integer',
    title: 'Samples',
    description:
      'Random samples per row; four times as many halve the standard error. Default: what the method is mostly run with, 50 for noise and expected gradients, 100 permutations for shapley-sampling, 2,048 coalitions and two per feature for kernel-shap, 1,000 for lime and rise.',
    default: null,
    minimum: 1,
    maximum: 1_000_000,
    appliesWhen: draws,
  },
  noise: {
    kind: 'number',
    title: 'Noise',
    description:
      'Standard deviation of the noise, as a share of the range (max − min) of the row’s values; 0.1 to 0.2 is usual.',
    default: 0.15,
    minimum: 0,
    maximum: 10,
    appliesWhen: addsNoise,
  },
} as const satisfies SettingsSchema;

/** Settings of layer-wise relevance propagation. */
export const relevanceSettings = {
  epsilon: {
    kind: 'number',
    title: 'ε',
    description:
      'Added to every sum with its sign: damps weak and contradictory contributions. Default: 0.01, and 1e-6 in lrp-composite.',
    default: null,
    minimum: 0,
    appliesWhen: { method: ['lrp-epsilon', 'lrp-composite'] },
  },
  gamma: {
    kind: 'number',
    title: 'γ',
    description: 'How much what speaks for a unit is favoured over what speaks against it.',
    default: 0.25,
    minimum: 0,
    appliesWhen: { method: ['lrp-gamma', 'lrp-composite'] },
  },
  alpha: {
    kind: 'number',
    title: 'α',
    description:
      'Share of relevance that goes to what speaks for a unit; α − 1 of it, negative, goes to what speaks against it. 1 or 2 is usual.',
    default: 2,
    minimum: 1,
    appliesWhen: { method: ['lrp-alpha-beta'] },
  },
  composite: {
    kind: 'choice',
    title: 'Composite',
    description:
      'Which rule each kind of layer follows: epsilon-plus (αβ with α = 1 in convolutions, ε in dense layers) or epsilon-gamma-box (γ in convolutions, ε in dense layers, a box in the first convolution).',
    default: 'epsilon-plus',
    choices: ['epsilon-plus', 'epsilon-gamma-box'],
    appliesWhen: { method: ['lrp-composite'] },
  },
  low: {
    kind: 'number',
    title: 'Lowest input',
    description:
      'Lowest valid value of an input, for epsilon-gamma-box; default the lowest of the explained rows.',
    default: null,
    appliesWhen: { method: ['lrp-composite'], composite: ['epsilon-gamma-box'] },
  },
  high: {
    kind: 'number',
    title: 'Highest input',
    description:
      'Highest valid value of an input, for epsilon-gamma-box; default the highest of the explained rows.',
    default: null,
    appliesWhen: { method: ['lrp-composite'], composite: ['epsilon-gamma-box'] },
  },
} as const satisfies SettingsSchema;

/** Settings of methods that follow attention. */
export const attentionSettings = {
  query: {
    kind: 'integer',
    title: 'Token asked about',
    description:
      'Whose attention is followed, negative from the end; 0 where the model reads its answer from a first [CLS] token. Default: the explained position, or the mean over all tokens.',
    default: null,
    appliesWhen: { method: ['attention-rollout', 'attention-gradient'] },
  },
} as const satisfies SettingsSchema;
