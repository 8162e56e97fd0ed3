import type { SettingsSchema } from '../../../protocol/settings.js';
import type { SettingsOf } from '../../analysis.js';
import { sharedFeatureSettings } from '../features/featureSettings.js';

/** Settings that say which number of the model is looked at, as a function of which features. */
export const functionSettings = {
  output: {
    kind: 'text',
    title: 'Output',
    description: 'Name of the output; default the first that holds floating-point numbers.',
    default: null,
  },
  target: {
    kind: 'text',
    title: 'Target',
    description:
      'Index on the class axis of the output, the same for all rows; default the class that most rows are predicted as.',
    default: null,
  },
  position: {
    kind: 'text',
    format: 'integers',
    title: 'Position',
    description:
      'Which element of the remaining output axes: a token for [N, T, C] (default the last unmasked one), "y,x" for [N, C, H, W] (required there).',
    default: null,
  },
  ...sharedFeatureSettings,
} as const satisfies SettingsSchema;

/** Their values. */
export type FunctionSettings = SettingsOf<typeof functionSettings>;
