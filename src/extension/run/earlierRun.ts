import type { SettingsSchema, SettingValue, SettingValues } from '../../protocol/settings.js';
import type { StoredResult } from '../results/storedResult.js';
import type { AskedRun } from './runner.js';

/**
 * Returns the newest whole run that was asked the very same: analysis, model, data, settings, samples, batch and provider.
 * Its duration is the best estimate there is. The seed does not matter: it changes what is drawn and not how much.
 */
export function earlierRun(
  results: readonly StoredResult[],
  asked: AskedRun,
  schema: SettingsSchema,
): StoredResult | undefined {
  const key = keyOf(asked, schema);
  return results
    .filter(({ status }) => status === 'complete')
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
    .find(({ request }) => keyOf(request, schema) === key);
}

function keyOf(asked: AskedRun, schema: SettingsSchema): string {
  const { analysis, modelPath, dataPath, describedBy, limit, batchSize, provider, settings } = asked;
  return JSON.stringify([
    ...[
      analysis,
      modelPath,
      dataPath ?? null,
      describedBy ?? null,
      limit ?? null,
      batchSize ?? null,
      provider,
    ],
    complete(settings, schema),
  ]);
}

function complete(given: SettingValues, schema: SettingsSchema): SettingValue[] {
  return Object.entries(schema).map(([key, setting]) => given[key] ?? setting.default);
}
