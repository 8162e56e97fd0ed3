import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { declaredTextFiles, declaredTexts } from './declaredTexts.js';
import { extractTexts } from './extractTexts.js';

/** The English bundle, in the format that the editor and translators' tools read. */
export type Bundle = Record<string, string | { message: string; comment: string[] }>;

/** What was found in all sources. */
export interface CollectedTexts {
  readonly bundle: Bundle;
  /** `file:line: why`, for every call that cannot be translated. */
  readonly problems: readonly string[];
}

/** Folders whose code speaks to people through the editor's language. */
const folders = ['src/extension', 'webview'];

/** Collects the texts of the extension and its pages, sorted, so that the file changes only where a text does. */
export function collectBundle(root: string): CollectedTexts {
  const entries = declaredTexts().map((text): [string, Bundle[string]] => [text, text]);
  const problems: string[] = [];
  for (const path of folders.flatMap((folder) => sourcesIn(root, folder))) {
    const found = extractTexts(path, readFileSync(join(root, path), 'utf8'));
    for (const { message, comment } of found.texts) {
      // The editor's own rule for the key of a text with a comment.
      if (comment.length === 0) entries.push([message, message]);
      else entries.push([`${message}/${comment.join('')}`, { message, comment: [...comment] }]);
    }
    problems.push(...found.problems.map(({ line, reason }) => `${path}:${String(line)}: ${reason}`));
  }
  const bundle = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  return { bundle, problems };
}

function sourcesIn(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !declaredTextFiles.includes(path))
    .sort();
}
