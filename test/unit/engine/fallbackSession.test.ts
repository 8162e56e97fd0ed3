import assert from 'node:assert/strict';
import { UserError } from '../../../src/base/errors.js';
import { withFallback } from '../../../src/engine/runtime/fallbackSession.js';
import type { Provider, Session } from '../../../src/engine/runtime/session.js';
import { float32Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';

const y: Record<string, TensorValue> = { y: float32Tensor([1], [1]) };
const missingKernel = new UserError('run-failed', 'Indices are not supported yet.');

describe('a session with another to go on with', () => {
  let ran: string[];
  let closed: string[];

  beforeEach(() => {
    ran = [];
    closed = [];
  });

  function sessionOn(provider: Provider, run: () => Promise<Record<string, TensorValue>>): Session {
    return {
      provider,
      inputNames: ['x'],
      outputNames: ['y'],
      run: () => {
        ran.push(provider);
        return run();
      },
      close: () => {
        closed.push(provider);
        return Promise.resolve();
      },
    };
  }

  it('repeats the run that failed, stays with the other, and closes both', async () => {
    const gpu = sessionOn('webgpu', () => Promise.reject(missingKernel));
    const reasons: string[] = [];
    const session = withFallback(gpu, (why) => {
      reasons.push(why.message);
      return Promise.resolve(sessionOn('cpu', () => Promise.resolve(y)));
    });
    assert.equal(session.provider, 'webgpu');
    assert.equal(await session.run({}), y);
    assert.equal(session.provider, 'cpu');
    await session.run({});
    assert.deepEqual(ran, ['webgpu', 'cpu', 'cpu']);
    assert.deepEqual(reasons, [missingKernel.message]);
    await session.close();
    assert.deepEqual(closed, ['webgpu', 'cpu']);
  });

  it('stays with the first when the feeds are at fault', async () => {
    const wrongFeeds = new UserError('run-failed', 'Got 3 elements, expected 4.');
    let isBad = true;
    const gpu = sessionOn('webgpu', () => (isBad ? Promise.reject(wrongFeeds) : Promise.resolve(y)));
    const session = withFallback(gpu, () =>
      Promise.resolve(sessionOn('cpu', () => Promise.reject(wrongFeeds))),
    );
    await assert.rejects(session.run({}), wrongFeeds);
    isBad = false;
    assert.equal(await session.run({}), y);
    assert.equal(session.provider, 'webgpu');
  });

  it('tells the first failure when the other cannot be opened, and passes other errors on', async () => {
    const gpu = sessionOn('webgpu', () => Promise.reject(missingKernel));
    const closedBehind = withFallback(gpu, () => Promise.reject(new Error('no memory')));
    await assert.rejects(closedBehind.run({}), missingKernel);
    const bug = new Error('a bug');
    const broken = withFallback(
      sessionOn('webgpu', () => Promise.reject(bug)),
      () => Promise.reject(new Error('not called')),
    );
    await assert.rejects(broken.run({}), bug);
    assert.deepEqual(ran, ['webgpu', 'webgpu']);
  });
});
