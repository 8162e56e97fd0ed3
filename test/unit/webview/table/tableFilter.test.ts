import assert from 'node:assert/strict';
import type { TableBlock } from '../../../../src/protocol/blocks.js';
import { filterRows, parseFilter, searchTexts } from '../../../../webview/components/table/tableFilter.js';

const columns: TableBlock['columns'] = [
  { key: 'neuron', label: 'Neuron', kind: 'address' },
  { key: 'share', label: 'Share', kind: 'number' },
  { key: 'deadShare', label: 'Dead share', kind: 'percent' },
  { key: 'fx', label: 'f(x) [V]', kind: 'number' },
  { key: 'nonZero', label: 'Non-zero', kind: 'bar' },
];
const rows = [
  { neuron: 'fc1[0]', share: 5, deadShare: 0.5, fx: -1, nonZero: 0 },
  { neuron: 'FC2[0]', share: 0.1, deadShare: 0.25, fx: 1e-3, nonZero: 1 },
  { neuron: 'conv', share: null, deadShare: 'NaN' as const, fx: 'Infinity' as const, nonZero: 0.5 },
];

describe('the filter of tables', () => {
  const found = (text: string): number[] => {
    const table = { columns, rows };
    return filterRows(table, parseFilter(text, columns), searchTexts(table));
  };

  it('lets everything through when it is empty', () => {
    assert.deepEqual(found('  '), [0, 1, 2]);
  });

  it('finds words in any case and any place, all of them', () => {
    assert.deepEqual(found('fc'), [0, 1]);
    assert.deepEqual(found('fc 2'), [1]);
    assert.deepEqual(found('fc conv'), []);
  });

  it('compares the column whose whole label or key was written', () => {
    assert.deepEqual(found('dead share > 30'), [0]);
    assert.deepEqual(found('share > 3'), [0]);
    assert.deepEqual(found('deadshare<=0.25'), [1]);
    assert.deepEqual(found('f(x) [V] = 0.001'), [1]);
    assert.deepEqual(found('non-zero>=50%'), [1, 2]);
  });

  it('reads shares as written: 0.3, 30 and 30 % are the same', () => {
    for (const text of ['dead share>0.3', 'dead share > 30', 'dead share > 30 %']) {
      assert.deepEqual(found(text), [0], text);
    }
  });

  it('combines words and comparisons, and understands signs and exponents', () => {
    assert.deepEqual(found('fc f(x) [V] > -2e0 share<1'), [1]);
  });

  it('lets no row through by a number that was not captured; infinity is larger than any', () => {
    assert.deepEqual(found('share < 100'), [0, 1]);
    assert.deepEqual(found('dead share >= 0'), [0, 1]);
    assert.deepEqual(found('fx > 1e300'), [2]);
  });

  it('takes a comparison of no column as words', () => {
    assert.deepEqual(found('median > 3'), []);
  });
});
