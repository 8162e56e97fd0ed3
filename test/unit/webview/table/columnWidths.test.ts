import assert from 'node:assert/strict';
import type { TableBlock } from '../../../../src/protocol/blocks.js';
import { columnTracks } from '../../../../webview/components/table/columnWidths.js';

/** Ten pixels a character, headers twice as wide. */
const measure = (text: string, part: string): number => text.length * (part === 'header' ? 20 : 10);

describe('the columns of a table', () => {
  const columns: TableBlock['columns'] = [
    { key: 'name', label: 'N', kind: 'text' },
    { key: 'value', label: 'Value', kind: 'number' },
  ];

  it('are as wide as their widest cell or header, numbers never narrower', () => {
    const rows = [{ name: 'twelve chars', value: 1 }];
    // 12 × 10 + 22 of padding; 5 × 20 + 16 for the arrow + 22.
    assert.equal(columnTracks({ columns, rows }, measure), 'minmax(142px, 142px) 138px');
  });

  it('cut very long names and know the widest of many rows', () => {
    const rows = Array.from({ length: 100_000 }, (_, index) => ({ name: 'x', value: index }));
    rows[250] = { name: 'x'.repeat(500), value: 0 };
    // Every 250th row is looked at.
    assert.equal(columnTracks({ columns, rows }, measure).split(') ')[0], 'minmax(160px, 720px');
  });
});
