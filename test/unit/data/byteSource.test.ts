import assert from 'node:assert/strict';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileSource, partOf } from '../../../src/data/byteSource.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

describe('fileSource', () => {
  const folder = useTemporaryFolder();
  const bytes = Uint8Array.from({ length: 3 << 20 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

  function plant(): string {
    const path = join(folder(), 'bytes');
    writeFileSync(path, bytes);
    return path;
  }

  it('gives the same bytes in order, backwards and across windows', async () => {
    const source = partOf(await fileSource(plant()), 'part', { offset: 5, sizeBytes: bytes.length - 5 });
    const reader = await source.open();
    const places = [0, 100, (1 << 20) - 3, 1 << 20, 2_500_000, 17, bytes.length - 5 - 64];
    for (const place of places) {
      const expected = bytes.subarray(5 + place, 5 + place + 64);
      assert.deepEqual([...(await reader.read(place, 64))], [...expected], String(place));
    }
    await reader.close();
  });

  it('says so when the file became shorter meanwhile', async () => {
    const path = plant();
    const reader = await (await fileSource(path)).open();
    truncateSync(path, 1000);
    await assert.rejects(reader.read(900, 200), {
      code: 'data-changed',
      kind: 'environment',
      message: /bytes became shorter/,
    });
    await reader.close();
  });
});
