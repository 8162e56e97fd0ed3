import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeNpz } from '../../../src/data/npz.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { convertToOpset17 } from '../../../src/onnx/opsets/convert.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { rowsOf } from '../../support/memoryDataset.js';
import { openOracle, oracleFixturesDir, readQuirks } from '../../support/oracle.js';
import { itHolds } from '../../support/papers.js';
import { itWithShared, rootDir } from '../../support/paths.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { rowSums } from '../../support/tensors.js';
import { assertKeys } from './assertKeys.js';
import { type CoveredKey, coveredKeys, otherKeys } from './attributionKeys.js';

const networks = ['mlp', 'lenet'] as const;

describe('attribution against Captum', function () {
  this.timeout(60_000);
  let dir = '';
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'ni-attribution-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  /** Keys of the committed part whose method is one of these, by network. */
  const committedBy = (methods: RegExp): [(typeof networks)[number], CoveredKey][] =>
    networks.flatMap((network) => {
      const committed = openOracle(oracleFixturesDir, network);
      return coveredKeys[network]
        .filter(({ key, settings }) => committed.has(key) && methods.test(String(settings['method'])))
        .map((covered): [typeof network, CoveredKey] => [network, covered]);
    });
  const reproduces = (network: (typeof networks)[number], covered: CoveredKey): Promise<void> =>
    assertKeys(openOracle(oracleFixturesDir, network), [covered], dir);

  for (const [network, covered] of committedBy(/^deeplift-/)) {
    itHolds([61, 135], `reproduces ${covered.key} (DeepLIFT) of the committed ${network}`, () =>
      reproduces(network, covered),
    );
  }
  for (const [network, covered] of committedBy(/^lrp-/)) {
    itHolds(77, `reproduces ${covered.key} (LRP) of the committed ${network}`, () =>
      reproduces(network, covered),
    );
  }
  for (const [network, covered] of committedBy(/^(guided-backprop|deconvnet)$/)) {
    itHolds(93, `reproduces ${covered.key} (rules of rectifiers) of the committed ${network}`, () =>
      reproduces(network, covered),
    );
  }
  for (const [network, covered] of committedBy(/^(shapley|kernel)-/)) {
    itHolds(91, `reproduces ${covered.key} (Shapley values) of the committed ${network}`, () =>
      reproduces(network, covered),
    );
  }
  for (const [network, covered] of committedBy(
    /^(?!deeplift-|lrp-|guided-backprop$|deconvnet$|shapley-|kernel-)/,
  )) {
    it(`reproduces ${covered.key} of the committed ${network}`, () => reproduces(network, covered));
  }

  for (const network of networks) {
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

  itWithShared('adds DeepLIFT up to the same sums where windows of max pooling tie', async (shared) => {
    const oracle = openOracle(join(shared, 'oracle'), 'lenet');
    const model = convertToOpset17(await readModel(oracle.modelPath));
    const x = oracle.tensor('x');
    const baselines = oracle.tensor('baselines8');
    const [one, all] = ['one.npz', 'all.npz'].map((name) => join(dir, name));
    await writeNpz(one!, { x: rowsOf(baselines, 0, x.dims[0]!) });
    await writeNpz(all!, { x: baselines });
    const runs = {
      deeplift_each: { method: 'deeplift-rescale' },
      deeplift_baseline_img_each: { method: 'deeplift-rescale', baseline: one },
      deepliftshap8_each: { method: 'deeplift-shap', background: all },
    };
    for (const [key, settings] of Object.entries(runs)) {
      const draft = await runAttribution(model, { x }, settings);
      const [ours, theirs] = [arrayOf(draft, 'attribution'), oracle.tensor(key)].map(rowSums);
      const expected = toFloat64(theirs!);
      for (const [row, sum] of toFloat64(ours!).entries()) {
        // Sums of 784 float32 scores; both are f(x) − f(b), some 10 in size.
        assert.ok(Math.abs(sum - expected[row]!) < 1e-4, `${key} ${row}: ${sum}, ${expected[row]!}`);
      }
    }
  });

  itWithShared('names every quirk of the reference in the docs', (shared) => {
    const page = readFileSync(join(rootDir, 'docs', 'attribution.md'), 'utf8');
    const lines = page.slice(page.indexOf('## Keys that are not matched')).split('\n');
    for (const [network, quirks] of Object.entries(readQuirks(join(shared, 'oracle')))) {
      const patterns = lines
        .filter((line) => line.startsWith(`| ${network} |`))
        .flatMap((line) => [...line.split('|')[2]!.matchAll(/`([^`]+)`/g)].map(([, key = '']) => key))
        .map((key) => new RegExp(`^${key.replaceAll('.', '\\.').replaceAll('*', '.*')}$`));
      const unnamed = Object.keys(quirks).filter((key) => !patterns.some((pattern) => pattern.test(key)));
      assert.deepEqual(unnamed, [], network);
    }
  });
});
