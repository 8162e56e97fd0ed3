import { readArrays } from '../../../data/readArrays.js';
import {
  backgroundFromArrays,
  baselineFromArrays,
  type BaselineInput,
  type Baselines,
  constantBaseline,
  parseConstant,
} from './baselines.js';
import type { AttributionSettings } from './settings.js';

const unreadable = { code: 'baseline-unreadable' } as const;

/**
 * Returns the baselines that the settings name: `background` if it is set, else `baseline`.
 *
 * @throws UserError `baseline-unreadable` when the text is neither zeros, a number nor an existing `.npz`.
 */
export async function readBaselines(
  settings: Pick<AttributionSettings, 'baseline' | 'background'>,
  inputs: readonly BaselineInput[],
  rowCount: number,
): Promise<Baselines> {
  const { background, baseline } = settings;
  if (background !== null) {
    return backgroundFromArrays(
      await readArrays(background, {
        ...unreadable,
        setting: 'background',
        forms: 'the path of an .npz file',
      }),
      inputs,
      background,
    );
  }
  const constant = parseConstant(baseline);
  if (constant !== undefined) return constantBaseline(inputs, constant);
  const arrays = await readArrays(baseline, {
    ...unreadable,
    setting: 'baseline',
    forms: 'zeros, a number, or the path of an .npz file',
  });
  return baselineFromArrays(arrays, inputs, { path: baseline, rowCount });
}
