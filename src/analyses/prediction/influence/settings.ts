import { UserError } from '../../../base/errors.js';
import type { SettingsSchema } from '../../../protocol/settings.js';
import type { SettingsOf } from '../../analysis.js';
import { checkpointsSetting } from '../../shared/checkpoints.js';

/** Rows asked about, and training rows, that are read when nothing says how many. */
export const [defaultTestCount, defaultTrainingCount] = [4, 1000];

/** Settings of `training-influence`. */
export const influenceSettings = {
  checkpoints: checkpointsSetting,
  learningRate: {
    kind: 'text',
    title: 'Learning rate',
    description:
      'Learning rate of the training: one number, or one for each checkpoint with commas between ("0.1,0.01"). It scales influence.',
    default: '1',
  },
  training: {
    kind: 'text',
    format: 'path',
    title: 'Training data',
    description:
      'The labelled data that the model was trained on; default the data of the run, each row then beside all others.',
    default: null,
  },
  rows: {
    kind: 'text',
    format: 'integers',
    title: 'Rows',
    description: `Rows of the data that are asked about, counted from 0 ("16", "3,5,9"); default the first ${String(defaultTestCount)}.`,
    default: null,
  },
  layers: {
    kind: 'text',
    title: 'Layers',
    description:
      'Whose weights count: last (the last layer with weights, the quickest), all, or names of layers with commas between.',
    default: 'last',
  },
  loss: {
    kind: 'choice',
    title: 'Loss',
    description:
      'What the model was trained on: cross-entropy of its scores, or squared-error of its output from the label (of a class: from 0 and 1).',
    default: 'cross-entropy',
    choices: ['cross-entropy', 'squared-error'],
  },
  output: {
    kind: 'text',
    title: 'Output',
    description:
      'Output with the scores; default the first that holds floating-point numbers. Cross-entropy is taken before a final Softmax or Sigmoid.',
    default: null,
  },
  selfInfluence: {
    kind: 'boolean',
    title: 'Self-influence',
    description:
      'Also measure how much each training row moves its own loss, which is largest for wrong labels: one backward pass more a row.',
    default: true,
  },
} as const satisfies SettingsSchema;

/** Values of these settings. */
export type InfluenceSettings = SettingsOf<typeof influenceSettings>;

/**
 * Returns the learning rate of every checkpoint.
 *
 * @throws UserError `bad-setting` when there are not as many numbers as checkpoints, or one is not positive.
 */
export function learningRates(text: string, checkpointCount: number): readonly number[] {
  const rates = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const isSound = rates.every((rate) => Number.isFinite(rate) && rate > 0);
  if (!isSound || (rates.length !== 1 && rates.length !== checkpointCount)) {
    throw new UserError(
      'bad-setting',
      `Setting learningRate: "${text}" is not one positive number, nor one for each of the ${String(checkpointCount)} checkpoints, separated by commas.`,
      { detail: { learningRate: text, checkpointCount } },
    );
  }
  return Array.from({ length: checkpointCount }, (_, index) => rates[index] ?? rates[0] ?? NaN);
}
