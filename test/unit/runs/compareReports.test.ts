import assert from 'node:assert/strict';
import type { Block, TableBlock } from '../../../src/protocol/blocks.js';
import { isKnownBlock } from '../../../src/protocol/knownBlocks.js';
import { firstProblem, type Report } from '../../../src/protocol/report.js';
import { compareReports } from '../../../src/runs/compareReports.js';
import { makeReport } from '../../support/makeReport.js';

const layerColumns: TableBlock['columns'] = [
  { key: 'layer', label: 'Layer', kind: 'address' },
  { key: 'dead', label: 'Dead', kind: 'bar' },
  { key: 'units', label: 'Units', kind: 'count' },
];
const unitColumns: TableBlock['columns'] = [
  { key: 'neuron', label: 'Neuron', kind: 'address' },
  { key: 'state', label: 'State', kind: 'state' },
  { key: 'max', label: 'Maximum', kind: 'number', unit: 'V' },
];

function blocksOf(layers: TableBlock['rows'], units: TableBlock['rows']): Block[] {
  return [
    {
      type: 'metrics',
      items: [
        { metric: 'deadCount', label: 'Dead neurons', format: 'count' },
        { metric: 'deadShare', label: 'Dead share', format: 'percent' },
      ],
    },
    {
      type: 'chart',
      title: 'Dead share by layer',
      spec: { mark: 'bar' },
      table: {
        columns: layerColumns.slice(0, 2),
        rows: layers.map(({ layer, dead }) => ({ layer: layer ?? null, dead: dead ?? null })),
      },
    },
    { type: 'table', title: 'Layers', columns: layerColumns, rows: layers },
    { type: 'table', title: 'Neurons', columns: unitColumns, rows: units },
  ];
}

const before = makeReport({
  createdAt: '2026-01-02T10:00:00.000Z',
  metrics: { deadCount: 12, deadShare: 0.375, onlyOld: 1 },
  evidence: { deadCount: { kind: 'measured', n: 100 }, deadShare: { kind: 'measured', n: 100 } },
  findings: [
    {
      severity: 'warning',
      address: 'fc1',
      message: '12 of 32 neurons in fc1 never fire.',
      advice: 'Warm up.',
    },
    { severity: 'info', address: 'fc2', message: '3 of 8 neurons in fc2 are rare.', advice: 'Look.' },
  ],
  blocks: blocksOf(
    [
      { layer: 'fc1', dead: 0.5, units: 32 },
      { layer: 'fc2', dead: 0.25, units: 8 },
    ],
    [
      { neuron: 'fc1[0]', state: 'dead', max: 0 },
      { neuron: 'fc1[1]', state: 'rare', max: 2 },
    ],
  ),
});
const after = makeReport({
  createdAt: '2026-01-02T11:30:00.000Z',
  settings: { epsilon: 0.001, steps: 5 },
  metrics: { deadCount: 4, deadShare: 0.125, onlyNew: 'NaN' },
  evidence: { deadCount: { kind: 'measured', n: 200 }, deadShare: { kind: 'measured', n: 200 } },
  findings: [
    {
      severity: 'warning',
      address: 'fc1',
      message: '4 of 32 neurons in fc1 never fire.',
      advice: 'Warm up.',
    },
    { severity: 'error', address: 'fc2', message: 'NaN in fc2.', advice: 'Lower the rate.' },
  ],
  blocks: blocksOf(
    [
      { layer: 'fc1', dead: 0.125, units: 32 },
      { layer: 'fc2', dead: 0.25, units: 8 },
    ],
    [
      { neuron: 'fc1[1]', state: 'rare', max: 2 },
      { neuron: 'fc1[2]', state: 'dead', max: 0 },
      { neuron: 'fc1[0]', state: 'active', max: 3.5 },
    ],
  ),
});

function tableOf(report: Report, title: string): TableBlock {
  const found = report.blocks
    .filter(isKnownBlock)
    .filter((block) => block.type === 'table')
    .find((block) => block.title === title);
  assert.ok(found, `no table "${title}" among ${report.blocks.map((block) => block.title).join(', ')}`);
  return found;
}

