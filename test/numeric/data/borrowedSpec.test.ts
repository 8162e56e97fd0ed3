import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePng } from '../../../src/base/png.js';
import { openDataset } from '../../../src/data/openDataset.js';
import type { DataSpec } from '../../../src/protocol/inspectFile.js';
import { dataModel, readAll } from '../../support/dataModel.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { isCode } from '../../support/tensors.js';

describe('data that an inspect file of other data describes', () => {
  const folder = useTemporaryFolder();

  function described(data: DataSpec): string {
    const path = join(folder(), 'model.inspect.json');
    writeFileSync(path, JSON.stringify({ version: 1, data }));
    return path;
  }

  /** A 2 × 1 picture of the levels 51 and 204. */
  function picture(): string {
    const path = join(folder(), 'mine.png');
    writeFileSync(path, encodePng(2, 1, Uint8Array.from([51, 204]), 1));
    return path;
  }

  async function valuesOf(
    path: string,
    describedBy: string,
  ): Promise<{ values: number[]; names: readonly string[] | undefined; warnings: readonly string[] }> {
    const data = await openDataset(path, dataModel({ x: ['N', 1, 1, 2] }), describedBy);
    const [batch] = await readAll(data, { batchSize: 1 });
    return { values: [...batch!.feeds['x']!.values], names: data.labelNames, warnings: data.warnings };
  }

  it('is scaled and named as it says, wherever its own samples come from', async () => {
    const inspect = described({
      path: 'test-images-idx3-ubyte.gz',
      kind: 'idx',
      inputs: { x: { layout: 'NCHW', from: 'images', scale: 1 / 255, mean: 0.5, std: 0.5 } },
      labels: { from: 'test-labels-idx1-ubyte.gz', names: ['cat', 'dog'] },
    });
    const { values, names } = await valuesOf(picture(), inspect);
    for (const [i, expected] of [(51 / 255 - 0.5) / 0.5, (204 / 255 - 0.5) / 0.5].entries()) {
      assert.ok(Math.abs(values[i]! - expected) < 1e-6);
    }
    assert.deepEqual(names, ['cat', 'dog']);
  });

  it('brings levels to 0–1 first where mean and deviation are of that range, and says so', async () => {
    const inspect = described({ path: 'a.npz', inputs: { x: { layout: 'NCHW', mean: 0.5, std: 0.25 } } });
    const { values, warnings } = await valuesOf(picture(), inspect);
    assert.ok(Math.abs(values[0]! - (0.2 - 0.5) / 0.25) < 1e-6);
    assert.ok(warnings.some((text) => text.includes('divided by 255')));
    const levels = described({ path: 'a.npz', inputs: { x: { layout: 'NCHW', mean: 100, std: 50 } } });
    assert.ok(Math.abs((await valuesOf(picture(), levels)).values[0]! - (51 - 100) / 50) < 1e-6);
  });

  it('keeps columns and labels of a table that is cut like its own', async () => {
    const path = join(folder(), 'mine.csv');
    writeFileSync(path, 'kind,b,a\nq,1,2\np,3,4\n');
    const inspect = described({
      path: 'train.csv',
      inputs: { x: { layout: 'NC', from: { columns: ['a', 'b'] } } },
      labels: { from: 'kind', names: ['p', 'q'] },
    });
    const data = await openDataset(path, dataModel({ x: ['N', 2] }), inspect);
    const [batch] = await readAll(data, { batchSize: 2 });
    assert.deepEqual([...batch!.feeds['x']!.values], [2, 1, 4, 3]);
    assert.deepEqual([...batch!.labels!], [1, 0]);
    assert.deepEqual(data.columnNames, { x: ['a', 'b'] });
  });

  it('is refused where nothing or two things describe it', async () => {
    const empty = join(folder(), 'empty.inspect.json');
    writeFileSync(empty, JSON.stringify({ version: 1 }));
    await assert.rejects(valuesOf(picture(), empty), isCode('inspect-file-invalid'));
    const inspect = described({ path: 'mine.png', inputs: { x: { layout: 'NCHW' } } });
    await assert.rejects(valuesOf(inspect, inspect), isCode('inspect-file-invalid'));
  });

  it('finds a few rows in a file that is read in order, without keeping the others', async () => {
    const path = join(folder(), 'rows.csv');
    writeFileSync(path, Array.from({ length: 500 }, (_, i) => `${i},${i * i}`).join('\n'));
    const data = await openDataset(path, dataModel({ x: ['N', 2] }));
    const [batch] = await readAll(data, { batchSize: 8, order: Uint32Array.from([400, 3, 400]) });
    assert.deepEqual([...batch!.feeds['x']!.values], [400, 160_000, 3, 9, 400, 160_000]);
    assert.deepEqual(batch!.ids, ['row 401', 'row 4', 'row 401']);
  });
});
