import type { NoticedPackage } from './noticedPackage.js';

/** Everything the notices name. */
export interface Notices {
  /** In the bundles of dist. */
  readonly bundled: readonly NoticedPackage[];
  /** As they are, in dist/node_modules. */
  readonly shipped: readonly NoticedPackage[];
  /** What the shipped libraries hold in turn, in Markdown. */
  readonly parts: string;
}

/** Returns the document: who made what, under which licence, and every licence text once. */
export function renderNotices({ bundled, shipped, parts }: Notices): string {
  return [
    '# Third-party notices',
    '',
    'Neuron Inspector is under the MIT licence (`LICENSE`). It holds the work of others named here, each under its own',
    'licence, whose text follows. `npm run notices` writes this file from what is built and shipped.',
    '',
    '## In the bundles',
    '',
    ...table(bundled),
    '',
    '## Beside the bundles, in `dist/node_modules`',
    '',
    ...table(shipped),
    '',
    parts.trim(),
    '',
    '## Licence texts',
    ...licenceTexts([...bundled, ...shipped]),
    '',
  ].join('\n');
}

function table(packages: readonly NoticedPackage[]): string[] {
  return [
    '| package | version | licence | how its terms are met |',
    '|---|---|---|---|',
    ...packages.map(
      ({ name, version, licence, terms }) =>
        `| ${name} | ${version} | ${licence} | ${terms.length === 0 ? 'text below' : terms.join(' ')} |`,
    ),
  ];
}

/** Each text once, under the names of all that it belongs to. */
function licenceTexts(packages: readonly NoticedPackage[]): string[] {
  const namesByText = new Map<string, string[]>();
  for (const { name, texts } of packages) {
    for (const text of texts) {
      const names = namesByText.get(text) ?? [];
      if (!names.includes(name)) names.push(name);
      namesByText.set(text, names);
    }
  }
  return [...namesByText].flatMap(([text, names]) => ['', `### ${names.join(', ')}`, '', ...fenced(text)]);
}

/** A fence longer than any within, so that no text ends it. */
function fenced(text: string): string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}text`, text, fence];
}
