import type { SettingsSchema } from '../../../protocol/settings.js';
import type { SettingsOf } from '../../analysis.js';

/** Samples inverted when none are chosen. */
export const defaultRowCount = 8;

/** Layers inverted when none are named. */
export const defaultLayerCount = 5;

/** Settings of `invert-representation`. */
export const inversionSettings = {
  layers: {
    kind: 'text',
    title: 'Layers',
    description: `Layers whose representation is inverted, separated by commas; default ${String(defaultLayerCount)} of them, spread over the depth.`,
    default: null,
  },
  samples: {
    kind: 'text',
    format: 'integers',
    title: 'Samples',
    description: `Positions in the data of the samples that are inverted, from 0; default the first ${String(defaultRowCount)}, or as many as the limit says.`,
    default: null,
  },
  steps: {
    kind: 'integer',
    title: 'Steps',
    description: 'Steps of the descent for each layer; each takes about three forward passes.',
    default: 200,
    minimum: 1,
    maximum: 100_000,
  },
  optimizer: {
    kind: 'choice',
    title: 'Optimiser',
    description: 'How steps follow the gradient: adam needs no tuning; momentum is the paper’s.',
    default: 'adam',
    choices: ['adam', 'momentum'],
  },
  learningRate: {
    kind: 'number',
    title: 'Step size',
    description:
      'First learning rate, in halves of the input’s range; it falls along half a cosine. Default 0.05 for adam, 0.5 for momentum.',
    default: null,
    minimum: 0,
    exclusive: true,
  },
  alphaWeight: {
    kind: 'number',
    title: 'Weight of the α-norm',
    description:
      'λ of the prior mean |z|^α, z being the input in halves of its range from the middle; 0 leaves it out.',
    default: 0.01,
    minimum: 0,
  },
  alpha: {
    kind: 'number',
    title: 'α',
    description: 'Exponent of the α-norm; large ones leave small values alone and hold back large ones.',
    default: 6,
    minimum: 1,
    maximum: 20,
  },
  variationWeight: {
    kind: 'number',
    title: 'Weight of total variation',
    description:
      'λ of the prior that makes neighbouring positions alike; 0 leaves it out. It needs an input with positions.',
    default: 0.05,
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
  range: {
    kind: 'choice',
    title: 'Range of the input',
    description:
      'data: what is found stays in the range of the samples (of each channel, where there are positions); free: it may leave it.',
    default: 'data',
    choices: ['data', 'free'],
  },
} as const satisfies SettingsSchema;

/** Values of the settings. */
export type InversionSettings = SettingsOf<typeof inversionSettings>;
