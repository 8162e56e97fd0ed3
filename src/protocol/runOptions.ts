import { providerNames } from './engineMessages.js';
import { maxCount, maxSeed, type SettingsSchema } from './settings.js';

/** What any run may be told besides the settings of its analysis, declared as settings are. */
export const runOptionsSchema = {
  seed: {
    kind: 'integer',
    title: 'Seed',
    description: 'Seed of everything random; the same seed gives the same result.',
    default: 0,
    minimum: 0,
    maximum: maxSeed,
  },
  limit: {
    kind: 'integer',
    title: 'Samples at most',
    description: 'Use the first samples only: quicker, and the report says so. Empty: all.',
    default: null,
    minimum: 1,
    maximum: maxCount,
  },
  batchSize: {
    kind: 'integer',
    title: 'Batch size',
    description: 'Samples per run of the model. Empty: chosen from the model and the memory setting.',
    default: null,
    minimum: 1,
    maximum: maxCount,
  },
  provider: {
    kind: 'choice',
    title: 'Provider',
    description: 'Where the model runs. auto takes the fastest that works here, never a software GPU.',
    default: 'auto',
    choices: providerNames,
  },
} as const satisfies SettingsSchema;
