import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** From this heading on, the README speaks to those who work on the repository. */
const firstInnerHeading = '## Work on it';

/**
 * Returns the README as the editor's extension page shows it: pictures inside (a package has no address that relative
 * ones could be taken from), no links into the repository, nothing about working on it.
 */
export function shippedReadme(root: string): string {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const end = text.indexOf(`\n${firstInnerHeading}`);
  return (end < 0 ? text : `${text.slice(0, end).trimEnd()}\n`)
    .replace(/!\[([^\]]*)\]\((?!\w+:)([^)\s]+)\)/g, (_, alt: string, path: string) => {
      const base64 = readFileSync(join(root, path)).toString('base64');
      return `![${alt}](data:image/png;base64,${base64})`;
    })
    .replace(/(?<!!)\[([^\]]*)\]\((?!\w+:|#)[^)\s]+\)/g, '$1');
}
