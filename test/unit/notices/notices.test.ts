import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { termsOf } from '../../../scripts/notices/allowedLicences.js';
import { bundledPackageDirs } from '../../../scripts/notices/bundledPackages.js';
import { collectNotices } from '../../../scripts/notices/collectNotices.js';
import { type NoticedPackage, readNoticedPackage } from '../../../scripts/notices/noticedPackage.js';
import { renderNotices } from '../../../scripts/notices/renderNotices.js';
import { UserError } from '../../../src/base/errors.js';
import { rootDir } from '../../support/paths.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

describe('licences of what is shipped', () => {
  it('ask for nothing but their text when they are permissive', () => {
    for (const licence of [
      'MIT',
      'ISC',
      'BSD-3-Clause',
      '(Apache-2.0 AND BSD-3-Clause)',
      'MIT OR GPL-3.0-only',
    ]) {
      assert.deepEqual(termsOf(licence, 'x'), [], licence);
    }
  });

  it('come with what they ask for beyond it', () => {
    assert.match(termsOf('EPL-2.0 OR GPL-3.0-or-later', 'elkjs').join(), /source/);
    assert.match(termsOf('Apache-2.0 AND LGPL-3.0-or-later', 'x').join(), /another build/);
    assert.match(termsOf('CC-BY-4.0', 'codicons').join(), /unchanged/);
  });

  for (const licence of ['GPL-3.0-only', 'SEE LICENSE IN x.txt', 'MIT AND AGPL-3.0', 'toString', '']) {
    it(`are refused when nobody has decided about “${licence}”`, () => {
      assert.throws(
        () => termsOf(licence, 'some-package'),
        (error) => error instanceof UserError && error.message.includes('some-package'),
      );
    });
  }
});

describe('a package in the notices', () => {
  const folder = useTemporaryFolder();

  it('has the texts in its folder and those kept for it, without what differs between systems', () => {
    const dir = write('@scope/name', { license: 'MIT' });
    writeFileSync(join(dir, 'LICENSE.md'), '\uFEFFLine one  \r\nLine two\r\n');
    writeFileSync(join(dir, 'licenses.js'), 'no licence');
    mkdirSync(join(folder(), 'texts'));
    writeFileSync(join(folder(), 'texts', '@scope+name.txt'), 'Of others');
    const { name, version, texts } = readNoticedPackage(dir, join(folder(), 'texts'));
    assert.deepEqual(
      { name, version, texts },
      {
        name: '@scope/name',
        version: '1.0.0',
        texts: ['Line one\nLine two', 'Of others'],
      },
    );
  });

  it('is refused when it has no text, saying where to put one', () => {
    const dir = write('@scope/name', { license: 'MIT' });
    assert.throws(() => readNoticedPackage(dir, folder()), /no licence file.*texts\/@scope\+name\.txt/);
  });

  it('is refused when it names no licence', () => {
    const dir = write('name', {});
    writeFileSync(join(dir, 'LICENSE'), 'text');
    assert.throws(() => readNoticedPackage(dir, folder()), /name 1\.0\.0 names no licence/);
  });

  function write(name: string, manifest: object): string {
    const dir = join(folder(), name);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'package.json'), JSON.stringify({ name, version: '1.0.0', ...manifest }));
    return dir;
  }
});

describe('packages in the bundles', () => {
  it('are the innermost ones of the files that went in, wherever node_modules stands', () => {
    const inputs = [
      'src/cli/main.ts',
      'node_modules/lit/index.js',
      'node_modules/lit/html.js',
      'node_modules/a/node_modules/@b/c/d.js',
      '../../main/node_modules/@vscode/codicons/dist/codicon.css',
      '(disabled):node_modules/fs/index.js',
    ];
    assert.deepEqual(bundledPackageDirs(inputs), [
      'node_modules/@vscode/codicons',
      'node_modules/a/node_modules/@b/c',
      'node_modules/fs',
      'node_modules/lit',
    ]);
  });
});

describe('the notices', () => {
  const folder = useTemporaryFolder();

  it('have each text once, under the names of all that it belongs to', () => {
    const text = renderNotices({
      bundled: [noticed('a', 'Same'), noticed('b', 'Other')],
      shipped: [noticed('c', 'Same')],
      parts: '',
    });
    assert.match(text, /### a, c\n\n```text\nSame\n```/);
    assert.match(text, /### b\n\n```text\nOther\n```/);
    assert.equal(text.split('\nSame\n').length, 2);
  });

  it('do not let a text end its own fence', () => {
    const text = renderNotices({ bundled: [noticed('a', 'x\n```\ny')], shipped: [], parts: '' });
    assert.match(text, /````text\nx\n```\ny\n````/);
  });

  it('name every package that is shipped as it is on any platform, and what these hold', () => {
    const { shipped, parts } = collectNotices({ root: rootDir, builtDir: folder(), inputs: [] });
    const names = shipped.map(({ name }) => name);
    for (const name of [
      'onnxruntime-node',
      'sharp',
      '@img/sharp-win32-arm64',
      '@img/sharp-libvips-darwin-arm64',
    ]) {
      assert(names.includes(name), name);
    }
    assert.match(parts, /\| libvips +\| LGPLv3 +\|/);
    assert.match(parts, /DirectML/);
  });

  it('are refused when a font or a WebAssembly file came into dist past the list of inputs', () => {
    mkdirSync(join(folder(), 'grammars'));
    writeFileSync(join(folder(), 'grammars', 'python.wasm'), '');
    assert.throws(
      () => collectNotices({ root: rootDir, builtDir: folder(), inputs: ['node_modules/lit/index.js'] }),
      /grammars.python\.wasm came into dist/,
    );
    collectNotices({ root: rootDir, builtDir: folder(), inputs: ['node_modules/lit/python.wasm?v=1'] });
  });
});

function noticed(name: string, text: string): NoticedPackage {
  return { name, version: '1.0.0', licence: 'MIT', terms: [], texts: [text] };
}
