import { questionTitles } from '../../src/analyses/analysis.js';
import { analyses } from '../../src/analyses/registry.js';
import { runOptionsSchema } from '../../src/protocol/runOptions.js';
import type { SettingsSchema } from '../../src/protocol/settings.js';

/** Files that translate texts declared elsewhere: there, and only there, `t` may take a variable. */
export const declaredTextFiles: readonly string[] = ['src/extension/shownAnalyses.ts', 'webview/text.ts'];

/** Returns the texts that the extension shows and that are declared outside of it: questions, analyses, their settings. */
export function declaredTexts(): readonly string[] {
  return [
    ...analyses.flatMap(({ question, title, asks, settings }) => [
      questionTitles[question],
      title,
      asks,
      ...textsOf(settings),
    ]),
    ...textsOf(runOptionsSchema),
  ];
}

function textsOf(schema: SettingsSchema): string[] {
  return Object.values(schema).flatMap(({ title, description }) => [title, description]);
}
