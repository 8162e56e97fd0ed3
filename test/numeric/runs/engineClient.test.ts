import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../../../src/base/errors.js';
import { silentLogger } from '../../../src/base/logger.js';
import type { RunRequest } from '../../../src/protocol/engineMessages.js';
import { createEngineClient, type EngineClient } from '../../../src/runs/engineClient.js';
import { rootDir } from '../../support/paths.js';

const entry = join(rootDir, 'test', 'support', 'scriptedEngine.ts');

function run(analysis: string): RunRequest {
  return { kind: 'run', analysis, modelPath: 'x.onnx', settings: {}, seed: 0, provider: 'cpu' };
}

describe('the engine process', () => {
  it('is ended from outside when its parent goes: threads that run a model would abort an orderly exit', async () => {
    const child = fork(join(rootDir, 'test', 'support', 'testEngine.ts'), [], {
      execArgv: process.execArgv,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    // An answer shows that it listens.
    child.send({ kind: 'request', id: 1, request: run('unknown') });
    await once(child, 'message');
    const ended = once(child, 'exit');
    child.disconnect();
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.equal(stderr, '');
  });
});

describe('the engine client', function () {
  this.timeout(15_000);
  let client: EngineClient;
  beforeEach(() => {
    client = createEngineClient({ log: silentLogger, entry });
  });
  afterEach(() => {
    client.dispose();
  });

  async function pid(): Promise<string> {
    const outcome = await client.request(run('pid'));
    assert(outcome.kind === 'done');
    return outcome.result.report.summary;
  }

  it('keeps one process for many requests and ends it on dispose', async () => {
    const first = await pid();
    assert.equal(await pid(), first);
    assert.equal(String(client.pid), first);
    client.dispose();
    await waitUntilGone(Number(first));
  });

  it('answers requests in order, each exactly once, with progress and partial reports before', async () => {
    const heard: string[] = [];
    const options = {
      onProgress: (fractionDone: number) => heard.push(`progress ${fractionDone}`),
      onPartial: () => heard.push('partial'),
    };
    const outcomes = await Promise.all([
      client.request(run('progress'), options).then((outcome) => heard.push(`first ${outcome.kind}`)),
      client.request(run('user-error')).then((outcome) => heard.push(`second ${outcome.kind}`)),
      client.request(run('plain')).then((outcome) => heard.push(`third ${outcome.kind}`)),
    ]);
    assert.equal(outcomes.length, 3);
    assert.deepEqual(heard, ['progress 0.5', 'partial', 'first done', 'second failed', 'third done']);
  });

  it('rebuilds user errors and keeps bugs apart', async () => {
    const user = await client.request(run('user-error'));
    assert(user.kind === 'failed' && user.error instanceof UserError);
    assert.equal(user.error.code, 'bad-thing');
    assert.equal(user.error.kind, 'input');
    assert.deepEqual(user.error.detail, { a: 1 });
    const bug = await client.request(run('bug'));
    assert(bug.kind === 'failed' && !(bug.error instanceof UserError));
    assert.equal(bug.error.name, 'TypeError');
    assert.equal(bug.error.stack, 'at x');
  });

  it('cancels a blocked engine within 200 ms, keeps the partial report, and starts a new one', async () => {
    const before = await pid();
    const controller = new AbortController();
    let abortedMs = 0;
    const outcome = await client.request(run('busy'), {
      onPartial: () => {
        setTimeout(() => {
          abortedMs = performance.now();
          controller.abort();
        }, 100);
      },
      signal: controller.signal,
    });
    const tookMs = performance.now() - abortedMs;
    assert(outcome.kind === 'cancelled');
    assert.equal(outcome.report?.summary, 'half');
    assert(tookMs < 200, `${tookMs} ms`);
    assert(!isAlive(Number(before)));
    assert.notEqual(await pid(), before);
  });

  it('drops a waiting request without touching the one before it', async () => {
    const controller = new AbortController();
    const first = client.request(run('progress'));
    const second = client.request(run('busy'), { signal: controller.signal });
    controller.abort();
    assert.equal((await second).kind, 'cancelled');
    assert.equal((await first).kind, 'done');
    const third = await client.request(run('plain'), { signal: AbortSignal.abort() });
    assert.equal(third.kind, 'cancelled');
  });

  for (const [how, said] of [
    ['exit', /exited with code 7.*the last words/],
    ['abort', /SIGABRT.*--provider cpu/],
    ['disconnect', /was lost/],
  ] as const) {
    it(`reports an engine lost by ${how} and recovers`, async () => {
      const outcome = await client.request(run(how));
      assert(outcome.kind === 'failed' && outcome.error instanceof UserError);
      assert.equal(outcome.error.code, 'engine-lost');
      assert.equal(outcome.error.kind, 'environment');
      assert.match(outcome.error.message, said);
      assert.match(outcome.error.message, /starts a new engine/);
      if (how === 'exit') assert.equal(outcome.report?.summary, 'half');
      assert.equal((await client.request(run('plain'))).kind, 'done');
    });
  }

  it('survives kill -9 from outside, during a run and between runs', async () => {
    const running = client.request(run('busy'), {
      onPartial: () => process.kill(client.pid ?? 0, 'SIGKILL'),
    });
    const outcome = await running;
    assert(outcome.kind === 'failed' && outcome.error instanceof UserError);
    assert.match(outcome.error.message, /SIGKILL.*memory/);
    assert.equal(outcome.report?.summary, 'half');
    process.kill(Number(await pid()), 'SIGKILL');
    await delay(100);
    assert.equal((await client.request(run('plain'))).kind, 'done');
  });

  it('ignores what is no message', async () => {
    assert.equal((await client.request(run('nonsense'))).kind, 'done');
  });

  it('fails, and does not hang, when the engine cannot start', async () => {
    const broken = createEngineClient({ log: silentLogger, entry, execPath: '/nowhere/node' });
    const outcome = await broken.request(run('plain'));
    assert(outcome.kind === 'failed' && outcome.error instanceof UserError);
    assert.match(outcome.error.message, /did not start/);
    const missing = createEngineClient({ log: silentLogger, entry: join(rootDir, 'nowhere.js') });
    const second = await missing.request(run('plain'));
    assert(
      second.kind === 'failed' && second.error instanceof UserError && second.error.code === 'engine-lost',
    );
  });

  it('refuses requests after dispose', async () => {
    client.dispose();
    assert.equal((await client.request(run('plain'))).kind, 'failed');
  });
});

async function waitUntilGone(pid: number): Promise<void> {
  for (let i = 0; i < 40 && isAlive(pid); i++) await delay(25);
  assert(!isAlive(pid), `process ${pid} still runs`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
