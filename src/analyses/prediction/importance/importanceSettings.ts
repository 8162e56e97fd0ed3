import type { SettingsSchema } from '../../../protocol/settings.js';
import type { SettingsOf } from '../../analysis.js';
import { sharedFeatureSettings } from '../features/featureSettings.js';

/** Settings that the importances of features and of aspects share. */
export const importanceSettings = {
  loss: {
    kind: 'choice',
    title: 'Loss',
    description:
      'What importance is measured by. auto: the cross-entropy where the data have labels, else change; error-rate: the share of wrong answers; change: how far the score of the predicted class moves, which needs no labels.',
    default: 'auto',
    choices: ['auto', 'cross-entropy', 'error-rate', 'change'],
  },
  repeats: {
    kind: 'integer',
    title: 'Repeats',
    description: 'How often each feature is shuffled; more repeats, smaller standard error.',
    default: 5,
    minimum: 2,
    maximum: 1000,
  },
  orders: {
    kind: 'integer',
    title: 'Orders for Shapley values',
    description:
      'Random orders per row for the Shapley values that importances are compared with, on the first 100 rows; 0 leaves the comparison out.',
    default: 8,
    minimum: 0,
    maximum: 10_000,
  },
  ...sharedFeatureSettings,
} as const satisfies SettingsSchema;

/** Their values. */
export type ImportanceSettings = SettingsOf<typeof importanceSettings>;

/** Rows that importances rest on when no limit is given. */
export const importanceRowCount = 500;

/** Rows that Shapley values rest on at most. */
export const shapleyRowCount = 100;
