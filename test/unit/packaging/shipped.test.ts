import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shippedManifest } from '../../../scripts/package/shippedManifest.js';
import { shippedReadme } from '../../../scripts/package/shippedReadme.js';
import { encodePng } from '../../../src/base/png.js';
import { UserError } from '../../../src/base/errors.js';
import { rootDir } from '../../support/paths.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

describe('the shipped package.json', () => {
  const manifest = JSON.parse(readFileSync(join(rootDir, 'package.json'), 'utf8')) as Record<string, unknown>;

  it('keeps what the editor reads, unchanged', () => {
    const shipped = shippedManifest(manifest);
    for (const key of [
      'name',
      'publisher',
      'version',
      'engines',
      'main',
      'contributes',
      'capabilities',
      'l10n',
    ]) {
      assert.deepEqual(shipped[key], manifest[key], key);
    }
  });

  it('has no dependency, script or command of its own', () => {
    const shipped = shippedManifest({
      name: 'x',
      private: true,
      bin: { x: 'x.js' },
      scripts: { postinstall: 'node x.js' },
      dependencies: { lit: '1' },
      devDependencies: { mocha: '1' },
    });
    assert.deepEqual(shipped, { name: 'x' });
  });

  it('is not made while a key is undecided', () => {
    assert.throws(
      () => shippedManifest({ name: 'x', sponsor: {} }),
      (error) => error instanceof UserError && error.message.includes('sponsor'),
    );
  });
});

describe('the shipped README', () => {
  const folder = useTemporaryFolder();

  it('has its pictures inside, because a package has no address to take them from', () => {
    mkdirSync(join(folder(), 'media'));
    const png = encodePng(1, 1, new Uint8Array([1, 2, 3, 255]));
    writeFileSync(join(folder(), 'media', 'view.png'), png);
    writeReadme('Look: ![The view](media/view.png) and ![far](https://example.org/a.png).');
    assert.equal(
      shippedReadme(folder()),
      `Look: ![The view](data:image/png;base64,${png.toString('base64')}) and ![far](https://example.org/a.png).`,
    );
  });

  it('names documents of the repository without linking to them', () => {
    writeReadme('See [the arrays](docs/arrays.md), [below](#words) and [ONNX](https://example.org).');
    assert.equal(shippedReadme(folder()), 'See the arrays, [below](#words) and [ONNX](https://example.org).');
  });

  it('ends before the part for those who work on the repository', () => {
    writeReadme('# Name\n\nText.\n\n## Work on it\n\nnpm test\n');
    assert.equal(shippedReadme(folder()), '# Name\n\nText.\n');
  });

  it('fails when a picture is missing', () => {
    writeReadme('![gone](media/gone.png)');
    assert.throws(() => shippedReadme(folder()), /gone\.png/);
  });

  function writeReadme(text: string): void {
    writeFileSync(join(folder(), 'README.md'), text);
  }
});
