import * as vscode from 'vscode';
import { type Analysis, type QuestionId, questionTitles } from '../analyses/analysis.js';
import type { Setting, SettingsSchema } from '../protocol/settings.js';
import { loadAnalyses } from './loadAnalyses.js';

/**
 * Returns the registry of analyses as people see it, its texts in the editor's language.
 *
 * Only for showing: reports and the command line stay English, because programs read them too.
 */
export async function loadShownAnalyses(): Promise<readonly Analysis[]> {
  const analyses = await loadAnalyses();
  return vscode.l10n.bundle === undefined ? analyses : analyses.map(shown);
}

/** Returns a question in the editor's language. */
export function questionTitle(question: QuestionId): string {
  return declaredText(questionTitles[question]);
}

/**
 * Returns a text that is declared outside of the extension, in the editor's language.
 *
 * `npm run l10n` takes these texts from where they are declared: the registry of analyses and their settings.
 */
function declaredText(english: string): string {
  return vscode.l10n.t(english);
}

function shown(analysis: Analysis): Analysis {
  return {
    ...analysis,
    title: declaredText(analysis.title),
    asks: declaredText(analysis.asks),
    settings: shownSettings(analysis.settings),
  };
}

function shownSettings(schema: SettingsSchema): SettingsSchema {
  const entries = Object.entries(schema).map(([key, setting]): [string, Setting] => [
    key,
    { ...setting, title: declaredText(setting.title), description: declaredText(setting.description) },
  ]);
  return Object.fromEntries(entries);
}
