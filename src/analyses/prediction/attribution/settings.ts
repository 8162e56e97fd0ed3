import type { SettingsSchema } from '../../../protocol/settings.js';
import type { SettingsOf } from '../../analysis.js';
import { featureMethodNames, featureSettings } from '../features/featureSettings.js';
import { attentionSettings, noisyMethodNames, relevanceSettings, samplingSettings } from './ruleSettings.js';

/** The methods of `attribution` by name. */
export const methodNames = [
  'gradient',
  'input-x-gradient',
  'integrated-gradients',
  'smoothgrad',
  'smoothgrad-squared',
  'vargrad',
  'expected-gradients',
  'gradient-shap',
  'deeplift-rescale',
  'deeplift-revealcancel',
  'deeplift-shap',
  'lrp-zero',
  'lrp-epsilon',
  'lrp-gamma',
  'lrp-alpha-beta',
  'lrp-composite',
  'attention-rollout',
  'attention-gradient',
  'guided-backprop',
  'deconvnet',
  'grad-cam',
  'grad-cam-plus-plus',
  'guided-grad-cam',
  'score-cam',
  'cam',
  'occlusion',
  'rise',
  ...featureMethodNames,
] as const;

/** A method's name. */
export type MethodName = (typeof methodNames)[number];

const integrates = { method: ['integrated-gradients'] } as const;
const drawsPaths = { method: ['expected-gradients', 'gradient-shap'] } as const;
const smoothsPaths = { method: noisyMethodNames, around: ['integrated-gradients'] } as const;
const takesSteps = [integrates, smoothsPaths] as const;
const takesLayer = {
  method: [
    'gradient',
    'input-x-gradient',
    'integrated-gradients',
    ...noisyMethodNames,
    ...drawsPaths.method,
    'deeplift-rescale',
    'deeplift-revealcancel',
    'deeplift-shap',
    'lrp-zero',
    'lrp-epsilon',
    'lrp-gamma',
    'lrp-alpha-beta',
    'lrp-composite',
    'guided-backprop',
    'deconvnet',
    'grad-cam',
    'grad-cam-plus-plus',
    'guided-grad-cam',
    'score-cam',
  ],
} as const;
const takesBackground = {
  method: [
    'integrated-gradients',
    'expected-gradients',
    'gradient-shap',
    'deeplift-shap',
    'occlusion',
    'rise',
    ...featureMethodNames,
  ],
} as const;
const takesBaseline = [
  {
    method: [...takesBackground.method, 'deeplift-rescale', 'deeplift-revealcancel', 'score-cam'],
  },
  smoothsPaths,
  // Where removed elements go.
  { removal: ['true'] },
] as const;
const choosesNeuron = { method: methodNames.filter((name) => name !== 'cam') };
const weightsMaps = {
  method: ['grad-cam', 'grad-cam-plus-plus', 'guided-grad-cam', 'score-cam'],
} as const;
const takesPart = {
  method: ['integrated-gradients', 'deeplift-rescale', 'deeplift-revealcancel'],
} as const;
const masksAtRandom = { method: ['rise'] } as const;
const fitsLocally = { method: ['lime'] } as const;
const occludes = { method: ['occlusion'] } as const;

