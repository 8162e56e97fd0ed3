import type { FollowUp, Parts } from '../../../../protocol/parts.js';
import { settingApplies, type SettingValues, usedSettings } from '../../../../protocol/settings.js';
import { methods } from '../methods/methods.js';
import type { ExplainedTensor, Problem } from '../problem.js';
import type { Rows } from '../rows.js';
import { type AttributionSettings, attributionDefaults, attributionSettings } from '../settings.js';
import type { Explanation } from './draft.js';

/** Which neurons carry a piece of the input. */
const carriersId = 'carriers';

/** What in the input a neuron has its value from, and what of the prediction goes through it. */
const neuronIds = ['neuron', 'through'] as const;

/** Settings that say which number is explained, of which rows, and against what. */
const whatIsExplained = ['rows', 'target', 'position', 'output', 'explain', 'neuron', 'baseline'] as const;

/**
 * Returns what can be asked about the pieces of a report: through which neurons a part of the input has its effect, and
 * what a neuron has its value from. Nothing where the model is no chain of layers with gradients, as trees are.
 */
export function followUpsOf({ problem, facts }: Explanation): FollowUp[] {
  const { settings } = problem;
  const last = facts.carriers.at(-1);
  if (settings.method === 'tree-shap' || last === undefined) return [];
  const carriers: FollowUp = {
    id: carriersId,
    label: 'Which neurons carry it?',
    takes: 'part',
    settings: asked({ ...kept(settings), ...methodFor(settings, 'part') }),
    choice: { setting: 'layer', label: 'In layer', values: [...facts.carriers], value: last },
  };
  return [carriers, ...neuronQuestions(settings)];
}

function neuronQuestions(settings: AttributionSettings): FollowUp[] {
  const { rows, baseline } = kept(settings);
  const [neuron, through] = neuronIds;
  return [
    {
      id: neuron,
      label: 'What in the input drives it?',
      takes: 'neuron',
      settings: asked({
        ...(rows === undefined ? {} : { rows }),
        ...(baseline === undefined ? {} : { baseline }),
        ...methodFor(settings, 'layer'),
      }),
    },
    // Only integrated gradients can be told to count what flows through one unit.
    { id: through, label: 'Show its share on the input', takes: 'through', settings: kept(settings) },
  ];
}

function kept(settings: AttributionSettings): SettingValues {
  return Object.fromEntries(
    whatIsExplained
      .filter((key) => settings[key] !== attributionDefaults[key])
      .map((key) => [key, settings[key]]),
  );
}

/** A baseline may have been for a removal curve, which is not asked about: the method need not take it. */
function asked(settings: SettingValues): SettingValues {
  return usedSettings(attributionSettings, settings);
}

/** The method of the report where it understands the question, else the default one. */
function methodFor({ method }: AttributionSettings, takes: 'part' | 'layer'): SettingValues {
  const isOwn =
    method !== attributionDefaults.method && settingApplies(attributionSettings, takes, { method });
  return isOwn && methods[method].scoresAre === 'shares' ? { method } : {};
}

/**
 * Returns how the pieces of a view of the explained input are called, an item for each of its rows. Undefined where they
 * cannot be asked about: only a part of the first input can be.
 */
export function inputParts(
  { problem, facts }: Pick<Explanation, 'problem' | 'facts'>,
  input: ExplainedTensor,
  noun: string,
): Parts | undefined {
  if (input !== problem.inputs[0] || facts.carriers.length === 0) return undefined;
  if (problem.settings.method === 'tree-shap') return undefined;
  const sizes = input.dims.filter((_, axis) => axis + 1 !== input.channelAxis);
  return { noun, followUps: [carriersId], sizes, items: rowSettings(problem.rows) };
}

/** Returns how the neurons of a table are called: the question is about all rows of the report. */
export function neuronParts({ settings, layer }: Problem, key: string): Parts | undefined {
  if (layer === undefined || settings.method === 'tree-shap') return undefined;
  return { noun: 'neuron', followUps: [...neuronIds], key, items: [{}] };
}

function rowSettings({ chosen, count }: Rows): SettingValues[] {
  return Array.from({ length: count }, (_, row) => ({ rows: String(chosen?.[row] ?? row) }));
}
