import type { SettingsSchema } from '../../../protocol/settings.js';

/** The methods that ask what happens when features are absent. */
export const featureMethodNames = [
  'feature-ablation',
  'shapley-exact',
  'shapley-sampling',
  'kernel-shap',
  'tree-shap',
  'lime',
] as const;

const hidesFeatures = { method: featureMethodNames };

/** Settings that say what the features are. */
export const featureSettings = {
  features: {
    kind: 'choice',
    title: 'Features',
    description:
      'What is absent or present as a whole. auto: the columns of a table, the tokens of a sequence, a grid of patches on an image (or what patch, groups or featureMask say); elements: every number by itself; tokens: every position with all of its channels; grid; superpixels: patches that follow the edges of each image.',
    default: 'auto',
    choices: ['auto', 'elements', 'tokens', 'grid', 'superpixels'],
    appliesWhen: hidesFeatures,
  },
  featureCount: {
    kind: 'integer',
    title: 'Number of features',
    description: 'How many patches or superpixels are made at most; default 64, and 16 for shapley-exact.',
    default: null,
    minimum: 1,
    maximum: 100_000,
    appliesWhen: hidesFeatures,
  },
  patch: {
    kind: 'text',
    format: 'integers',
    title: 'Patch',
    description:
      'Size of the patches of a grid, one number or one per axis ("7", "7,5"), in place of their number.',
    default: null,
    appliesWhen: hidesFeatures,
  },
  groups: {
    kind: 'text',
    title: 'Groups of columns',
    description:
      'Columns of a table that are one feature, by name or number: "size: width, height; 4, 5". Columns that are not named stand alone.',
    default: null,
    appliesWhen: hidesFeatures,
  },
  featureMask: {
    kind: 'text',
    format: 'path',
    title: 'Mask of features',
    description:
      'An .npy file with the number of its feature for every element or position (one row, or one per explained row), or an .npz file with one such array per input. Elements with a negative number are never hidden.',
    default: null,
    appliesWhen: hidesFeatures,
  },
} as const satisfies SettingsSchema;

const { groups, featureMask, patch, featureCount } = featureSettings;

/** Those of analyses whose features are the same in all rows, whatever else is set. */
export const sharedFeatureSettings = {
  groups: { ...groups, appliesWhen: {} },
  featureMask: { ...featureMask, appliesWhen: {} },
  patch: { ...patch, appliesWhen: {} },
  featureCount: {
    ...featureCount,
    description: 'How many patches an image is cut into at most; default 64.',
    appliesWhen: {},
  },
} as const satisfies SettingsSchema;
