import { curveNames } from '../../../engine/numeric/curves/curveFamilies.js';
import type { SettingsSchema } from '../../../protocol/settings.js';
import type { SettingsOf } from '../../analysis.js';
import { checkpointsSetting } from '../../shared/checkpoints.js';

/** What a timeline is told, besides which analysis is run. */
const common = {
  metrics: {
    kind: 'text',
    title: 'Metrics',
    description:
      'Names of metrics of that analysis (or accuracy, perplexity, lossPerToken) with commas between them, the one of most interest first; default all that it measures.',
    default: null,
  },
  options: {
    kind: 'text',
    title: 'Its settings',
    description:
      'Settings of that analysis that differ from their defaults, as key=value with ; between them.',
    default: null,
  },
  checkpoints: checkpointsSetting,
  steps: {
    kind: 'text',
    format: 'integers',
    title: 'Steps',
    description:
      'The training step of each checkpoint, in the order of their names; default what the files say: a number in the metadata of the model, else the last number of the name, else the place in the list.',
    default: null,
  },
  stepKey: {
    kind: 'text',
    title: 'Metadata of the step',
    description: 'The key under which the metadata of a checkpoint may hold its step.',
    default: 'step',
  },
  tokensPerStep: {
    kind: 'number',
    title: 'Tokens per step',
    description: 'Puts tokens on the axis, and into the fits, in place of steps; default steps.',
    default: null,
    minimum: 0,
    exclusive: true,
    maximum: 1e12,
  },
  fit: {
    kind: 'choice',
    title: 'Curve',
    description:
      'A curve to fit through each metric: a line, an exponential approach, a sigmoid, the power laws of activation ratios, the emergence curve of massive activations; or all, of which the one with the largest R² adjusted for its parameters is drawn.',
    default: 'none',
    choices: ['none', 'all', ...curveNames],
  },
} as const satisfies SettingsSchema;

/** Returns the settings of a timeline over one of several analyses. */
export function timelineSettings(analyses: readonly string[]): TimelineSettings {
  return {
    analysis: {
      kind: 'choice',
      title: 'Analysis',
      description: 'What is run on every checkpoint.',
      default: analyses[0] ?? '',
      choices: analyses,
    },
    ...common,
  };
}

/** Settings of a timeline. */
export type TimelineSettings = typeof common & {
  readonly analysis: {
    readonly kind: 'choice';
    readonly title: string;
    readonly description: string;
    readonly default: string;
    readonly choices: readonly string[];
  };
};

/** Their values. */
export type TimelineChoices = SettingsOf<TimelineSettings>;
