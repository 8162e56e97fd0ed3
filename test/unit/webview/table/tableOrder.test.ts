import assert from 'node:assert/strict';
import type { TableBlock } from '../../../../src/protocol/blocks.js';
import { countStates, nextSort, orderRows } from '../../../../webview/components/table/tableOrder.js';
import { searchTexts } from '../../../../webview/components/table/tableFilter.js';

const columns: TableBlock['columns'] = [
  { key: 'name', label: 'Name', kind: 'text' },
  { key: 'value', label: 'Value', kind: 'number' },
  { key: 'state', label: 'State', kind: 'state' },
];
const rows: TableBlock['rows'] = [
  { name: 'b', value: 2, state: 'dead' },
  { name: 'a', value: '-Infinity', state: 'active' },
  { name: 'a', value: 'NaN', state: 'dead' },
  { name: 'c', value: 10, state: 'rare' },
];
const table = { columns, rows };

describe('the order of a table', () => {
  const order = (state: Parameters<typeof orderRows>[1]): readonly number[] =>
    orderRows(table, state, searchTexts(table));

  it('is that of the report until a person asks for another', () => {
    assert.deepEqual(order({}), [0, 1, 2, 3]);
  });

  it('takes infinities as numbers and puts NaN last either way', () => {
    assert.deepEqual(order({ sort: { key: 'value', direction: 'descending' } }), [3, 0, 1, 2]);
    assert.deepEqual(order({ sort: { key: 'value', direction: 'ascending' } }), [1, 0, 3, 2]);
  });

  it('keeps the order of equal rows', () => {
    assert.deepEqual(order({ sort: { key: 'name', direction: 'ascending' } }), [1, 2, 0, 3]);
  });

  it('holds the rows of the picked state that the filter lets through', () => {
    assert.deepEqual(order({ pick: 'dead' }), [0, 2]);
    assert.deepEqual(order({ pick: 'dead', filter: 'value > 0' }), [0]);
  });

  it('forgets the sort by a column that a new table lacks', () => {
    assert.deepEqual(order({ sort: { key: 'gone', direction: 'ascending' } }), [0, 1, 2, 3]);
  });
});

describe('the sort that a click leads to', () => {
  const [name, value] = columns;

  it('begins with the largest number or the first letter, turns, and ends', () => {
    const first = nextSort(undefined, value!);
    assert.deepEqual(first, { key: 'value', direction: 'descending' });
    const second = nextSort(first, value!);
    assert.deepEqual(second, { key: 'value', direction: 'ascending' });
    assert.equal(nextSort(second, value!), undefined);
    assert.deepEqual(nextSort(second, name!), { key: 'name', direction: 'ascending' });
  });
});

describe('the states of a table', () => {
  it('are counted, the most frequent first', () => {
    assert.deepEqual(countStates(rows, columns[2]!), [
      ['dead', 2],
      ['active', 1],
      ['rare', 1],
    ]);
  });
});
