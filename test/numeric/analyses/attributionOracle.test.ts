import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOracle, oracleFixturesDir, readQuirks } from '../../support/oracle.js';
import { itHolds } from '../../support/papers.js';
import { itWithShared } from '../../support/paths.js';
import { assertKeys } from './assertKeys.js';
import { coveredKeys, otherKeys } from './attributionKeys.js';

const networks = ['mlp', 'lenet'] as const;

describe('attribution against Captum', function () {
  this.timeout(60_000);
  let dir = '';
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'ni-attribution-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  for (const network of networks) {
    const committed = openOracle(oracleFixturesDir, network);
    for (const covered of coveredKeys[network].filter(({ key }) => committed.has(key))) {
      itHolds([61, 77, 93], `reproduces ${covered.key} of the committed ${network}`, async () => {
        await assertKeys(committed, [covered], dir);
      });
    }

    itWithShared(`reproduces every covered key of ${network}`, async (shared) => {
      await assertKeys(openOracle(join(shared, 'oracle'), network), coveredKeys[network], dir);
    });

    itWithShared(`leaves no key of ${network} out without a reason`, (shared) => {
      const quirks = readQuirks(join(shared, 'oracle'))[network] ?? {};
      const covered = new Set(coveredKeys[network].map(({ key }) => key));
      const unexplained = openOracle(join(shared, 'oracle'), network).keys.filter(
        (key) => !covered.has(key) && !(key in quirks) && !otherKeys.some(([pattern]) => pattern.test(key)),
      );
      assert.deepEqual(unexplained, []);
      assert.deepEqual(
        [...covered].filter((key) => key in quirks),
        [],
      );
    });
  }
});
