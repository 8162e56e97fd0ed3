import type { SettingsSchema } from '../../../protocol/settings.js';
import type { SettingsOf } from '../../analysis.js';

/** Units shown when none are named. */
export const defaultUnitCount = 4;

/** Samples that they are compared on without a limit. */
export const defaultRowCount = 256;

/** Settings of `feature-visualization`. */
export const visualizationSettings = {
  units: {
    kind: 'text',
    title: 'Units',
    description: `Addresses of what is excited, separated by commas: a channel or logit (conv2[3]), one neuron of a channel (conv2[3]@4,4), or a whole layer (conv2) by its mean square; default the first ${String(defaultUnitCount)} units of the last layer.`,
    default: null,
  },
  direction: {
    kind: 'text',
    format: 'path',
    title: 'Direction',
    description:
      'An .npy or .npz with a vector [C], or several [K, C], C being the units of the layer that units then names: what is excited is the layer’s value along each of them, a concept say.',
    default: null,
  },
  images: {
    kind: 'integer',
    title: 'Inputs a unit',
    description: 'How many inputs are looked for, each from noise of its own.',
    default: 2,
    minimum: 1,
    maximum: 64,
  },
  steps: {
    kind: 'integer',
    title: 'Steps',
    description: 'Steps of the ascent for each unit; each takes about three forward passes.',
    default: 150,
    minimum: 1,
    maximum: 100_000,
  },
  learningRate: {
    kind: 'number',
    title: 'Step size',
    description: 'First learning rate of Adam, in halves of the input’s range; it falls along half a cosine.',
    default: 0.05,
    minimum: 0,
    exclusive: true,
  },
  parameterization: {
    kind: 'choice',
    title: 'What is moved',
    description:
      'fourier: the waves that the input is made of, low ones most, as in natural images; pixels: every position by itself.',
    default: 'fourier',
    choices: ['fourier', 'pixels'],
  },
  alphaWeight: {
    kind: 'number',
    title: 'Weight of the α-norm',
    description:
      'Weight of the prior mean |z|^α, z being the input in halves of its range from the middle, beside an activation in units of the highest on the data; 0 leaves it out.',
    default: 1,
    minimum: 0,
  },
  alpha: {
    kind: 'number',
    title: 'α',
    description: 'Exponent of the α-norm: 2 is L2 decay; large ones hold back large values only.',
    default: 2,
    minimum: 1,
    maximum: 20,
  },
  variationWeight: {
    kind: 'number',
    title: 'Weight of total variation',
    description: 'Weight of the prior that makes neighbouring positions alike; 0 leaves it out.',
    default: 0,
    minimum: 0,
  },
  beta: {
    kind: 'number',
    title: 'β',
    description: 'Exponent of total variation: 2 is smooth everywhere, 1 keeps edges.',
    default: 2,
    minimum: 1,
    maximum: 4,
  },
  blur: {
    kind: 'number',
    title: 'Blur',
    description:
      'Standard deviation, in positions, of the Gaussian that the input is blurred by after every step; 0 leaves it out.',
    default: 0,
    minimum: 0,
    maximum: 100,
    appliesWhen: { parameterization: ['pixels'] },
  },
  centre: {
    kind: 'number',
    title: 'Centre bias',
    description:
      'Standard deviation, as a share of each side, of the Gaussian around the middle that the input fades by; 0 leaves it out.',
    default: 0,
    minimum: 0,
    maximum: 10,
  },
  jitter: {
    kind: 'integer',
    title: 'Jitter',
    description:
      'Positions by which the input is rolled at random before every step, at most. Default a sixteenth of the shorter side.',
    default: null,
    minimum: 0,
    maximum: 10_000,
  },
  rotation: {
    kind: 'number',
    title: 'Rotation',
    description: 'Degrees by which pictures are turned at random before every step, at most.',
    default: 0,
    minimum: 0,
    maximum: 180,
    unit: '°',
  },
  zoom: {
    kind: 'number',
    title: 'Zoom',
    description: 'Share by which the input grows or shrinks at random before every step, at most.',
    default: 0,
    minimum: 0,
    maximum: 0.9,
  },
  range: {
    kind: 'choice',
    title: 'Range of the input',
    description:
      'data: inputs stay between low and high; free: they may leave that range, whose width is then their unit only.',
    default: 'data',
    choices: ['data', 'free'],
  },
  low: {
    kind: 'number',
    title: 'Lowest value',
    description:
      'Lower end of the input’s range. Default the lowest of the data (of each channel, where there are positions), without data −1.',
    default: null,
  },
  high: {
    kind: 'number',
    title: 'Highest value',
    description: 'Upper end of the input’s range. Default the highest of the data, without data 1.',
    default: null,
  },
  start: {
    kind: 'text',
    format: 'path',
    title: 'Start',
    description:
      'An .npy or .npz of inputs, [N, …] as the model is fed them, that the ascent starts from in the place of noise: a picture, or the visualization of an earlier run, to go on with it.',
    default: null,
  },
} as const satisfies SettingsSchema;

/** Values of the settings. */
export type VisualizationSettings = SettingsOf<typeof visualizationSettings>;
