import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootDir } from '../../support/paths.js';

/** What the marketplace and the editor ask of an extension's face. */
describe('the face of the extension', () => {
  const manifest = JSON.parse(readFileSync(join(rootDir, 'package.json'), 'utf8')) as {
    icon: string;
    categories: string[];
    keywords: string[];
    description: string;
    galleryBanner: { color: string; theme: string };
    contributes: { viewsContainers: { activitybar: { icon: string }[] } };
  };

  it('has a square PNG of at least 128 pixels as its icon', () => {
    const bytes = readFileSync(join(rootDir, manifest.icon));
    assert.equal(bytes.toString('latin1', 1, 4), 'PNG');
    const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
    assert.equal(width, height);
    assert(width >= 128, String(width));
  });

  it('has a 24 × 24 activity-bar icon that takes its colour from the theme', () => {
    for (const { icon } of manifest.contributes.viewsContainers.activitybar) {
      const svg = readFileSync(join(rootDir, icon), 'utf8');
      assert.match(svg, /width="24" height="24" viewBox="0 0 24 24"/);
      const colours = [...svg.matchAll(/(?:fill|stroke)="([^"]+)"/g)].map(([, colour]) => colour);
      assert(colours.includes('currentColor'));
      assert.deepEqual(
        colours.filter((colour) => colour !== 'currentColor' && colour !== 'none'),
        [],
      );
      assert.doesNotMatch(svg, /<style|<script|href/);
    }
  });

  it('stands in categories that the marketplace has, with at most 30 keywords', () => {
    // The marketplace's list, of those that could fit here.
    const known = [
      'AI',
      'Data Science',
      'Debuggers',
      'Machine Learning',
      'Notebooks',
      'Testing',
      'Visualization',
    ];
    for (const category of manifest.categories) assert(known.includes(category), category);
    assert(manifest.keywords.length <= 30);
    assert.equal(new Set(manifest.keywords).size, manifest.keywords.length);
  });

  it('describes itself in one line', () => {
    assert(manifest.description.length <= 200, String(manifest.description.length));
    assert.match(manifest.galleryBanner.color, /^#[0-9a-f]{6}$/);
    assert(['dark', 'light'].includes(manifest.galleryBanner.theme));
  });
});
