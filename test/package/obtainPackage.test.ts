import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { obtainPackage } from '../../scripts/package/obtainPackage.js';
import { UserError } from '../../src/base/errors.js';
import { useTemporaryFolder } from '../support/temporaryFolder.js';

// npm is pointed at a registry of our own: one package, one version, nothing leaves the machine.
describe('fetching a package of another platform', function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();
  const before = { ...process.env };
  let server: Server | undefined;

  afterEach(() => {
    for (const name of Object.keys(process.env)) {
      // Deleted one by one: process.env cannot be replaced.
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
      if (!(name in before)) delete process.env[name];
    }
    Object.assign(process.env, before);
    server?.close();
    server = undefined;
  });

  it('takes the installed one when its version is that of the lock file', async () => {
    const installed = join(folder(), 'node_modules', 'engine-x');
    writePackage(installed, '1.2.3');
    assert.equal(await obtain('1.2.3', 'sha512-unused'), installed);
  });

  it('fetches, checks and unpacks it once, and takes it from there afterwards', async () => {
    const integrity = await serve('1.2.3');
    const fetched = await obtain('1.2.3', integrity);
    assert.equal(readFileSync(join(fetched, 'lib', 'engine.node'), 'utf8'), 'native 1.2.3');
    server?.close();
    server?.closeAllConnections();
    assert.equal(await obtain('1.2.3', integrity), fetched);
  });

  it('does not take an installed one of another version', async () => {
    writePackage(join(folder(), 'node_modules', 'engine-x'), '1.0.0');
    const fetched = await obtain('1.2.3', await serve('1.2.3'));
    assert.match(readFileSync(join(fetched, 'package.json'), 'utf8'), /1\.2\.3/);
  });

  it('throws away an archive whose checksum is not that of the lock file', async () => {
    await serve('1.2.3');
    const other = `sha512-${createHash('sha512').update('other').digest('base64')}`;
    await assert.rejects(
      obtain('1.2.3', other),
      (error) =>
        error instanceof UserError &&
        error.code === 'package-checksum' &&
        error.message.includes('engine-x@1.2.3') &&
        error.message.includes(other),
    );
    assert.deepEqual(readdirSync(join(folder(), 'cache')), []);
  });

  it('says which package is missing for which platform, why, and what to do, when the registry is out of reach', async () => {
    pointNpmAt('http://127.0.0.1:9');
    await assert.rejects(
      obtain('1.2.3', 'sha512-x'),
      (error) =>
        error instanceof UserError &&
        error.kind === 'environment' &&
        /engine-x@1\.2\.3, which win32-arm64 needs.*ECONNREFUSED.*network.*npm run package -- win32-arm64/.test(
          error.message,
        ),
    );
  });

  it('says that a package is not in the lock file', async () => {
    const source = { root: folder(), cacheDir: join(folder(), 'cache'), lock: new Map() };
    await assert.rejects(
      obtainPackage('engine-x', 'win32-arm64', source),
      (error) => error instanceof UserError && error.code === 'package-not-locked',
    );
  });

  function obtain(version: string, integrity: string): Promise<string> {
    const lock = new Map([['engine-x', { version, integrity }]]);
    return obtainPackage('engine-x', 'win32-arm64', {
      root: folder(),
      cacheDir: join(folder(), 'cache'),
      lock,
    });
  }

  function pointNpmAt(registry: string): void {
    process.env['npm_config_registry'] = registry;
    process.env['npm_config_cache'] = join(folder(), 'npm');
    process.env['no_proxy'] = '127.0.0.1';
  }

  /** Starts a registry that has one version of engine-x; returns the checksum of its archive. */
  async function serve(version: string): Promise<string> {
    const made = join(folder(), 'made');
    writePackage(join(made, 'package'), version);
    mkdirSync(join(made, 'package', 'lib'));
    writeFileSync(join(made, 'package', 'lib', 'engine.node'), `native ${version}`);
    execFileSync('tar', ['-czf', 'engine.tgz', 'package'], { cwd: made });
    const archive = readFileSync(join(made, 'engine.tgz'));
    const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
    const listening = createServer((request, response) => {
      if (request.url?.endsWith('.tgz') === true) {
        response.end(archive);
        return;
      }
      const dist = { tarball: `${origin()}/engine.tgz`, integrity };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          name: 'engine-x',
          'dist-tags': { latest: version },
          versions: { [version]: { name: 'engine-x', version, dist } },
        }),
      );
    });
    server = listening;
    const origin = (): string => `http://127.0.0.1:${String((listening.address() as AddressInfo).port)}`;
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    pointNpmAt(origin());
    return integrity;
  }
});

function writePackage(dir: string, version: string): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'engine-x', version }));
}