const what = {
  method: {
    kind: 'choice',
    title: 'Method',
    description:
      'How the prediction is shared out over the input: integrated-gradients adds up to the prediction, gradient and input-x-gradient are one pass, smoothgrad and its kin average over noise, expected-gradients and gradient-shap over a background, deeplift adds up too and takes one pass, lrp hands the prediction down layer by layer, attention-rollout and attention-gradient follow attention between tokens, guided-backprop and deconvnet are sharp but hardly depend on the class, the grad-cam family is coarse but steady on images; occlusion and the methods that hide features need no gradients.',
    default: 'integrated-gradients',
    choices: methodNames,
  },
  rows: {
    kind: 'text',
    format: 'integers',
    title: 'Rows',
    description:
      'Which rows of the data are explained, counted from 0 ("16", "3,5,9"); default the first ones, as many as the limit says, or 16.',
    default: null,
  },
  target: {
    kind: 'text',
    title: 'Target',
    description: 'Index on the class axis of the output, or argmax: the class each row is predicted as.',
    default: 'argmax',
  },
  position: {
    kind: 'text',
    format: 'integers',
    title: 'Position',
    description:
      'Which element of the remaining output axes: a token for [N, T, C] (default the last unmasked one, negative from the end), "y,x" for [N, C, H, W] (required there).',
    default: null,
  },
  output: {
    kind: 'text',
    title: 'Output',
    description:
      'Name of the model output that is explained; default the first that holds floating-point numbers.',
    default: null,
  },
  explain: {
    kind: 'choice',
    title: 'Explained value',
    description:
      'auto: the value before a final Softmax, LogSoftmax or Sigmoid (the sum of leaves of a tree ensemble), where gradients do not vanish; output: the output itself.',
    default: 'auto',
    choices: ['auto', 'output'],
  },
  neuron: {
    kind: 'text',
    format: 'address',
    title: 'Neuron',
    description:
      'Address of a unit whose value is explained in place of the output, e.g. conv2[3]@4,4; without a position all positions are summed.',
    default: null,
    appliesWhen: choosesNeuron,
  },
} as const satisfies SettingsSchema;

const where = {
  layer: {
    kind: 'text',
    format: 'layer',
    title: 'Layer',
    description:
      'Share the prediction out over this layer’s values and not over the input; for the grad-cam family the layer whose maps are weighted (default the last with spatial positions).',
    default: null,
    appliesWhen: takesLayer,
  },
  path: {
    kind: 'choice',
    title: 'Path in a layer',
    description:
      'With a layer: layer integrates from the layer’s value at the baseline to its value at the input; input follows the input’s path (conductance, or internal influence when multiply is off).',
    default: 'layer',
    choices: ['layer', 'input'],
    appliesWhen: { method: [...integrates.method, ...drawsPaths.method] },
  },
  through: {
    kind: 'text',
    format: 'address',
    title: 'Through',
    description:
      'Address of a unit: count only the part of the gradient that flows through it (integrated-gradients; neuron conductance).',
    default: null,
    appliesWhen: integrates,
  },
} as const satisfies SettingsSchema;

const path = {
  baseline: {
    kind: 'text',
    title: 'Baseline',
    description:
      'The input that stands for "nothing": zeros, a number, or an .npz file with an array per explained input (one row, or one per explained row).',
    default: 'zeros',
    appliesWhen: takesBaseline,
  },
  background: {
    kind: 'text',
    format: 'path',
    title: 'Background',
    description:
      'An .npz file with many baselines: the prediction is shared out against each of them, or against some drawn from them, and the mean is taken.',
    default: null,
    appliesWhen: takesBackground,
  },
  part: {
    kind: 'text',
    format: 'integers',
    title: 'Part of the input',
    description:
      'Let only this part of the first input go to the baseline, so that its effect alone is shared out: a position ("y,x" of an image, a token, a column, from 0), or the first and last of a block ("y0,x0,y1,x1"). With a layer it says which neurons carry the part.',
    default: null,
    appliesWhen: takesPart,
  },
  steps: {
    kind: 'integer',
    title: 'Steps',
    description: 'Points on the path of integrated-gradients; more steps, smaller completeness error.',
    default: 50,
    minimum: 1,
    maximum: 10_000,
    appliesWhen: takesSteps,
  },
  quadrature: {
    kind: 'choice',
    title: 'Quadrature',
    description: 'Rule that places and weights the points of integrated-gradients.',
    default: 'gauss-legendre',
    choices: ['gauss-legendre', 'left', 'right', 'middle', 'trapezoid'],
    appliesWhen: takesSteps,
  },
  multiply: {
    kind: 'boolean',
    title: 'Multiply by input − baseline',
    description: 'Off: the averaged gradient alone (a sensitivity, which does not add up to the prediction).',
    default: true,
    appliesWhen: takesSteps,
  },
} as const satisfies SettingsSchema;

