import assert from 'node:assert/strict';
import { LatestTask } from '../../../../src/extension/panels/neuron/latestTask.js';
import { VisitTrail } from '../../../../src/extension/panels/neuron/neuronTrail.js';

describe('the trail of visited neurons', () => {
  it('goes back and forward through jumps', () => {
    const trail = jumps('a[0]', 'b[0]', 'c[0]');
    assert.equal(trail.travel(-1), 'b[0]');
    assert.equal(trail.travel(-1), 'a[0]');
    assert.equal(trail.travel(-1), undefined);
    assert.equal(trail.travel(1), 'b[0]');
    assert.equal(trail.current, 'b[0]');
  });

  it('counts a walk from unit to unit as one, so that Back leads to where it began', () => {
    const trail = jumps('a[0]', 'b[0]');
    for (const unit of [1, 2, 3]) trail.visit(`b[${unit}]`, 'step');
    assert.deepEqual(trail.trail, { addresses: ['a[0]', 'b[0]', 'b[3]'], index: 2 });
    assert.equal(trail.travel(-1), 'b[0]');
  });

  it('forgets what was ahead when it goes elsewhere', () => {
    const trail = jumps('a[0]', 'b[0]', 'c[0]');
    trail.travel(-1);
    trail.visit('d[0]', 'jump');
    assert.deepEqual(trail.trail, { addresses: ['a[0]', 'b[0]', 'd[0]'], index: 2 });
    assert.equal(trail.travel(1), undefined);
  });

  it('does not count staying', () => {
    assert.deepEqual(jumps('a[0]', 'a[0]').trail, { addresses: ['a[0]'], index: 0 });
  });

  it('keeps the last 50 and goes on from what a page kept', () => {
    const trail = jumps(...Array.from({ length: 60 }, (_, unit) => `a[${unit}]`));
    const kept = trail.trail;
    assert.equal(kept.addresses.length, 50);
    assert.equal(kept.addresses[0], 'a[10]');
    const again = new VisitTrail(kept);
    assert.equal(again.current, 'a[59]');
    assert.equal(again.travel(-1), 'a[58]');
  });
});

describe('doing only the newest', () => {
  it('does what is under way and the last that was asked meanwhile', async () => {
    const task = new LatestTask();
    const done: number[] = [];
    const gates = [gate(), gate()];
    task.run(async () => {
      await gates[0]?.opened;
      done.push(0);
    });
    for (const number of [1, 2, 3]) {
      task.run(async () => {
        await gates[1]?.opened;
        done.push(number);
      });
    }
    gates[0]?.open();
    gates[1]?.open();
    await settled();
    assert.deepEqual(done, [0, 3]);
  });

  it('forgets what waits when it is cleared, and works again after', async () => {
    const task = new LatestTask();
    const done: number[] = [];
    const first = gate();
    task.run(async () => {
      await first.opened;
      done.push(0);
    });
    task.run(() => Promise.resolve(void done.push(1)));
    task.clear();
    first.open();
    await settled();
    task.run(() => Promise.resolve(void done.push(2)));
    await settled();
    assert.deepEqual(done, [0, 2]);
  });
});

function jumps(...addresses: string[]): VisitTrail {
  const trail = new VisitTrail();
  for (const address of addresses) trail.visit(address, 'jump');
  return trail;
}

function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    opened,
    open: () => {
      open();
    },
  };
}

/** Every promise that can settle has. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
