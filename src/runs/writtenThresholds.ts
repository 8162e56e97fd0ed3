import type { Analysis } from '../analyses/analysis.js';
import { readInspectFile } from '../data/readInspectFile.js';
import type { RunRequest } from '../protocol/engineMessages.js';
import { completeSettings } from '../protocol/readSettings.js';

/** Thresholds that an inspect file sets for a run, as `--fail-on` takes them, and how many are for other settings. */
export interface WrittenThresholds {
  readonly texts: readonly string[];
  readonly otherSettingsCount: number;
}

/**
 * Returns the thresholds of the run's analysis in the `.inspect.json` that is its data; none for data of other kinds.
 *
 * An entry with settings applies when the run's settings have those values.
 *
 * @throws UserError when the file is no inspect file.
 */
export async function writtenThresholds(analysis: Analysis, request: RunRequest): Promise<WrittenThresholds> {
  const { dataPath } = request;
  if (dataPath?.endsWith('.inspect.json') !== true) return { texts: [], otherSettingsCount: 0 };
  const { file } = await readInspectFile(dataPath);
  const entries = (file.thresholds ?? []).filter((entry) => entry.analysis === analysis.id);
  const used: Readonly<Record<string, unknown>> = completeSettings(analysis.settings, request.settings);
  const applying = entries.filter(({ settings = {} }) =>
    Object.entries(settings).every(([key, value]) => JSON.stringify(used[key]) === JSON.stringify(value)),
  );
  return {
    texts: applying.flatMap(({ failOn }) => failOn),
    otherSettingsCount: entries.length - applying.length,
  };
}
