import { UserError } from '../../../base/errors.js';
import { didYouMean } from '../../../base/nearest.js';
import type { SettingsSchema } from '../../../protocol/settings.js';
import type { SettingsOf } from '../../analysis.js';
import { attributionSettings, type MethodName, methodNames } from '../attribution/settings.js';
import { type MeasureName, measureNames } from './measureNames.js';

const defaultMethods: readonly MethodName[] = [
  'gradient',
  'input-x-gradient',
  'integrated-gradients',
  'smoothgrad',
  'deeplift-rescale',
  'grad-cam',
  'grad-cam-plus-plus',
  'score-cam',
  'rise',
  'lime',
  'occlusion',
  'kernel-shap',
];

const { target, position, output } = attributionSettings;
// Whatever the methods: hidden parts become the baseline too.
const baseline = { ...attributionSettings.baseline, appliesWhen: {} } as const;

const compared = {
  methods: {
    kind: 'text',
    title: 'Methods',
    description:
      'Methods of attribution, separated by commas, by the names that attribution knows; those that do not fit the model are named with the reason and left out.',
    default: defaultMethods.join(','),
  },
  measures: {
    kind: 'text',
    title: 'Measures',
    description: `all, or some of ${measureNames.join(', ')}, separated by commas.`,
    default: 'all',
  },
  target,
  position,
  output,
  baseline,
} as const satisfies SettingsSchema;

const effort = {
  steps: {
    kind: 'integer',
    title: 'Steps',
    description: 'Points on the path of integrated-gradients.',
    default: 25,
    minimum: 1,
    maximum: 10_000,
  },
  samples: {
    kind: 'integer',
    title: 'Runs of methods that draw',
    description:
      'Model runs that a method that draws may spend on a row: masks of rise, samples of lime, coalitions of kernel-shap; noisy copies are a tenth as many, orders of shapley-sampling a 64th.',
    default: 256,
    minimum: 20,
    maximum: 1_000_000,
  },
  layer: {
    kind: 'text',
    format: 'layer',
    title: 'Layer',
    description: 'The layer whose maps the grad-cam family weighs; default the last with spatial positions.',
    default: null,
  },
} as const satisfies SettingsSchema;

const measuring = {
  score: {
    kind: 'choice',
    title: 'Curve',
    description:
      'What insertion and deletion follow: the probability of the explained class (softmax over the classes), or the explained value itself. Outputs with one value always give the value.',
    default: 'probability',
    choices: ['probability', 'value'],
  },
  points: {
    kind: 'integer',
    title: 'Points of a curve',
    description: 'Steps in which insertion and deletion go from nothing to everything.',
    default: 20,
    minimum: 1,
    maximum: 1000,
  },
  sets: {
    kind: 'integer',
    title: 'Sets of a size',
    description: 'Random sets of positions of each size that are hidden for sensitivity-n and infidelity.',
    default: 24,
    minimum: 3,
    maximum: 10_000,
  },
  masks: {
    kind: 'text',
    format: 'path',
    title: 'Masks',
    description:
      'Where the evidence is, for the pointing game: an .npy file, or an .npz file with an array "masks", with one row per sample of the data and one number per position (not 0: inside).',
    default: null,
  },
  radius: {
    kind: 'number',
    title: 'Radius',
    description:
      'max-sensitivity: how far an element is moved at most, as a share of the range (max − min) of the row’s values.',
    default: 0.05,
    minimum: 0,
    maximum: 10,
    exclusive: true,
  },
  perturbations: {
    kind: 'integer',
    title: 'Perturbations',
    description: 'max-sensitivity: random neighbours of a row whose scores are compared with its own.',
    default: 3,
    minimum: 1,
    maximum: 1000,
  },
  repeatedRows: {
    kind: 'integer',
    title: 'Rows explained again',
    description:
      'max-sensitivity and randomisation explain so many of the rows again and again; the other measures take all rows.',
    default: 12,
    minimum: 1,
    maximum: 100_000,
  },
} as const satisfies SettingsSchema;

/** The settings of `attribution-benchmark`. */
export const benchmarkSettings = { ...compared, ...effort, ...measuring } as const;

/** Their values. */
export type BenchmarkSettings = SettingsOf<typeof benchmarkSettings>;

/** Returns the methods that are asked for, each once. */
export function methodsIn({ methods }: Pick<BenchmarkSettings, 'methods'>): readonly MethodName[] {
  return listed('methods', methods, methodNames);
}

/** Returns the measures that are asked for, each once. */
export function measuresIn({ measures }: Pick<BenchmarkSettings, 'measures'>): readonly MeasureName[] {
  return measures.trim() === 'all' ? measureNames : listed('measures', measures, measureNames);
}

function listed<N extends string>(setting: string, text: string, names: readonly N[]): readonly N[] {
  const wanted = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (wanted.length === 0) {
    throw new UserError('nothing-chosen', `${setting} names none. Choose some of ${names.join(', ')}.`);
  }
  const isName = (name: string): name is N => (names as readonly string[]).includes(name);
  const found = [...new Set(wanted)].map((name) => {
    if (isName(name)) return name;
    throw new UserError(
      'unknown-name',
      `${setting} names "${name}", which is none of them.${didYouMean(name, names)} Choose some of ${names.join(', ')}.`,
      { detail: { setting, name } },
    );
  });
  return found;
}
