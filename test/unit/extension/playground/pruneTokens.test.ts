import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pruneTokens } from '../../../../src/extension/panels/playground/pruneTokens.js';
import { useTemporaryFolder } from '../../../support/temporaryFolder.js';

describe('tokens written for questions of a playground', () => {
  const folder = useTemporaryFolder();

  it('go when no result rests on them, a day after they were written', async () => {
    const now = new Date('2026-01-10T12:00:00Z');
    const write = (name: string, ageHours: number): string => {
      const dir = join(folder(), name);
      mkdirSync(dir);
      const file = join(dir, 'tokens.inspect.json');
      writeFileSync(file, '{}');
      const at = new Date(now.getTime() - ageHours * 3_600_000);
      utimesSync(file, at, at);
      return file;
    };
    const named = write('named', 1000);
    write('old', 25);
    write('new', 23);
    await pruneTokens(folder(), { isNamed: (path) => path === named, now });
    assert.deepEqual(readdirSync(folder()).sort(), ['named', 'new']);
    await pruneTokens(join(folder(), 'nowhere'), { isNamed: () => false, now });
  });
});
