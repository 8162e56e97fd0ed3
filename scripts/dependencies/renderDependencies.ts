import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../src/base/errors.js';

/** What package.json asks for. */
export interface DeclaredDependencies {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/**
 * Returns the table of the packages that package.json names, with their licence and size as installed.
 *
 * @throws UserError when a package has no reason, or a reason no package.
 */
export function renderDependencies(
  root: string,
  declared: DeclaredDependencies,
  reasons: Readonly<Record<string, string>>,
): string {
  const names = [...Object.keys(declared.dependencies), ...Object.keys(declared.devDependencies)];
  const unexplained = names.filter((name) => !Object.hasOwn(reasons, name));
  const gone = Object.keys(reasons).filter((name) => !names.includes(name));
  if (unexplained.length > 0 || gone.length > 0) throw mismatch(unexplained, gone);
  const table = (packages: Readonly<Record<string, string>>): string[] => [
    '| package | why | licence | own size |',
    '|---|---|---|---|',
    ...Object.keys(packages)
      .sort()
      .map((name) => rowOf(root, name, reasons[name] ?? '')),
  ];
  return [
    '# Dependencies',
    '',
    'Every package that `package.json` names, and why. `npm run dependencies` writes this page from',
    '`scripts/dependencies/reasons.ts` and what is installed; `npm run check` compares. What of it is shipped, with all that it',
    'brings along, is in `THIRD-PARTY-NOTICES.md`. Sizes are of the package itself, as installed, all platforms included.',
    '',
    '## Part of the program',
    '',
    ...table(declared.dependencies),
    '',
    '## For building and testing only',
    '',
    ...table(declared.devDependencies),
    '',
  ].join('\n');
}

function mismatch(unexplained: readonly string[], gone: readonly string[]): UserError {
  const sentences = [
    ...(unexplained.length > 0 ? [`No reason is given for ${unexplained.join(', ')}.`] : []),
    ...(gone.length > 0 ? [`${gone.join(', ')} is no longer in package.json.`] : []),
  ];
  return new UserError('dependencies', `${sentences.join(' ')} Mend scripts/dependencies/reasons.ts.`);
}

function rowOf(root: string, name: string, reason: string): string {
  const dir = join(root, 'node_modules', name);
  // Written by npm.
  const { license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as { license: string };
  return `| \`${name}\` | ${reason} | ${license} | ${readableSize(sizeOf(dir))} |`;
}

function sizeOf(dir: string): number {
  return readdirSync(dir, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .reduce((sum, entry) => {
      const path = join(dir, entry.name);
      return sum + (entry.isDirectory() ? sizeOf(path) : statSync(path).size);
    }, 0);
}

/** Two digits: enough to choose by, and the same wherever it is installed. */
function readableSize(sizeBytes: number): string {
  const megabytes = Number((sizeBytes / 1e6).toPrecision(2));
  return megabytes >= 1
    ? `${String(megabytes)} MB`
    : `${String(Number((sizeBytes / 1e3).toPrecision(2)))} kB`;
}
