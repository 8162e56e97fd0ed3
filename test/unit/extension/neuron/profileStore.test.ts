import assert from 'node:assert/strict';
import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ProfileKey,
  ProfileStore,
  type StoredProfile,
} from '../../../../src/extension/panels/neuron/profileStore.js';
import { useTemporaryFolder } from '../../../support/temporaryFolder.js';
import { unitProfile } from '../../../support/unitProfile.js';

const key: ProfileKey = { modelPath: '/models/a.onnx', dataPath: '/data/test', address: 'fc1[3]' };

describe('the store of measured neurons', () => {
  const folder = useTemporaryFolder();

  it('gives back what it was given, numbers that are none included', async () => {
    const stored = storedProfile({ maximum: 'Infinity', mean: 'NaN' });
    await new ProfileStore(folder()).save(key, stored);
    assert.deepEqual(await new ProfileStore(folder()).load(key), stored);
  });

  it('keeps neurons, data sets and models apart', async () => {
    const store = new ProfileStore(folder());
    await store.save(key, storedProfile());
    assert.equal(await store.load({ ...key, address: 'fc1[4]' }), undefined);
    assert.equal(await store.load({ ...key, dataPath: '/data/train' }), undefined);
    assert.equal(await store.load({ ...key, modelPath: '/models/b.onnx' }), undefined);
  });

  it('tells how long the last measurement on some data took', async () => {
    const store = new ProfileStore(folder());
    assert.equal(await store.timing(key), undefined);
    await store.save(key, storedProfile({ durationMs: 900 }));
    await store.save({ ...key, address: 'fc1[4]' }, storedProfile({ durationMs: 700, sampleTotal: 50 }));
    assert.deepEqual(await store.timing(key), {
      address: 'fc1[4]',
      durationMs: 700,
      sampleCount: 10,
      sampleTotal: 50,
    });
  });

  it('takes a damaged file for none, and writes over it', async () => {
    const store = new ProfileStore(folder());
    await store.save(key, storedProfile());
    for (const damage of ['{"version":1,', '[]', '{"version":99,"address":"fc1[3]","stored":{}}']) {
      await writeFile(await onlyProfile(folder()), damage);
      assert.equal(await store.load(key), undefined);
    }
    await store.save(key, storedProfile());
    assert.notEqual(await store.load(key), undefined);
  });

  it('lets go of what was not looked at for longest when there are too many', async () => {
    const store = new ProfileStore(folder(), { fileCount: 3, sizeBytes: 1e9 });
    const unit = (index: number): ProfileKey => ({ ...key, address: `fc1[${index}]` });
    for (const index of [0, 1, 2]) {
      await store.save(unit(index), storedProfile());
      await age(folder());
    }
    // Looked at: now the newest.
    await store.load(unit(0));
    await store.save(unit(3), storedProfile());
    const kept = await Promise.all([0, 1, 2, 3].map((index) => store.load(unit(index))));
    assert.deepEqual(
      kept.map((one) => one !== undefined),
      [true, false, true, true],
    );
  });

  it('lets go of some when they take too much of the disk', async () => {
    const text = 'x'.repeat(6000);
    const store = new ProfileStore(folder(), { fileCount: 100, sizeBytes: 15_000 });
    for (const index of [0, 1, 2]) {
      await store.save({ ...key, address: `fc1[${index}]` }, storedProfile({ warnings: [text] }));
    }
    assert.equal((await profileFiles(folder())).length, 2);
  });

  it('rejects where it cannot write', async () => {
    const file = join(folder(), 'a file');
    await writeFile(file, '');
    await assert.rejects(new ProfileStore(file).save(key, storedProfile()), /ENOTDIR|EEXIST|ENOENT/);
  });
});

function storedProfile(given: Parameters<typeof unitProfile>[0] = {}): StoredProfile {
  return {
    profile: unitProfile(given),
    createdAt: '2026-01-02T03:04:05.000Z',
    modelStamp: { sizeBytes: 7, modifiedMs: 1 },
    dataStamp: 'stamp',
    settings: 'settings',
  };
}

async function profileFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith('.json') && !name.endsWith('timing.json'));
}

async function onlyProfile(folder: string): Promise<string> {
  const [name, ...others] = await profileFiles(folder);
  assert.deepEqual(others, []);
  return join(folder, name ?? '');
}

/** Makes everything that was written so far a minute older, as file systems keep times coarsely. */
async function age(folder: string): Promise<void> {
  for (const name of await profileFiles(folder)) {
    const path = join(folder, name);
    const before = new Date((await stat(path)).mtimeMs - 60_000);
    await utimes(path, before, before);
  }
}
