import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixturesDir } from './paths.js';

/** The four kinds of theme, by the editor's defaults: Light Modern, Dark Modern and the two of high contrast. */
export type ThemeName = 'light' | 'dark' | 'high-contrast-light' | 'high-contrast';

/** What the editor gives a webview for a theme. */
export interface EditorTheme {
  readonly kind: string;
  readonly id: string;
  readonly label: string;
  readonly bodyClass: string;
  readonly variables: Readonly<Record<string, string>>;
}

interface EditorThemes {
  readonly defaultStyle: string;
  readonly themes: Readonly<Record<ThemeName, EditorTheme>>;
}

// Read out of a webview of the real workbench.
const captured = JSON.parse(readFileSync(join(fixturesDir, 'editorThemes.json'), 'utf8')) as EditorThemes;

/** What the real editor gives webviews, by theme. */
export const editorThemes = captured.themes;

/** The style that the real editor puts before every webview's own. */
export const webviewDefaultStyle = captured.defaultStyle;
