import assert from 'node:assert/strict';
import { UserError } from '../../../../src/base/errors.js';
import type { ProfileTiming } from '../../../../src/extension/panels/neuron/profileStore.js';
import type { MeasurementState } from '../../../../src/protocol/views/neuronMessages.js';
import { PlayedPage, settled } from '../../../support/playedNeuronPage.js';
import { unitProfile } from '../../../support/unitProfile.js';

describe('measuring neurons', () => {
  it('asks for data where none were chosen, and runs nothing in Restricted Mode', async () => {
    const page = new PlayedPage({ dataPath: undefined });
    await page.visit('fc1[0]');
    assert.deepEqual(page.state, { kind: 'no-data' });
    page.measurer.measure('fc1[0]');
    page.conditions = { ...page.conditions, dataPath: '/data/test.npz', isTrusted: false };
    await page.measurer.refresh();
    assert.deepEqual(page.state, { kind: 'restricted' });
    page.measurer.measure('fc1[0]');
    await settled();
    assert.equal(page.asked.length, 0);
  });

  it('says of a neuron in a body that it cannot be measured', async () => {
    const page = new PlayedPage();
    await page.measurer.visit({ address: 'fc1[0]', isInBody: true });
    page.measurer.measure('fc1[0]');
    assert.deepEqual(page.state, { kind: 'in-body' });
    assert.equal(page.asked.length, 0);
  });

  it('offers the first measurement with what other runs say of its time', async () => {
    const page = new PlayedPage();
    page.estimate = { durationMs: 4000, sampleCount: 10, how: { kind: 'run', title: 'Dead neurons' } };
    await page.visit('fc1[0]');
    assert.deepEqual(page.state, {
      kind: 'offered',
      dataName: 'test.npz',
      estimate: page.estimate,
      quick: null,
      other: null,
    });
    assert.equal(page.asked.length, 0);
  });

  it('offers without a time when the estimate fails, and logs why', async () => {
    const page = new PlayedPage();
    page.estimate = new UserError('bad-data', 'The data have 3 columns.');
    await page.visit('fc1[0]');
    assert.equal(kindOf(page.state), 'offered');
    assert.match(page.warnings.join(), /3 columns/);
  });

  it('offers fewer samples too where all take long: as many as take 3 s, one digit of them', async () => {
    const page = new PlayedPage();
    page.estimate = { durationMs: 60_000, sampleCount: 10_000, how: { kind: 'engine', text: '' } };
    await page.visit('fc1[0]');
    // 10,000 × 3 s / 60 s = 500.
    assert.deepEqual(page.offered().quick, { limit: 500, durationMs: 3000 });
    page.measurer.measure('fc1[0]', 500);
    await settled();
    assert.equal(page.asked[0]?.options.limit, 500);
    const state = page.state;
    assert.equal(state?.kind === 'measuring' && state.estimate?.durationMs, 3000);
  });

  it('shows progress and what is known so far, then the profile, and keeps it', async () => {
    const page = new PlayedPage();
    await page.visit('fc1[0]');
    page.measurer.measure('fc1[0]');
    await settled();
    page.asked[0]?.listener.onProgress(0.5, '5 of 10 samples');
    assert.deepEqual(page.state, {
      kind: 'measuring',
      fractionDone: 0.5,
      message: '5 of 10 samples',
      estimate: null,
    });
    page.asked[0]?.listener.onPartial(unitProfile({ sampleCount: 5 }));
    assert.equal(page.shown?.isPartial, true);
    assert.equal(page.shown.profile.sampleCount, 5);
    const profile = unitProfile({ address: 'fc1[0]' });
    page.asked[0]?.finish(profile);
    await settled();
    assert.deepEqual(page.state, { kind: 'done' });
    assert.deepEqual(page.shown, {
      profile,
      isPartial: false,
      createdAt: '2026-01-02T03:04:05.000Z',
      dataName: 'test.npz',
      stale: null,
    });
    assert.deepEqual([...page.stored.keys()], ['/data/test.npz fc1[0]']);
  });

  it('reopens a kept profile at once, without asking the engine', async () => {
    const page = new PlayedPage();
    page.keep('fc1[0]');
    await page.visit('fc1[0]');
    assert.deepEqual(page.state, { kind: 'done' });
    assert.equal(page.shown?.stale, null);
    assert.equal(page.asked.length, 0);
  });

  for (const [reason, change] of [
    ['model', { modelStamp: { sizeBytes: 8, modifiedMs: 1 } }],
    ['data', { dataStamp: 'other' }],
    ['settings', { settings: 'other' }],
  ] as const) {
    it(`says of a kept profile that the ${reason} changed, and offers to measure again`, async () => {
      const page = new PlayedPage();
      page.keep('fc1[0]', change);
      await page.visit('fc1[0]');
      assert.equal(page.shown?.stale, reason);
      assert.equal(page.offered().dataName, 'test.npz');
    });
  }

  it('measures unasked where the last neuron on these data took less than 3 s', async () => {
    const page = new PlayedPage();
    page.timing = timing(2999);
    await page.visit('fc1[0]');
    assert.equal(page.asked.length, 1);
    assert.equal(kindOf(page.state), 'measuring');
  });

  it('asks first where the last one took 3 s or more', async () => {
    const page = new PlayedPage();
    page.timing = timing(3000);
    await page.visit('fc1[0]');
    assert.equal(page.asked.length, 0);
    assert.deepEqual(page.offered().estimate, {
      durationMs: 3000,
      sampleCount: 10,
      how: { kind: 'neuron', address: 'fc1[9]' },
    });
  });

  it('asks first where fewer samples were quick and all would not be', async () => {
    const page = new PlayedPage();
    page.timing = { ...timing(2000), sampleCount: 5 };
    await page.visit('fc1[0]');
    assert.equal(page.asked.length, 0);
    assert.equal(page.offered().estimate?.durationMs, 4000);
  });

  it('measures nothing unasked while the engine works for someone else', async () => {
    const page = new PlayedPage({ engineActivity: 'Dead neurons' });
    page.timing = timing(100);
    await page.visit('fc1[0]');
    assert.equal(page.asked.length, 0);
    page.measurer.measure('fc1[0]');
    await settled();
    assert.deepEqual(page.state, { kind: 'waiting', activity: 'Dead neurons' });
    page.asked[0]?.listener.onProgress(0, 'Reading');
    assert.equal(kindOf(page.state), 'measuring');
  });

  it('measures none of the neurons that are walked past', async () => {
    const page = new PlayedPage();
    page.timing = timing(100);
    page.holdsWait = true;
    for (const unit of [0, 1, 2, 3]) await page.visit(`fc1[${unit}]`);
    page.endWaits();
    await settled();
    assert.deepEqual(page.addressesAsked(), ['fc1[3]']);
  });

  it('lets a quick measurement finish when its neuron is left, keeps it, and then does the newest only', async () => {
    const page = new PlayedPage();
    page.timing = timing(100);
    await page.visit('fc1[0]');
    await page.visit('fc1[1]');
    await page.visit('fc1[2]');
    assert.equal(page.asked[0]?.listener.signal.aborted, false);
    page.asked[0].finish(unitProfile({ address: 'fc1[0]' }));
    await settled();
    assert.deepEqual(page.addressesAsked(), ['fc1[0]', 'fc1[2]']);
    assert.notEqual(page.shown?.profile.address, 'fc1[0]');
    assert.deepEqual([...page.stored.keys()], ['/data/test.npz fc1[0]']);
  });

  it('goes on with what a person asked for while they look elsewhere, and says so there', async () => {
    const page = new PlayedPage();
    await page.visit('fc1[0]');
    page.measurer.measure('fc1[0]');
    await page.visit('fc1[1]');
    assert.equal(page.offered().other, 'fc1[0]');
    page.measurer.measure('fc1[1]');
    await settled();
    assert.deepEqual(page.state, { kind: 'waiting', activity: 'fc1[0]' });
    page.asked[0]?.finish(unitProfile({ address: 'fc1[0]' }));
    await settled();
    assert.deepEqual(page.addressesAsked(), ['fc1[0]', 'fc1[1]']);
    assert.equal(kindOf(page.state), 'measuring');
  });

  it('shows on return how far it has come, with what is known', async () => {
    const page = new PlayedPage();
    await page.visit('fc1[0]');
    page.measurer.measure('fc1[0]');
    await settled();
    await page.visit('fc1[1]');
    page.asked[0]?.listener.onPartial(unitProfile({ sampleCount: 7 }));
    page.asked[0]?.listener.onProgress(0.7, '');
    assert.equal(kindOf(page.state), 'offered');
    await page.visit('fc1[0]');
    assert.equal(kindOf(page.state), 'measuring');
    assert.equal(page.shown?.profile.sampleCount, 7);
  });

  it('stops when it is cancelled, and offers again on the next visit', async () => {
    const page = new PlayedPage();
    await page.visit('fc1[0]');
    page.measurer.measure('fc1[0]');
    await settled();
    page.measurer.cancel('fc1[0]');
    assert.deepEqual(page.state, { kind: 'cancelled', estimate: null });
    assert.equal(page.asked[0]?.listener.signal.aborted, true);
    await settled();
    assert.deepEqual(page.state, { kind: 'cancelled', estimate: null });
    await page.visit('fc1[1]');
    await page.visit('fc1[0]');
    assert.equal(kindOf(page.state), 'offered');
  });

  it('drops what waits when that is cancelled', async () => {
    const page = new PlayedPage();
    await page.visit('fc1[0]');
    page.measurer.measure('fc1[0]');
    await page.visit('fc1[1]');
    page.measurer.measure('fc1[1]');
    page.measurer.cancel('fc1[1]');
    page.asked[0]?.finish(unitProfile());
    await settled();
    assert.deepEqual(page.addressesAsked(), ['fc1[0]']);
    assert.equal(kindOf(page.state), 'cancelled');
  });

  it('says what failed and what to do, and measures again when asked', async () => {
    const page = new PlayedPage();
    await page.visit('fc1[0]');
    page.measurer.measure('fc1[0]');
    await settled();
    page.asked[0]?.fail(new UserError('bad-data', 'The data have 3 columns, the model takes 4.'));
    await settled();
    assert.deepEqual(page.state, {
      kind: 'failed',
      message: 'The data have 3 columns, the model takes 4.',
      remedies: ['choose-data', 'try-again'],
    });
    page.measurer.measure('fc1[0]');
    await settled();
    page.asked[1]?.fail(new UserError('engine-lost', 'The engine ended.', { kind: 'environment' }));
    await settled();
    assert.deepEqual(page.state, {
      kind: 'failed',
      message: 'The engine ended.',
      remedies: ['try-again', 'show-log'],
    });
  });

  it('logs our own bugs and offers the log', async () => {
    const page = new PlayedPage();
    await page.visit('fc1[0]');
    page.measurer.measure('fc1[0]');
    await settled();
    page.asked[0]?.fail(new TypeError('x is undefined'));
    await settled();
    assert.equal(page.state?.kind === 'failed' && page.state.remedies.includes('show-log'), true);
    assert.match(page.warnings.join(), /x is undefined/);
  });

  it('forgets a failure when other data are chosen', async () => {
    const page = new PlayedPage();
    await page.visit('fc1[0]');
    page.measurer.measure('fc1[0]');
    await settled();
    page.asked[0]?.fail(new UserError('bad-data', 'No.'));
    await settled();
    page.conditions = { ...page.conditions, dataPath: '/data/other.npz' };
    await page.measurer.refresh();
    assert.equal(page.offered().dataName, 'other.npz');
  });

  it('shows a profile that could not be kept, and logs why', async () => {
    const page = new PlayedPage();
    page.saveError = new Error('No space left on device.');
    await page.visit('fc1[0]');
    page.measurer.measure('fc1[0]');
    await settled();
    page.asked[0]?.finish(unitProfile());
    await settled();
    assert.deepEqual(page.state, { kind: 'done' });
    assert.match(page.warnings.join(), /No space left/);
  });

  it('ends what runs long when the page closes, and shows nothing any more', async () => {
    const page = new PlayedPage();
    await page.visit('fc1[0]');
    page.measurer.measure('fc1[0]');
    await settled();
    page.measurer.dispose();
    page.states.length = 0;
    assert.equal(page.asked[0]?.listener.signal.aborted, true);
    await settled();
    assert.deepEqual(page.states, []);
  });

  it('lets a quick one finish and keeps it when the page closes', async () => {
    const page = new PlayedPage();
    page.timing = timing(100);
    await page.visit('fc1[0]');
    page.measurer.dispose();
    assert.equal(page.asked[0]?.listener.signal.aborted, false);
    page.asked[0].finish(unitProfile());
    await settled();
    assert.equal(page.stored.size, 1);
  });

  it('looks nothing up again when only the engine became busy', async () => {
    const page = new PlayedPage();
    await page.visit('fc1[0]');
    page.states.length = 0;
    await page.measurer.refresh();
    assert.deepEqual(page.states.map(kindOf), ['offered']);
  });
});

function timing(durationMs: number): ProfileTiming {
  return { address: 'fc1[9]', durationMs, sampleCount: 10, sampleTotal: 10 };
}

function kindOf(state: MeasurementState | undefined): string | undefined {
  return state?.kind;
}
