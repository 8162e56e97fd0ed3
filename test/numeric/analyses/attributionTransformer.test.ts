import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeNpz } from '../../../src/data/npz.js';
import { loadTensor } from '../../../src/onnx/loadTensor.js';
import type { Model } from '../../../src/onnx/model.js';
import { readModel } from '../../../src/onnx/readModel.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { maxDifference, openOracle, readQuirks } from '../../support/oracle.js';
import { itWithShared } from '../../support/paths.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { assertKeys } from './assertKeys.js';
import { assertNoiseKeys } from './assertNoiseKeys.js';
import {
  otherTransformerKeys,
  overEmbedding,
  transformerKeys,
  transformerNoiseKeys,
} from './transformerKeys.js';

describe('attribution of a transformer against Captum', () => {
  let dir = '';
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'ni-attribution-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  for (const opset of [13, 17]) {
    itWithShared(`reproduces every covered key at opset ${opset}`, async (shared) => {
      const folder = join(shared, 'oracle');
      const modelPath = join(folder, `transformer_emb_op${opset}.onnx`);
      await assertKeys({ ...openOracle(folder, 'transformer'), modelPath }, transformerKeys, dir);
    });
  }

  itWithShared('integrates over the embedding, from that of token 0', async (shared) => {
    const folder = join(shared, 'oracle');
    const oracle = openOracle(folder, 'transformer');
    const model = await readModel(join(folder, 'transformer_tok_op17.onnx'));
    const baseline = join(dir, 'token0.npz');
    await writeNpz(baseline, { ids: await repeatedRow(model, 12) });
    const settings = { method: 'integrated-gradients', target: 'argmax', baseline };
    const draft = await runAttribution(model, { ids: oracle.tensor('ids') }, settings);
    for (const [key, array] of Object.entries(overEmbedding)) {
      const difference = maxDifference(arrayOf(draft, array), oracle.tensor(key));
      assert.ok(difference <= oracle.tolerance(key), `${key}: ${difference}`);
    }
  });

  itWithShared('smooths gradients with the stored noise', async (shared) => {
    const folder = join(shared, 'oracle');
    const oracle = openOracle(folder, 'transformer');
    const modelPath = join(folder, 'transformer_emb_op17.onnx');
    await assertNoiseKeys({ ...oracle, modelPath }, oracle.tensor('noise8'), transformerNoiseKeys);
  });

  itWithShared('leaves no key out without a reason', (shared) => {
    const quirks = readQuirks(join(shared, 'oracle'))['transformer'] ?? {};
    const covered = new Set([
      ...[...transformerKeys, ...transformerNoiseKeys].map(({ key }) => key),
      ...Object.keys(overEmbedding),
    ]);
    const { keys } = openOracle(join(shared, 'oracle'), 'transformer');
    const isExplained = (key: string): boolean => otherTransformerKeys.some(([pattern]) => pattern.test(key));
    assert.deepEqual(
      keys.filter((key) => !covered.has(key) && !(key in quirks) && !isExplained(key)),
      [],
    );
    assert.deepEqual(
      [...covered].filter((key) => key in quirks || !keys.includes(key)),
      [],
    );
  });
});

/** Row 0 of the table that the model's token numbers look up, `count` times: [1, count, w]. */
async function repeatedRow({ graph }: Model, count: number): Promise<TensorValue> {
  const lookUp = graph.nodes.find(({ opType, inputs }) => opType === 'Gather' && inputs[1] === 'ids');
  const table = graph.initializers.get(lookUp?.inputs[0] ?? '');
  assert.ok(table);
  const width = table.dims[1]!;
  const row = [...toFloat64(await loadTensor(table)).subarray(0, width)];
  return float32Tensor(Array.from({ length: count }, () => row).flat(), [1, count, width]);
}
