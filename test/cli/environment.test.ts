import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { firstProblem, type Report } from '../../src/protocol/report.js';
import { type ModelAndData, writeClassifier, writeSlowRun } from '../support/cliModels.js';
import { cliPath, ended, runCli, startCli } from '../support/cliProcess.js';
import { useTemporaryFolder } from '../support/temporaryFolder.js';

describe('the command line and its environment', function () {
  this.timeout(30_000);
  const folder = useTemporaryFolder();
  let slow: ModelAndData;
  let slowFolder = '';
  before(async () => {
    slowFolder = mkdtempSync(join(tmpdir(), 'neuron-inspector-slow-'));
    slow = await writeSlowRun(slowFolder);
  });
  after(() => {
    rmSync(slowFolder, { recursive: true, force: true });
  });

  /** Starts a run that would take long, and waits until its engine works on it. */
  async function startSlowRun(
    report: string,
    options: { detached?: boolean } = {},
  ): Promise<{ cli: ChildProcess; engine: number }> {
    const args = ['run', 'dead-neurons', slow.model, '--data', slow.data, '--batch', '1', '--report', report];
    const cli = startCli(args, options);
    const engine = await engineOf(cli);
    await delay(1500);
    return { cli, engine };
  }

  it('exits 4 when the engine is killed, says so, and writes what is known', async () => {
    const path = join(folder(), 'r.json');
    const { cli, engine } = await startSlowRun(path);
    process.kill(engine, 'SIGKILL');
    const { code, stderr } = await ended(cli);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /engine process was lost.*SIGKILL.*--batch/s);
    const report = JSON.parse(readFileSync(path, 'utf8')) as Report;
    assert.equal(firstProblem(report), undefined);
    assert.equal(report.status, 'failed');
    assert.equal(report.model.name, 'slow');
  });

  for (const [name, signal, wholeGroup] of [
    ['Ctrl-C', 'SIGINT', true],
    ['a request to end', 'SIGTERM', false],
  ] as const) {
    it(`exits 130 on ${name}, at once, with the partial report`, async () => {
      const path = join(folder(), 'r.json');
      const { cli, engine } = await startSlowRun(path, { detached: true });
      const startMs = performance.now();
      process.kill(wholeGroup ? -(cli.pid ?? 0) : (cli.pid ?? 0), signal);
      const { code, stderr } = await ended(cli);
      const tookMs = performance.now() - startMs;
      assert.equal(code, 130, stderr);
      assert(tookMs < 1500, `${tookMs} ms`);
      assert(!isAlive(engine));
      const report = JSON.parse(readFileSync(path, 'utf8')) as Report;
      assert.equal(firstProblem(report), undefined);
      assert.equal(report.status, 'cancelled');
      assert.equal(report.batchSize, 1);
    });
  }

  it('leaves no engine behind when it is killed itself', async () => {
    const { cli, engine } = await startSlowRun(join(folder(), 'r.json'));
    cli.kill('SIGKILL');
    await ended(cli);
    for (let i = 0; i < 100 && isAlive(engine); i++) await delay(50);
    assert(!isAlive(engine));
  });

  it('exits 4 when the provider is missing and names those that are there', async () => {
    const { model, data } = await writeClassifier(folder());
    const provider = process.platform === 'darwin' ? 'dml' : 'coreml';
    const { code, stderr } = await runCli([
      'run',
      'dead-neurons',
      model,
      '--data',
      data,
      '--provider',
      provider,
    ]);
    assert.equal(code, 4, stderr);
    assert.match(stderr, new RegExp(`${provider}.*not available.*--provider cpu`, 's'));
  });

  it('exits 4 when the disk is full, before and after the run, and saves the report elsewhere', async function () {
    if (!existsSync('/dev/full')) return this.skip();
    const { model, data } = await writeClassifier(folder());
    const { code, stderr } = await runCli([
      'run',
      'dead-neurons',
      model,
      '--data',
      data,
      '--report',
      '/dev/full',
    ]);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /\/dev\/full cannot be written: the disk is full/);
    const [, saved = ''] = /saved as (\S+) instead/.exec(stderr) ?? [];
    assert.equal(firstProblem(JSON.parse(readFileSync(saved, 'utf8'))), undefined);
    rmSync(saved);
  });

  it('exits 4 when stdout goes to a full disk', async function () {
    if (!existsSync('/dev/full')) return this.skip();
    const { code, stderr } = await runCli(['analyses', '--json'], {
      stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    });
    assert.equal(code, 4, stderr);
    assert.match(stderr, /output could not be written/);
  });

  it('writes no half file on a disk that fills up (needs the right to mount)', async function () {
    const disk = join(folder(), 'disk');
    if (!tryToMount(disk, 'size=48k')) return this.skip();
    try {
      const { model, data } = await writeClassifier(folder());
      fill(disk);
      const args = ['run', 'dead-neurons', model, '--data', data];
      const report = await runCli([...args, '--report', join(disk, 'r.json')]);
      assert.equal(report.code, 4, report.stderr);
      assert.match(report.stderr, /disk is full/);
      assert(!existsSync(join(disk, 'r.json')));
      const arrays = await runCli([...args, '--arrays', disk]);
      assert.equal(arrays.code, 4, arrays.stderr);
      assert(!existsSync(join(disk, 'arrays.json')));
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('exits 4 for a read-only folder, before the run', async function () {
    const disk = join(folder(), 'readonly');
    const isRoot = process.getuid?.() === 0;
    if (isRoot && !tryToMount(disk, 'ro')) return this.skip();
    if (!isRoot) {
      mkdirSync(disk);
      chmodSync(disk, 0o555);
    }
    try {
      const { model, data } = await writeClassifier(folder());
      for (const option of [
        ['--report', join(disk, 'r.json')],
        ['--arrays', join(disk, 'arrays')],
        ['--junit', join(disk, 'r.xml')],
      ]) {
        const { code, stderr } = await runCli(['run', 'dead-neurons', model, '--data', data, ...option]);
        assert.equal(code, 4, stderr);
        assert.match(stderr, /read-only/);
      }
    } finally {
      if (isRoot) execFileSync('umount', [disk]);
    }
  });

  it('is not troubled by a reader that goes away', () => {
    const script = `"${process.execPath}" "${cliPath}" analyses --json | head -c 10 >/dev/null; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    assert.equal(stdout, '0\n');
    assert.equal(stderr, '');
  });
});

/** Returns the engine's process id once the command has started it. */
async function engineOf(cli: ChildProcess): Promise<number> {
  for (let i = 0; i < 200; i++) {
    const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
    for (const line of table.split('\n')) {
      const [pid, parent, ...command] = line.trim().split(/\s+/);
      if (parent === String(cli.pid) && command.join(' ').includes('engine')) return Number(pid);
    }
    await delay(50);
  }
  throw new Error('The command started no engine.');
}

function tryToMount(path: string, options: string): boolean {
  mkdirSync(path, { recursive: true });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]).status === 0;
}

/** Writes until nothing more fits. */
function fill(disk: string): void {
  assert.throws(() => {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(1_000_000));
  }, /ENOSPC/);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
