import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { atMostEvery } from '../../../src/runs/atMostEvery.js';

describe('passing values on at most every so often', () => {
  function listener(intervalMs: number) {
    const passed: number[] = [];
    const send = atMostEvery<number>(
      intervalMs,
      (value) => passed.push(value),
      (value) => value >= 1,
    );
    return { passed, send };
  }

  it('passes the first at once, and the last of those that came too soon when the interval is over', async () => {
    const { passed, send } = listener(40);
    send(0);
    send(0.1);
    send(0.2);
    assert.deepEqual(passed, [0]);
    // A timer may be late on a busy machine, so the next interval counts from when it went off.
    while (passed.length < 2) await wait(5);
    assert.deepEqual(passed, [0, 0.2]);
    await wait(80);
    send(0.3);
    assert.deepEqual(passed, [0, 0.2, 0.3]);
  });

  it('passes what is urgent at once, and nothing older after it', async () => {
    const { passed, send } = listener(40);
    for (const value of [0, 0.5, 1]) send(value);
    await wait(80);
    assert.deepEqual(passed, [0, 1]);
  });
});
