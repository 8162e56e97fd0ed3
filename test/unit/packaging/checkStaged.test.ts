import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkStaged } from '../../../scripts/package/checkStaged.js';
import { type Target, targets } from '../../../scripts/package/targets.js';
import { UserError } from '../../../src/base/errors.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

describe('the check of what a package holds', () => {
  const folder = useTemporaryFolder();

  it('lets code, texts, pictures and libraries of the platform pass', () => {
    put('package.json', '{}');
    put('dist/engine.js', '');
    put('dist/node_modules/semver/functions/parse.js', '');
    put('dist/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1', elf(0x3e));
    put('media/walkthrough/open.png', '');
    checkStaged(folder(), targetNamed('linux-x64'));
  });

  for (const [path, reason] of [
    ['dist/engine.js.map', 'source map'],
    ['dist/node_modules/onnxruntime-common/dist/cjs/index.d.ts', 'TypeScript'],
    ['dist/node_modules/sharp/src/sharp.cc', 'source of native code'],
    ['dist/node_modules/sharp/test/unit/a.js', 'test or example'],
    ['dist/engine.test.js', 'test'],
    ['dist/node_modules/onnxruntime-node/script/install.js', 'script that only an installation runs'],
    ['sample-models/dying-relu.onnx', 'model, data or archive'],
    ['package-lock.json', 'file of a tool'],
    ['dist/node_modules/@img/sharp-win32-x64/index.cjs', 'for win32-x64'],
    ['dist/node_modules/onnxruntime-node/bin/napi-v6/darwin/arm64/notes.txt', 'for darwin-arm64'],
  ] as const) {
    it(`refuses ${path} as ${reason}`, () => {
      put(path, '');
      assertStray(path, reason);
    });
  }

  it('refuses a library of another processor under the right name', () => {
    const path = 'dist/node_modules/@img/sharp-linux-x64/lib/sharp-linux-x64.node';
    put(path, elf(0xb7));
    assertStray(path, 'compiled for linux-arm64');
  });

  it('refuses a library of another system under the right name', () => {
    const path = 'dist/node_modules/@img/sharp-linux-x64/lib/sharp-linux-x64.node';
    const bytes = Buffer.alloc(128);
    bytes.write('MZ', 0, 'latin1');
    bytes.writeUInt32LE(0x40, 0x3c);
    bytes.write('PE\0\0', 0x40, 'latin1');
    bytes.writeUInt16LE(0x8664, 0x44);
    put(path, bytes);
    assertStray(path, 'compiled for win32-x64');
  });

  it('refuses a library that is none', () => {
    const path = 'dist/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1';
    put(path, 'version https://git-lfs');
    assertStray(path, 'compiled for no platform');
  });

  it('names every stray file at once', () => {
    put('a.map', '');
    put('b/c.ts', '');
    assert.throws(
      () => {
        checkStaged(folder(), targetNamed('linux-x64'));
      },
      (error) => error instanceof UserError && /a\.map.*b\/c\.ts/s.test(error.message),
    );
  });

  function put(path: string, content: string | Buffer): void {
    const full = join(folder(), path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
  }

  function assertStray(path: string, reason: string): void {
    assert.throws(
      () => {
        checkStaged(folder(), targetNamed('linux-x64'));
      },
      (error) =>
        error instanceof UserError &&
        error.code === 'package-strays' &&
        error.message.includes(`\n${path}: ${reason}\n`),
    );
  }
});

function targetNamed(name: Target['name']): Target {
  const target = targets.find((candidate) => candidate.name === name);
  assert(target !== undefined);
  return target;
}

/** The start of an ELF file for a machine. */
function elf(machine: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('\x7fELF', 0, 'latin1');
  bytes.writeUInt16LE(machine, 18);
  return bytes;
}
