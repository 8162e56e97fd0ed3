import assert from 'node:assert/strict';
import { makeReport } from '../../support/makeReport.js';
import { createPaint, crop, safeText, wrap } from '../../../src/cli/paint.js';
import { progressLine } from '../../../src/cli/progressBar.js';
import { renderReport } from '../../../src/cli/renderReport.js';
import { renderTable } from '../../../src/cli/renderTable.js';
import {
  formatBytes,
  formatCell,
  formatDuration,
  formatEvidence,
  formatNumber,
  type NumberFormat,
} from '../../../src/protocol/formatReport.js';
import { reportWithEveryBlock } from '../../support/everyBlock.js';

const plain = createPaint(false);

describe('the text of a report', () => {
  const text = renderReport(reportWithEveryBlock(), { width: 80, paint: plain });

  it('says what was found, on what evidence, and what to do', () => {
    for (const part of [
      'Dead neurons · tiny',
      '12 of 64 units never fire on 100 samples.',
      '! The scale looks wrong. Divide by 255.',
      /Dead share +18\.8 % +measured on all 100 samples/,
      /Mean sparsity +NaN/,
      /error +fc1\[3\] is dead\./,
      '→ Lower the learning rate.',
      '… 2 more rows',
      'A hologram of the loss',
      'partial · 100 samples (NPZ) · cpu · batch 16 · seed 0 · 1.5 s',
    ]) {
      assert(typeof part === 'string' ? text.includes(part) : part.test(text), String(part));
    }
  });

  it('obeys no escape sequence of a model and has no colours when they are off', () => {
    assert(!text.includes('\u001b'));
    const coloured = renderReport(reportWithEveryBlock(), { width: 80, paint: createPaint(true) });
    const others = coloured.replace(/\u001b\[(1|2|22|31|32|33|36|39)m/g, '');
    assert(!others.includes('\u001b'));
    assert.equal(others, text);
  });

  it('names what has no value in one line', () => {
    const missing = { kind: 'not-captured' as const, how: 'gradient has no such figure' };
    const report = makeReport({
      metrics: { output: 2 },
      evidence: { output: { kind: 'measured', n: 3 }, fidelity: missing, maxStandardError: missing },
    });
    const lines = renderReport(report, { width: 80, paint: plain }).split('\n');
    assert(lines.includes('not captured: Fidelity, Max standard error'), lines.join('\n'));
    assert(lines.includes('Output  2  measured on 3 of 100 samples'));
    assert(!lines.some((line) => line.includes('no such figure')));
  });

  it('keeps prose within the width', () => {
    const narrow = renderReport(reportWithEveryBlock(), { width: 40, paint: plain });
    const prose = narrow.split('\n').filter((line) => / {6}→|^!|^Also/.test(line));
    for (const line of prose) assert(line.length <= 48, line);
  });
});

describe('a table in a terminal', () => {
  const columns = [
    { key: 'a', label: 'A', kind: 'text' as const },
    { key: 'b', label: 'Count', kind: 'count' as const },
    { key: 'c', label: 'Last', kind: 'text' as const },
  ];
  const rows = Array.from({ length: 5 }, (_, i) => ({ a: `row ${i}`, b: i * 1000, c: 'x'.repeat(10) }));

  it('aligns numbers at the right and cuts rows', () => {
    assert.deepEqual(renderTable({ columns, rows }, { width: 80, maxRows: 2, paint: plain }), [
      'A      Count  Last',
      'row 0      0  xxxxxxxxxx',
      'row 1  1,000  xxxxxxxxxx',
      '… 3 more rows',
    ]);
  });

  it('leaves out the columns that do not fit and names them', () => {
    const lines = renderTable({ columns, rows }, { width: 16, maxRows: 9, paint: plain });
    assert.equal(lines[0], 'A      Count');
    assert.equal(lines.at(-1), '… not shown: Last');
  });
});

describe('numbers as people read them', () => {
  const numbers: [number | 'NaN' | 'Infinity' | '-Infinity', NumberFormat, string][] = [
    [0, 'number', '0'],
    [1234567, 'count', '1,234,567'],
    [0.123456, 'number', '0.123'],
    [12345.678, 'number', '12,345.7'],
    [1.5e300, 'number', '1.50e+300'],
    [2e15, 'count', '2.00e+15'],
    [999_999_999_999_999, 'number', '999,999,999,999,999'],
    [0.00001234, 'number', '1.23e-5'],
    [0.3, 'percent', '30.0 %'],
    [0.00123, 'percent', '0.12 %'],
    [1, 'percent', '100.0 %'],
    [0, 'percent', '0.0 %'],
    [6.53e-10, 'percent', '< 0.01 %'],
    [-6.53e-10, 'percent', '> −0.01 %'],
    [-0.0213, 'points', '−2.1 points'],
    ['NaN', 'percent', 'NaN'],
    ['Infinity', 'number', '∞'],
    ['-Infinity', 'count', '−∞'],
  ];
  for (const [value, format, expected] of numbers) {
    it(`${value} as ${format} is ${expected}`, () => {
      assert.equal(formatNumber(value, format), expected);
    });
  }

  it('cells that were not captured are a dash, never zero', () => {
    const column = { key: 'x', label: 'x', kind: 'number' as const };
    assert.equal(formatCell(null, column), '–');
    assert.equal(formatCell(undefined, column), '–');
    assert.equal(formatCell('NaN', column), 'NaN');
  });

  it('cells that were formatted already are shown as they are', () => {
    const column = { key: 'x', label: 'x', kind: 'number' as const };
    for (const text of ['138', '4,000', '12.5 %', '−8']) assert.equal(formatCell(text, column), text);
  });

  it('evidence, durations and sizes', () => {
    assert.equal(formatEvidence({ kind: 'measured', n: 1000 }), 'measured on all 1,000 samples');
    assert.equal(formatEvidence({ kind: 'not-captured', how: 'no labels' }), 'not captured: no labels');
    assert.equal(formatEvidence({ kind: 'estimated', how: 'sketch' }), 'estimated: sketch');
    assert.equal(formatDuration(999), '999 ms');
    assert.equal(formatDuration(61_000), '1 min 1 s');
    assert.equal(formatDuration(119_900), '2 min 0 s');
    assert.equal(formatDuration(3_600_000), '1 h 0 min');
    assert.equal(formatBytes(1_900_000_000), '1.9 GB');
    assert.equal(formatBytes(12), '12 bytes');
  });
});

describe('small text helpers', () => {
  it('wraps at spaces and keeps long words whole', () => {
    assert.deepEqual(wrap('one two three', 7), ['one two', 'three']);
    assert.deepEqual(wrap('incomprehensible x', 5), ['incomprehensible', 'x']);
    assert.deepEqual(wrap('', 5), ['']);
  });

  it('crops with an ellipsis', () => {
    assert.equal(crop('abcdef', 4), 'abc…');
    assert.equal(crop('abcd', 4), 'abcd');
  });

  it('makes control characters and direction marks visible', () => {
    assert.equal(safeText('a\u001b[2Jb\u202ec\r'), 'a�[2Jb�c�');
    assert.equal(safeText('tab\tnew\nline'), 'tab\tnew\nline');
  });

  it('estimates the time left once it can', () => {
    assert.match(
      progressLine({ fractionDone: 0.5, message: 'm', elapsedMs: 4000 }),
      /█{12}░{12}  50 % · 4\.0 s left · m/,
    );
    assert(!progressLine({ fractionDone: 0.01, message: 'm', elapsedMs: 4000 }).includes('left'));
    assert.match(progressLine({ fractionDone: 7, message: 'm', elapsedMs: 1 }), /█{24} 100 %/);
  });
});