const maps = {
  relu: {
    kind: 'boolean',
    title: 'Positive parts only',
    description: 'Grad-CAM maps: keep what speaks for the target, drop what speaks against it.',
    default: true,
    appliesWhen: weightsMaps,
  },
  upsample: {
    kind: 'choice',
    title: 'Upsampling',
    description: 'How a layer’s map is enlarged to the input’s size.',
    default: 'bilinear',
    choices: ['bilinear', 'nearest'],
    appliesWhen: { method: [...takesLayer.method, 'cam'] },
  },
  window: {
    kind: 'text',
    format: 'integers',
    title: 'Window',
    description:
      'occlusion: size of the hidden window, one number or one per axis ("5", "5,3"); default an eighth of each image side, one feature, or one token (1/256 of longer sequences).',
    default: null,
    appliesWhen: occludes,
  },
  stride: {
    kind: 'text',
    format: 'integers',
    title: 'Stride',
    description:
      'occlusion: distance between windows, at most their size; default half a window, rounded up.',
    default: null,
    appliesWhen: occludes,
  },
} as const satisfies SettingsSchema;

const masking = {
  cells: {
    kind: 'integer',
    title: 'Cells',
    description:
      'rise: cells of a mask along each side; default 7 on images, and every element by itself otherwise. Fewer cells show larger parts, with less noise.',
    default: null,
    minimum: 1,
    maximum: 1000,
    appliesWhen: masksAtRandom,
  },
  keep: {
    kind: 'number',
    title: 'Kept share',
    description: 'rise: probability that a cell of a mask lets the input through.',
    default: 0.5,
    minimum: 0,
    maximum: 1,
    exclusive: true,
    appliesWhen: masksAtRandom,
  },
} as const satisfies SettingsSchema;

const checks = {
  removal: {
    kind: 'boolean',
    title: 'Removal curve',
    description:
      'Also set elements to the baseline, highest scores first and in random order, and show what is left of the explained value: 20 more passes per row.',
    default: false,
  },
} as const satisfies SettingsSchema;

const trees = {
  absence: {
    kind: 'choice',
    title: 'Absent features',
    description:
      'tree-shap: interventional takes absent features from the baseline or background; path-dependent follows both branches in proportion to the training samples that went there, where the model stores how many.',
    default: 'interventional',
    choices: ['interventional', 'path-dependent'],
    appliesWhen: { method: ['tree-shap'] },
  },
} as const satisfies SettingsSchema;

const fitting = {
  kernelWidth: {
    kind: 'number',
    title: 'Kernel width',
    description:
      'lime: how far from the row the linear model is to hold; samples at cosine distance D count exp(−D²/width²).',
    default: 0.25,
    minimum: 0,
    maximum: 1000,
    exclusive: true,
    appliesWhen: fitsLocally,
  },
  ridge: {
    kind: 'number',
    title: 'Ridge',
    description:
      'lime: weight of the squared coefficients against the weighted mean squared error; larger values shrink scores towards zero.',
    default: 0.001,
    minimum: 0,
    maximum: 1000,
    appliesWhen: fitsLocally,
  },
} as const satisfies SettingsSchema;

/** The settings of `attribution`. */
export const attributionSettings = {
  ...what,
  ...where,
  ...path,
  ...samplingSettings,
  ...relevanceSettings,
  ...attentionSettings,
  ...maps,
  ...featureSettings,
  ...masking,
  ...fitting,
  ...trees,
  ...checks,
} as const;

/** Their values. */
export type AttributionSettings = SettingsOf<typeof attributionSettings>;

/** What they are when nothing is set. */
export const attributionDefaults = Object.fromEntries(
  Object.entries(attributionSettings).map(([key, setting]) => [key, setting.default]),
  // Every key of the schema has its own default here.
) as AttributionSettings;
