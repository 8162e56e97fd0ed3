import type { Analysis } from '../../analyses/analysis.js';
import {
  type SettingValue,
  type SettingValues,
  unusedSettings,
  usedSettings,
} from '../../protocol/settings.js';
import { findAnalysis } from '../../runs/findAnalysis.js';
import { loadAnalyses } from '../loadAnalyses.js';
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

/**
 * Returns what a stored run asked, without the settings that it had no use for, and these: runs of earlier versions took them
 * in silence and dropped them, so that the answer is the same.
 */
export async function askedAgain(
  request: AskedRun,
): Promise<{ readonly asked: AskedRun; readonly unused: readonly string[] }> {
  const { settings } = findAnalysis(await loadAnalyses(), request.analysis);
  const unused = unusedSettings(settings, request.settings).map(
    (key) => `${key}=${String(request.settings[key])}`,
  );
  return { asked: { ...request, settings: usedSettings(settings, request.settings) }, unused };
}

function withoutDefaults({ settings: schema }: Analysis, given: SettingValues): SettingValues {
  const kept: [string, SettingValue][] = Object.entries(given).filter(
    ([key, value]) => schema[key]?.default !== value,
  );
  return Object.fromEntries(kept);
}