describe('two reports compared', () => {
  const comparison = compareReports(before, after);

  it('are a report', () => {
    assert.equal(firstProblem(comparison), undefined);
  });

  it('answer in one sentence', () => {
    assert.equal(
      comparison.summary,
      'Dead neurons went from 12 (before) to 4 (after), −8; 3 more differ. 1 finding is gone, 1 finding is new.',
    );
  });

  it('are the same whichever was chosen first', () => {
    assert.deepEqual(compareReports(after, before), comparison);
  });

  it('have their numbers side by side, each in its format, with what they rest on', () => {
    const { rows, columns } = tableOf(comparison, 'Numbers');
    assert.deepEqual(
      columns.map(({ label }) => label),
      ['Metric', 'before', 'after', 'Difference', 'Evidence'],
    );
    assert.deepEqual(rows.slice(0, 2), [
      {
        label: 'Dead neurons',
        before: '12',
        after: '4',
        change: '−8',
        evidence: 'measured on all 100 samples; measured on all 200 samples',
      },
      {
        label: 'Dead share',
        before: '37.5 %',
        after: '12.5 %',
        change: '−25 pp',
        evidence: 'measured on all 100 samples; measured on all 200 samples',
      },
    ]);
    const others = rows
      .slice(2)
      .map(({ label, before: old, after: now, change }) => [label, old, now, change]);
    assert.deepEqual(others, [
      ['Only new', '–', 'NaN', '–'],
      ['Only old', '1', '–', '–'],
    ]);
  });

  it('say what they were told differently', () => {
    assert.deepEqual(tableOf(comparison, 'What they were made of').rows, [
      { what: 'steps', before: null, after: '5' },
      { what: 'Made', before: '2026-01-02 10:00:00 UTC', after: '2026-01-02 11:30:00 UTC' },
    ]);
  });

  it('join layers by address: changed ones first, only columns that differ, shares in points', () => {
    const { columns, rows } = tableOf(comparison, 'Layers');
    assert.deepEqual(
      columns.map(({ key, kind }) => `${key} ${kind}`),
      ['layer address', 'dead.0 percent', 'dead.1 percent', 'dead.difference number'],
    );
    assert.equal(columns.at(-1)?.unit, 'pp');
    assert.deepEqual(rows, [
      { layer: 'fc1', 'dead.0': 0.5, 'dead.1': 0.125, 'dead.difference': -37.5 },
      { layer: 'fc2', 'dead.0': 0.25, 'dead.1': 0.25, 'dead.difference': 0 },
    ]);
  });

  it('join neurons by address, those of one report alone included', () => {
    assert.deepEqual(tableOf(comparison, 'Neurons').rows, [
      {
        neuron: 'fc1[2]',
        'state.0': null,
        'state.1': 'dead',
        'max.0': null,
        'max.1': 0,
        'max.difference': null,
      },
      {
        neuron: 'fc1[0]',
        'state.0': 'dead',
        'state.1': 'active',
        'max.0': 0,
        'max.1': 3.5,
        'max.difference': 3.5,
      },
      { neuron: 'fc1[1]', 'state.0': 'rare', 'state.1': 'rare', 'max.0': 2, 'max.1': 2, 'max.difference': 0 },
    ]);
  });

  it('tell findings that came and went from those whose numbers changed', () => {
    const messages = (title: string): unknown[] =>
      tableOf(comparison, title).rows.map(({ message }) => message);
    assert.deepEqual(messages('New findings (after)'), ['NaN in fc2.']);
    assert.deepEqual(messages('Findings that are gone (before)'), ['3 of 8 neurons in fc2 are rare.']);
    assert.deepEqual(messages('Findings in both'), ['4 of 32 neurons in fc1 never fire.']);
  });

  it('draw two bars a layer', () => {
    const chart = comparison.blocks.filter(isKnownBlock).find((block) => block.type === 'chart');
    assert.ok(chart?.type === 'chart');
    assert.deepEqual(chart.table.rows, [
      { layer: 'fc1', dead: 0.5, report: 'before' },
      { layer: 'fc2', dead: 0.25, report: 'before' },
      { layer: 'fc1', dead: 0.125, report: 'after' },
      { layer: 'fc2', dead: 0.25, report: 'after' },
    ]);
  });
});

