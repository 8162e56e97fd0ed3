import type { SettingsSchema } from '../../../protocol/settings.js';
import type { SettingsOf } from '../../analysis.js';
import { attackNames } from './hunt.js';

/** Settings of `adversarial-examples`. */
export const adversarialSettings = {
  attack: {
    kind: 'choice',
    title: 'Attack',
    description:
      'fgsm: one step along the gradient; pgd: many, back into the ball after each; momentum: pgd along gathered gradients, which transfers better; square: random squares by scores alone, without gradients.',
    default: 'pgd',
    choices: attackNames,
  },
  norm: {
    kind: 'choice',
    title: 'Norm',
    description: 'linf: every element moves by ε at most; l2: the whole perturbation is at most ε long.',
    default: 'linf',
    choices: ['linf', 'l2'],
  },
  epsilon: {
    kind: 'number',
    title: 'ε',
    description:
      'Largest perturbation, in units of what the model is fed; default a tenth of the range (linf), or a twentieth of it in every element (l2).',
    default: null,
    minimum: 0,
    exclusive: true,
    maximum: 1e6,
  },
  epsilons: {
    kind: 'text',
    title: 'ε of the curve',
    description: 'Numbers separated by commas; default seven from an eighth of ε to twice ε.',
    default: null,
  },
  range: {
    kind: 'text',
    title: 'Valid range',
    description:
      'What values the input may take: "low, high", none, or auto: the range of the rows, channel by channel or column by column.',
    default: 'auto',
  },
  target: {
    kind: 'integer',
    title: 'Class wanted',
    description: 'Class that rows are to be taken for; default any other than their own.',
    default: null,
    minimum: 0,
    maximum: 1_000_000,
  },
  steps: {
    kind: 'integer',
    title: 'Steps',
    description: 'Gradient steps of pgd and momentum.',
    default: 20,
    minimum: 1,
    maximum: 10_000,
    appliesWhen: { attack: ['pgd', 'momentum'] },
  },
  stepShare: {
    kind: 'number',
    title: 'Step',
    description: 'Length of a step as a share of ε; default 2.5 / steps for pgd, 1 / steps for momentum.',
    default: null,
    minimum: 0,
    exclusive: true,
    maximum: 2,
    appliesWhen: { attack: ['pgd', 'momentum'] },
  },
  restarts: {
    kind: 'integer',
    title: 'Starts',
    description:
      'Runs of the attack: the first from the row itself, further ones from random points of the ball.',
    default: 1,
    minimum: 1,
    maximum: 1000,
    appliesWhen: { attack: ['pgd', 'momentum'] },
  },
  decay: {
    kind: 'number',
    title: 'Decay',
    description: 'Share of the gathered gradients that a step keeps.',
    default: 1,
    minimum: 0,
    maximum: 1,
    appliesWhen: { attack: ['momentum'] },
  },
  queries: {
    kind: 'integer',
    title: 'Queries',
    description: 'Scores asked for, for each row and ε.',
    default: 300,
    minimum: 1,
    maximum: 100_000,
    appliesWhen: { attack: ['square'] },
  },
  bisection: {
    kind: 'integer',
    title: 'Rounds of bisection',
    description: 'How finely the smallest perturbation of every row is sought; 0 leaves it out.',
    default: 6,
    minimum: 0,
    maximum: 40,
  },
  otherModel: {
    kind: 'text',
    title: 'Other model',
    description:
      'Path of a second model that is shown the same examples, and whose own are shown to this one.',
    default: null,
    format: 'path',
  },
  input: {
    kind: 'text',
    title: 'Input',
    description: 'Input that is attacked; default the first that holds floats.',
    default: null,
  },
  output: {
    kind: 'text',
    title: 'Output',
    description: 'Output with the scores of the classes; default the first that holds floats.',
    default: null,
  },
} as const satisfies SettingsSchema;

/** Their values. */
export type AdversarialSettings = SettingsOf<typeof adversarialSettings>;
