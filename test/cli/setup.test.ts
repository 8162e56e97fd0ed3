import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { rootDir } from '../support/paths.js';
import { useTemporaryFolder } from '../support/temporaryFolder.js';

// Every way npm or a download could leave the machine points at a port where nobody listens.
const unreachable = 'http://127.0.0.1:9';
const offline = {
  ...process.env,
  npm_config_registry: unreachable,
  HTTP_PROXY: unreachable,
  HTTPS_PROXY: unreachable,
  http_proxy: unreachable,
  https_proxy: unreachable,
};

describe('npm start, a second time', () => {
  it('prints the dead neurons of the sample without a network', function () {
    this.timeout(60_000);
    const result = spawnSync(process.execPath, [join(rootDir, 'scripts', 'start.mjs'), '--headless'], {
      cwd: rootDir,
      env: offline,
      encoding: 'utf8',
    });
    assert.equal(result.status, 0, result.stderr);
    assert.doesNotMatch(result.stdout, /Installing/);
    assert.match(result.stdout, /\d+ of 448 neurons \(\d+\.\d %\) are dead on 4,000 images/);
    assert.match(result.stdout, /fc1\[\d+\] +dead/);
  });
});

describe('set-up', () => {
  const folder = useTemporaryFolder();

  /** A root of its own with a stamp that belongs to another lock file. */
  function rootWithStaleStamp(): string {
    const root = folder();
    mkdirSync(join(root, 'scripts'));
    mkdirSync(join(root, 'node_modules'));
    copyFileSync(join(rootDir, 'scripts', 'setup.mjs'), join(root, 'scripts', 'setup.mjs'));
    for (const name of ['package.json', 'package-lock.json']) {
      copyFileSync(join(rootDir, name), join(root, name));
    }
    writeFileSync(join(root, 'node_modules', '.neuron-inspector-lock'), 'another lock');
    return root;
  }

  it('installs again when the lock file changed, and says so when the registry cannot be reached', function () {
    this.timeout(60_000);
    const root = rootWithStaleStamp();
    const result = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', "(await import('./scripts/setup.mjs')).ensureInstalled()"],
      {
        cwd: root,
        // An empty cache, so that nothing comes from there either; no retries, so that it fails at once.
        env: { ...offline, npm_config_cache: join(root, 'cache'), npm_config_fetch_retries: '0' },
        encoding: 'utf8',
      },
    );
    assert.notEqual(result.status, 0);
    assert.match(result.stdout, /Installing dependencies \(once per lock file\)/);
    assert.match(result.stderr, /npm could not install the dependencies\. Check the network or the registry/);
  });
});

describe('set-up of the host editor', () => {
  const folder = useTemporaryFolder();
  const hostDir = (): string => join(folder(), 'test', 'vscode', 'host');

  beforeEach(() => {
    cpSync(join(rootDir, 'scripts'), join(folder(), 'scripts'), { recursive: true });
    mkdirSync(hostDir(), { recursive: true });
    for (const name of ['package.json', 'package-lock.json']) {
      copyFileSync(join(rootDir, 'test', 'vscode', 'host', name), join(hostDir(), name));
    }
  });

  function setUp(env: NodeJS.ProcessEnv): {
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
  } {
    const script =
      "const { ensureHostEditor } = await import('./scripts/editor/hostEditor.mjs'); console.log('installed:', ensureHostEditor().installed)";
    return spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder(),
      env,
      encoding: 'utf8',
    });
  }

  itOnLinuxX64('installs once per lock file, and then asks nothing of npm', function () {
    this.timeout(60_000);
    const calls = join(folder(), 'calls');
    const bin = join(folder(), 'bin');
    mkdirSync(bin);
    const npm = `#!/bin/sh\necho "$1 in $PWD" >> ${calls}\nmkdir -p node_modules/code-server/lib/vscode\n`;
    writeFileSync(join(bin, 'npm'), npm, { mode: 0o755 });
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` };
    const callsOf = (): string[] => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []);

    assert.match(setUp(env).stdout, /Installing the host editor[^]*installed: true/);
    const vscodeDir = join(hostDir(), 'node_modules', 'code-server', 'lib', 'vscode');
    assert.deepEqual(callsOf(), [`ci in ${hostDir()}`, `install in ${vscodeDir}`]);

    assert.equal(setUp(env).stdout.trim(), 'installed: false');
    assert.equal(callsOf().length, 2);

    writeFileSync(join(hostDir(), 'package-lock.json'), '{}');
    assert.match(setUp(env).stdout, /installed: true/);
    assert.equal(callsOf().length, 4);
  });

  itOnLinuxX64('says so when the registry cannot be reached, and is not taken for installed', function () {
    this.timeout(60_000);
    const env = { ...offline, npm_config_cache: join(folder(), 'cache'), npm_config_fetch_retries: '0' };
    for (let run = 0; run < 2; run++) {
      const result = setUp(env);
      assert.notEqual(result.status, 0);
      assert.match(
        result.stderr,
        /npm could not install the editor that tests run in \(npm ci in .*\)\. Check the network/,
      );
    }
  });
});

/** The host editor exists for this platform only. */
function itOnLinuxX64(title: string, body: Mocha.Func): void {
  if (process.platform === 'linux' && process.arch === 'x64') it(title, body);
  else it.skip(`${title} (skipped: the host editor is for Linux x64)`);
}

describe('npm test, a second time', () => {
  it('sets up and lists its tiers without a network', function () {
    this.timeout(60_000);
    const args = [join(rootDir, 'scripts', 'test.mjs'), 'no-such-tier'];
    const refused = spawnSync(process.execPath, args, { cwd: rootDir, env: offline, encoding: 'utf8' });
    assert.equal(refused.status, 2);
    assert.match(
      refused.stderr,
      /no test tier no-such-tier; there are unit, numeric, cli, package, webview, vscode, story/,
    );
    const setUp = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        "const { ensureInstalled } = await import('./scripts/setup.mjs'); console.log(ensureInstalled().installed)",
      ],
      { cwd: rootDir, env: offline, encoding: 'utf8' },
    );
    assert.equal(setUp.status, 0, setUp.stderr);
    assert.equal(setUp.stdout.trim(), 'false', setUp.stderr);
  });
});
