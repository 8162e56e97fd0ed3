import { config, t as translate } from '@vscode/l10n';

// The host writes the translations of the editor's language into the page; English is the key, so none is needed for it.
const bundle = document.getElementById('l10n')?.textContent ?? '';
if (bundle.trim() !== '') config({ contents: bundle });

/** Returns a text in the editor's language, `{0}`, `{1}`, … replaced by the values. */
export function t(message: string, ...values: readonly (string | number)[]): string {
  return translate(message, ...values);
}

/**
 * Returns a text that is declared outside of the pages, in the editor's language: the title of a setting. `npm run l10n`
 * takes these from where they are declared (`scripts/l10n/declaredTexts.ts`).
 */
export function declaredText(english: string): string {
  return translate(english);
}
