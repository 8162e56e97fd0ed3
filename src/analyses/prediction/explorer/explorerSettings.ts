import type { SettingsSchema } from '../../../protocol/settings.js';
import type { SettingsOf } from '../../analysis.js';
import { functionSettings } from '../functions/functionSettings.js';

const slices = { view: ['slices'] } as const;
const trainingSize = { view: ['training-size'] } as const;
const rows = { view: ['slices', 'training-size'] } as const;
const channels = { view: ['response-curves'] } as const;

const { output, target, position, groups, featureMask, patch, featureCount } = functionSettings;

/** Settings of `function-explorer`. */
export const explorerSettings = {
  view: {
    kind: 'choice',
    title: 'View',
    description:
      'slices: the output along one and two features; training-size: for models that read their training set as an input, how the function changes as that grows; response-curves: for inputs of channels over time, the response, carry-over and contribution of each channel.',
    default: 'slices',
    choices: ['slices', 'training-size', 'response-curves'],
  },
  sweep: {
    kind: 'text',
    title: 'Swept features',
    description:
      'Features to draw, by name or number, separated by commas; default the four along which the output moves most.',
    default: null,
    appliesWhen: rows,
  },
  plane: {
    kind: 'text',
    title: 'Plane',
    description:
      'Two features to draw as a plane, "age, income", or "none"; default the first two of the swept ones.',
    default: null,
    appliesWhen: slices,
  },
  row: {
    kind: 'integer',
    title: 'Row of the plane',
    description: 'Row through which the plane is cut, counted from 0; default the mean over all rows.',
    default: null,
    minimum: 0,
    maximum: 1_000_000,
    appliesWhen: slices,
  },
  gridSize: {
    kind: 'integer',
    title: 'Points along a feature',
    description: 'Evenly spaced points along each feature; a plane has at most 25 along each of its two.',
    default: 41,
    minimum: 2,
    maximum: 2001,
  },
  from: {
    kind: 'number',
    title: 'From',
    description:
      'Where every sweep begins; default the smallest value in the rows (0 for features of several elements, which are multiplied).',
    default: null,
    appliesWhen: rows,
  },
  to: {
    kind: 'number',
    title: 'To',
    description:
      'Where every sweep ends; default the largest value in the rows (2 for features of several elements).',
    default: null,
    appliesWhen: rows,
  },
  query: {
    kind: 'text',
    title: 'Query input',
    description:
      'For models that read their training set as an input: name of the input with the rows to answer. They are swept while all other inputs are held.',
    default: null,
    appliesWhen: rows,
  },
  table: {
    kind: 'integer',
    title: 'Training set',
    description: 'Which sample of the data is taken as training set and queries, counted from 0.',
    default: 0,
    minimum: 0,
    maximum: 1_000_000_000,
    appliesWhen: rows,
  },
  sizes: {
    kind: 'text',
    format: 'integers',
    title: 'Training set sizes',
    description: 'Numbers of training rows to compare; default the whole set, halved down to four rows.',
    default: null,
    appliesWhen: trainingSize,
  },
  repeats: {
    kind: 'integer',
    title: 'Subsets',
    description: 'Random subsets of the training set that are drawn for each size.',
    default: 8,
    minimum: 1,
    maximum: 1000,
    appliesWhen: trainingSize,
  },
  channelAxis: {
    kind: 'choice',
    title: 'Channel axis',
    description:
      'Which axis of [N, …, …] holds channels, the other being time: first, last, or auto: what the operator that reads the input says.',
    default: 'auto',
    choices: ['auto', 'first', 'last'],
    appliesWhen: channels,
  },
  off: {
    kind: 'number',
    title: 'Off',
    description:
      'Value of a channel that is off: 0 where inputs are amounts; what nothing stands for where they are scaled.',
    default: 0,
    appliesWhen: channels,
  },
  level: {
    kind: 'choice',
    title: 'Level for carry-over',
    description:
      'What a pulse is added to: mean: every channel held at its mean over time; rows: the rows as they are; off: every channel off.',
    default: 'mean',
    choices: ['mean', 'rows', 'off'],
    appliesWhen: channels,
  },
  pulse: {
    kind: 'number',
    title: 'Pulse',
    description:
      'Height of the pulse, as a share of how far the channel’s mean is from off. Small pulses measure the slope.',
    default: 0.1,
    minimum: 0,
    maximum: 1000,
    exclusive: true,
    appliesWhen: channels,
  },
  lags: {
    kind: 'integer',
    title: 'Lags',
    description: 'Steps after the pulse that are drawn; default half of the series.',
    default: null,
    minimum: 1,
    maximum: 100_000,
    appliesWhen: channels,
  },
  output,
  target,
  position: { ...position, appliesWhen: rows },
  groups: { ...groups, appliesWhen: slices },
  featureMask: { ...featureMask, appliesWhen: slices },
  patch: { ...patch, appliesWhen: slices },
  featureCount: { ...featureCount, appliesWhen: slices },
} as const satisfies SettingsSchema;

/** Their values. */
export type ExplorerSettings = SettingsOf<typeof explorerSettings>;

/** Rows that are drawn when no limit is given: more curves hide each other. */
export const explorerRowCount = 40;
