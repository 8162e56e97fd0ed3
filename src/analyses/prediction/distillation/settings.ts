import type { SettingsSchema } from '../../../protocol/settings.js';
import type { SettingsOf } from '../../analysis.js';

/** Rows read when no limit is given. */
export const distilledRowCount = 1000;

/** Settings of `distill-interpretable`. */
export const distillationSettings = {
  concepts: {
    kind: 'choice',
    title: 'Concepts',
    description:
      'What rules are about: units of a layer, each averaged over its positions, or the named columns of a table.',
    default: 'units',
    choices: ['units', 'columns'],
  },
  layer: {
    kind: 'text',
    format: 'layer',
    title: 'Layer',
    description: 'Layer whose units are the concepts; default the last but one.',
    default: null,
    appliesWhen: { concepts: ['units'] },
  },
  experts: {
    kind: 'integer',
    title: 'Experts',
    description: 'How many experts there may be; what they leave stays with the model.',
    default: 6,
    minimum: 1,
    maximum: 20,
  },
  depth: {
    kind: 'integer',
    title: 'Conditions of a rule',
    description: 'Conditions of an expert’s rules, at most: few are easy to read and cover less.',
    default: 3,
    minimum: 1,
    maximum: 5,
  },
  selectorDepth: {
    kind: 'integer',
    title: 'Conditions of a selector',
    description: 'Conditions by which rows are given to an expert, at most.',
    default: 3,
    minimum: 0,
    maximum: 5,
  },
  agreement: {
    kind: 'number',
    title: 'Agreement',
    description:
      'An expert takes the part of the rows on which it agrees with the model at least this often, while it is fitted.',
    default: 0.95,
    minimum: 0.5,
    maximum: 1,
  },
  heldOut: {
    kind: 'number',
    title: 'Held out',
    description:
      'Share of the rows, drawn with the seed, that nothing is fitted to: coverage and fidelity are of these.',
    default: 0.3,
    minimum: 0.05,
    maximum: 0.9,
  },
  shifted: {
    kind: 'text',
    format: 'path',
    title: 'Shifted data',
    description:
      'Data of another source (scanner, shop, year): the experts are tried on them, and fitted again to the answers that the model is sure of.',
    default: null,
  },
  confidence: {
    kind: 'number',
    title: 'Confidence of pseudo-labels',
    description:
      'Answers of the model on the shifted data count as labels where their probability is at least this.',
    default: 0.9,
    minimum: 0,
    maximum: 1,
  },
} as const satisfies SettingsSchema;

/** Values of these settings. */
export type DistillationSettings = SettingsOf<typeof distillationSettings>;