describe('what reports are called when they are compared', () => {
  const heads = (first: Partial<Report>, second: Partial<Report>): string[] => {
    const one = makeReport({ metrics: { a: 1 }, ...first });
    const other = makeReport({ metrics: { a: 2 }, ...second });
    return tableOf(compareReports(one, other), 'Numbers')
      .columns.slice(1, 3)
      .map(({ label }) => label);
  };
  const model = (name: string): Partial<Report> => ({
    model: { path: `/models/${name}.onnx`, name, sizeBytes: 1 },
  });

  it('is their models, when these differ', () => {
    assert.deepEqual(heads(model('first'), model('second')), ['first', 'second']);
  });

  it('is their data, when the model is one', () => {
    const data = (path: string): Partial<Report> => ({ data: { path, kind: 'npz', sampleCount: 1 } });
    assert.deepEqual(heads(data('/a/train.npz'), data('/a/test.npz')), ['train.npz', 'test.npz']);
  });

  it('is their samples, when they used more or fewer of the same data', () => {
    const data = { path: '/a/test.npz', kind: 'npz', sampleCount: 4000 };
    assert.deepEqual(heads({ data: { ...data, usedCount: 1 } }, { data }), ['1 sample', '4,000 samples']);
  });

  it('is their order, when nothing else differs', () => {
    assert.deepEqual(
      heads({ createdAt: '2026-01-02T10:00:02.500Z' }, { createdAt: '2026-01-02T10:00:01.000Z' }),
      ['before', 'after'],
    );
  });

  it('does not hide that a report compared with itself differs in nothing', () => {
    const same = compareReports(before, before);
    assert.equal(same.summary, 'No number differs. The findings are the same.');
    assert.ok(same.blocks.some((block) => block.title === 'Layers: no difference'));
  });
});

describe('the maps of two reports', () => {
  const mapOf = (sizes: number[], rows: string): Block => ({
    type: 'overlay',
    items: [{ width: 2, height: 1, values: [0, 1], caption: 'row 3 · class 1' }],
    scale: 'diverging',
    limit: 1,
    parts: { noun: 'pixel', followUps: ['carriers'], sizes, items: [{ rows }] },
  });
  const reportOf = (name: string, block: Block): Report => ({
    ...makeReport({ blocks: [block] }),
    model: { path: name, name, sizeBytes: 1 },
    followUps: [{ id: 'carriers', label: 'Which neurons carry it?', takes: 'part', settings: { of: name } }],
  });

  it('can be asked about, each of its own report', () => {
    const { blocks, followUps } = compareReports(
      reportOf('a', mapOf([4, 8], '3')),
      reportOf('b', mapOf([4, 8], '3')),
    );
    const [map] = blocks.filter(({ type }) => type === 'compare') as Block[];
    assert.deepEqual(map?.parts, {
      ...{ noun: 'pixel', followUps: ['0:carriers', '1:carriers'], sizes: [4, 8], items: [{ rows: '3' }] },
    });
    assert.deepEqual(
      followUps?.map(({ side, label, settings }) => [side, label, settings['of']]),
      [
        [0, 'Which neurons carry it? (a)', 'a'],
        [1, 'Which neurons carry it? (b)', 'b'],
      ],
    );
  });

  it('are asked of one report alone where the same place is another piece in the other', () => {
    const { blocks } = compareReports(reportOf('a', mapOf([2, 4], '3')), reportOf('b', mapOf([4, 8], '3')));
    const [map] = blocks.filter(({ type }) => type === 'compare') as Block[];
    assert.deepEqual(map?.parts?.followUps, ['1:carriers']);
  });
});

describe('reports that do not compare', () => {
  it('are refused with the reason', () => {
    const other = makeReport({ analysis: 'attribution', metrics: { a: 1 } });
    assert.throws(
      () => compareReports(before, other),
      (error: Error) =>
        'code' in error &&
        error.code === 'reports-not-comparable' &&
        error.message ===
          'These reports cannot be compared: one is of dead-neurons, the other of attribution. Choose two reports of the same analysis.',
    );
    assert.throws(
      () => compareReports(before, makeReport({ status: 'failed' })),
      /the failed one of .* holds no numbers/,
    );
  });

  it('are compared with a warning when data, samples or status differ', () => {
    const data = { path: '/data/other.npz', kind: 'npz', sampleCount: 100 };
    const onOther = compareReports(before, { ...after, data });
    assert.deepEqual(onOther.warnings, [
      'They were measured on different data: differences may come from the data alone.',
    ]);
    const fewer = compareReports(before, {
      ...after,
      data: { ...before.data!, sampleCount: 10 },
      status: 'partial',
    });
    assert.deepEqual(fewer.warnings, [
      'They were measured on different numbers of samples: compare shares and rates, not counts.',
      'The report "10 samples" is partial: its numbers are not final.',
    ]);
  });
});
