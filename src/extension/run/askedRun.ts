import type { Analysis } from '../../analyses/analysis.js';
import type { SettingValue, SettingValues } from '../../protocol/settings.js';
import type { AskedRun } from './runner.js';

/** What a run may be told besides its analysis, model and data. */
export type RunOptions = Omit<
  AskedRun,
  'analysis' | 'modelPath' | 'dataPath' | 'memoryMegabytes' | 'threadCount'
>;

/** Returns what a run is asked: settings at their defaults are left out, so that equal runs are asked equally. */
export function askedRun(
  analysis: Analysis,
  what: { readonly modelPath: string; readonly dataPath: string | null },
  options: RunOptions,
): AskedRun {
  const { modelPath, dataPath } = what;
  return {
    analysis: analysis.id,
    modelPath,
    ...(dataPath === null ? {} : { dataPath }),
    ...options,
    settings: withoutDefaults(analysis, options.settings),
  };
}

function withoutDefaults({ settings: schema }: Analysis, given: SettingValues): SettingValues {
  const kept: [string, SettingValue][] = Object.entries(given).filter(
    ([key, value]) => schema[key]?.default !== value,
  );
  return Object.fromEntries(kept);
}
