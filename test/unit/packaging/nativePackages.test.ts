import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { binaryTarget } from '../../../scripts/package/binaryTarget.js';
import { readLockFile } from '../../../scripts/package/lockFile.js';
import { nativePackagesOf } from '../../../scripts/package/nativePackages.js';
import { targets } from '../../../scripts/package/targets.js';
import { rootDir } from '../../support/paths.js';

const runtimeDir = join(rootDir, 'node_modules', 'onnxruntime-node');

describe('packages that are shipped as they are', () => {
  it('exist for every platform that the runtime has a build for, and no other', () => {
    const builds = filesUnder(join(runtimeDir, 'bin'))
      .filter((path) => path.endsWith('.node'))
      .map((path) => path.split('/').slice(1, 3).join('-'));
    assert.deepEqual(targets.map(({ name }) => name).sort(), builds.sort());
  });

  for (const target of targets) {
    describe(target.name, () => {
      const packages = nativePackagesOf(target);

      it('takes the binaries of its platform from the runtime, all of them compiled for it', () => {
        const shipped = shippedFrom('onnxruntime-node').filter((path) => path.startsWith('bin/'));
        assert(shipped.length >= 2, shipped.join(', '));
        for (const path of shipped) {
          assert.equal(binaryTarget(readFileSync(join(runtimeDir, path))), target.name, path);
        }
      });

      it('takes every library that the binding of its platform names', () => {
        const shipped = shippedFrom('onnxruntime-node').filter((path) => path.startsWith('bin/'));
        const names = shipped.map((path) => path.slice(path.lastIndexOf('/') + 1));
        const binding = shipped.find((path) => path.endsWith('.node')) ?? '';
        const text = readFileSync(join(runtimeDir, binding), 'latin1');
        const needed = new Set(text.match(/(lib)?onnxruntime[\w.]*\.(dll|dylib|so\.\d+)/g));
        assert(needed.size > 0, 'the binding names no library');
        for (const name of needed) assert(names.includes(name), `${name} is not among ${names.join(', ')}`);
      });

      it('has no library twice', () => {
        const contents = shippedFrom('onnxruntime-node')
          .filter((path) => path.startsWith('bin/'))
          .map((path) => readFileSync(join(runtimeDir, path)).toString('base64'));
        assert.equal(new Set(contents).size, contents.length);
      });

      it('takes all that its packages depend on at run time, and nothing else', () => {
        const lock = readLockFile(rootDir);
        const names = packages.map(({ name }) => name);
        for (const name of names) assert(lock.has(name), `${name} is in the lock file`);
        // Only the runtime's install script uses these two: it downloads CUDA.
        const forInstalling = ['adm-zip', 'global-agent'];
        const wanted = new Set(['onnxruntime-node', 'sharp']);
        for (const name of wanted) {
          for (const dependency of dependenciesOf(name, target.name)) {
            if (!forInstalling.includes(dependency)) wanted.add(dependency);
          }
        }
        assert.deepEqual(names.sort(), [...wanted].sort());
      });

      it('takes no types, maps, sources or scripts', () => {
        for (const name of ['onnxruntime-node', 'onnxruntime-common', 'sharp', 'semver', 'detect-libc']) {
          const shipped = shippedFrom(name);
          assert(shipped.includes('package.json'), name);
          const strays = shipped.filter((path) =>
            /\.(map|ts|mts|cts|cc|h|gyp)$|^(script|install|src)\//.test(path),
          );
          assert.deepEqual(strays, [], name);
        }
      });

      function shippedFrom(name: string): string[] {
        const native = packages.find((candidate) => candidate.name === name);
        assert(native !== undefined, name);
        return filesUnder(join(rootDir, 'node_modules', name)).filter(
          (path) =>
            native.files.some((pattern) => pattern.test(path)) && native.isForOther?.(path, target) !== true,
        );
      }
    });
  }
});

/** What the lock file says a package needs on a platform. */
function dependenciesOf(name: string, target: string): string[] {
  const lock = JSON.parse(readFileSync(join(rootDir, 'package-lock.json'), 'utf8')) as {
    packages: Record<
      string,
      { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> }
    >;
  };
  const { dependencies = {}, optionalDependencies = {} } = lock.packages[`node_modules/${name}`] ?? {};
  const ofTarget = Object.keys(optionalDependencies).filter((optional) => optional.endsWith(`-${target}`));
  return [...Object.keys(dependencies), ...ofTarget];
}

function filesUnder(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) =>
      join(file.parentPath, file.name)
        .slice(dir.length + 1)
        .replaceAll('\\', '/'),
    );
}
