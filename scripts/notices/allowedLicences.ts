import { unnoticed } from './noticeErrors.js';

/** Licences whose terms are met by shipping the text with the copyright, by their SPDX id. */
const noticeOnly = [
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Apache-2.0',
  'Zlib',
  'Unlicense',
  'CC0-1.0',
];

/** Licences that ask for more, and how that is met. */
const withTerms: Readonly<Record<string, string>> = {
  'CC-BY-4.0': 'Named here as the licence asks, unchanged.',
  'EPL-2.0':
    'Used unchanged, as its own file; its source is the npm package of the version named here, from its registry.',
  'LGPL-3.0-or-later':
    'A library of its own in dist/node_modules, linked when the program runs: another build can be put in its place. Its source is named in its README.',
};

/**
 * Returns what a licence asks beyond its text, for each licence of an SPDX expression that is used; of alternatives
 * (`OR`), the first that is allowed is taken.
 *
 * @throws UserError for a licence about which nobody has decided.
 */
export function termsOf(expression: string, packageName: string): readonly string[] {
  const terms: string[] = [];
  for (const conjunct of expression.replace(/[()]/g, ' ').split(/\sAND\s/)) {
    const alternatives = conjunct.split(/\sOR\s/).map((id) => id.trim());
    const taken = alternatives.find((id) => noticeOnly.includes(id) || Object.hasOwn(withTerms, id));
    if (taken === undefined) {
      throw unnoticed(
        `${packageName} is under “${expression}”. Read its terms; then add it to scripts/notices/allowedLicences.ts, or do without the package.`,
      );
    }
    const term = withTerms[taken];
    if (term !== undefined) terms.push(term);
  }
  return terms;
}
