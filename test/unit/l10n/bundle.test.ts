import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { getL10nJson, getL10nPseudoLocalized } from '@vscode/l10n-dev';
import { type Bundle, collectBundle } from '../../../scripts/l10n/collectBundle.js';
import { rootDir } from '../../support/paths.js';

describe('the bundle of texts', () => {
  const { bundle, problems } = collectBundle(rootDir);

  it('misses no text, because every one stands in its call', () => {
    assert.deepEqual(problems, []);
  });

  it('holds every text that the editor’s own tool finds in the extension', async function () {
    this.timeout(60_000);
    const sources = readdirSync(join(rootDir, 'src', 'extension'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => ({
        extension: '.ts',
        contents: readFileSync(join(rootDir, 'src', 'extension', name), 'utf8'),
      }));
    const found = Object.keys(await getL10nJson(sources));
    assert(found.length > 20, String(found.length));
    assert.deepEqual(
      found.filter((key) => !(key in bundle)),
      [],
    );
  });

  it('is sorted, and each text stands for itself', () => {
    const keys = Object.keys(bundle);
    assert.deepEqual(keys, [...keys].sort());
    for (const [key, value] of plainTexts(bundle)) assert.equal(value, key);
  });

  it('can be translated without losing a place for a value', () => {
    const translated = getL10nPseudoLocalized(bundle);
    for (const [key] of plainTexts(bundle)) {
      const text = translated[key];
      // Nothing can be done to a text without letters.
      assert(
        typeof text === 'string' && (text !== key || !/[a-z]/i.test(key)),
        `${key} has no pseudo translation`,
      );
      assert.deepEqual(placesIn(text), placesIn(key), key);
    }
  });
});

function plainTexts(bundle: Bundle): [string, string][] {
  return Object.entries(bundle).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : []));
}

function placesIn(text: string): string[] {
  return [...text.matchAll(/\{\d+\}/g)].map(([place]) => place).sort();
}
