import { encodeWav } from '../../src/base/wav.js';
import type { Block } from '../../src/protocol/blocks.js';
import type { Report } from '../../src/protocol/report.js';
import { makeReport } from './makeReport.js';

/** A name no page may obey: markup, a formula, quotes and an escape sequence. */
export const hostileName = '=<img src=x onerror="alert(1)">\u001b[31m|`*';

const onePixel =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPj/HwADBwIAMCbHYQAAAABJRU5ErkJggg==';

const columns = [
  { key: 'layer', label: 'Layer', kind: 'address' as const },
  { key: 'units', label: 'Units', kind: 'count' as const },
  { key: 'dead', label: 'Dead', kind: 'bar' as const, description: 'Share of units that never fire.' },
  { key: 'mean', label: 'Mean', kind: 'number' as const, unit: 'V' },
  { key: 'state', label: 'State', kind: 'state' as const },
];

const rows = [
  { layer: 'fc1', units: 1200, dead: 0.25, mean: 0.123456, state: 'dead' },
  { layer: hostileName, units: 64, dead: 0, mean: 'NaN' as const, state: 'active' },
  { layer: 'fc3', units: 10, dead: 1, mean: null, state: 'rare' },
];

/** A tenth of a second of 440 Hz. */
const beep = Float64Array.from({ length: 800 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 440 * i) / 8000));

const blocks: Block[] = [
  {
    type: 'markdown',
    text: 'Some **bold** text, <script>alert(1)</script> and ![](https://example.org/x.png).',
  },
  { type: 'metrics', items: [{ metric: 'deadShare', label: 'Dead share', format: 'percent' }] },
  { type: 'findings', title: 'Findings' },
  { type: 'table', title: 'Layers', columns, rows, omittedRowCount: 2 },
  {
    type: 'chart',
    title: 'Dead share by layer',
    alt: 'Bars of the dead share of three layers.',
    spec: {
      width: 'container',
      height: 160,
      data: { values: rows },
      mark: 'bar',
      encoding: { x: { field: 'layer', type: 'nominal' }, y: { field: 'dead', type: 'quantitative' } },
    },
    table: { columns, rows },
  },
  { type: 'image', title: 'Input', image: { source: onePixel, width: 1, height: 1, alt: 'one blue pixel' } },
  {
    type: 'image-grid',
    title: 'Examples',
    images: [{ source: onePixel, width: 1, height: 1, alt: 'blue', caption: 'sample 1' }],
  },
  {
    type: 'overlay',
    title: 'Attribution',
    items: [
      {
        base: { source: onePixel, width: 2, height: 2, alt: 'input' },
        width: 2,
        height: 2,
        values: [1, -1, 0, 'NaN'],
        caption: 'row 0',
      },
      { width: 2, height: 1, values: [0.5, -0.25], caption: 'row 1' },
    ],
    scale: 'diverging',
    limit: 1,
  },
  {
    type: 'tokens',
    title: 'Tokens',
    tokens: [
      { text: 'Lily ', value: 0.9 },
      { text: '<b>', value: -0.4 },
    ],
    scale: 'diverging',
    limit: 1,
  },
  {
    type: 'compare',
    title: 'Two methods',
    items: [
      {
        width: 2,
        height: 2,
        caption: 'row 0',
        sides: [
          { label: 'Gradient', values: [1, 0, 0, -1] },
          {
            label: hostileName,
            base: { source: onePixel, width: 2, height: 2, alt: 'input' },
            values: [0, 1, 'NaN', 0.5],
          },
        ],
      },
    ],
    scale: 'diverging',
    limit: 1,
  },
  {
    type: 'audio',
    title: 'A sound',
    items: [
      {
        caption: 'beep.wav',
        source: `data:audio/wav;base64,${Buffer.from(encodeWav(beep, 8000)).toString('base64')}`,
        sampleRate: 8000,
        durationSeconds: 0.1,
        lows: [-0.1, -0.5, -0.2, 0],
        highs: [0.1, 0.5, 0.2, 0],
        spectrum: [0, 0.5, 1, 0, 0.25, 0.75],
        frequencyCount: 2,
        values: [0, 1, -0.25, 0, 0, 0, -0.9, 'NaN'],
      },
    ],
    scale: 'diverging',
    limit: 1,
  },
  {
    type: 'tree',
    title: 'Layers',
    root: { label: 'model', children: [{ label: 'fc1', detail: '64 units' }] },
  },
  { type: 'markdown', title: 'Details', folded: true, text: 'Counted over all positions.' },
  { type: 'warning', message: 'The scale looks wrong.', advice: 'Divide by 255.' },
  { type: 'citation', title: 'Papers', papers: ['lu2019'] },
];

/** A report with every block of version 1, a block of a later version, and hostile names. */
export function reportWithEveryBlock(): Report {
  return makeReport({
    summary: '12 of 64 units never fire on 100 samples.',
    status: 'partial',
    metrics: { deadShare: 0.1875, deadCount: 12, meanSparsity: 'NaN' },
    evidence: {
      deadShare: { kind: 'measured', n: 100 },
      deadCount: { kind: 'sampled', n: 100, how: 'the first 100' },
    },
    findings: [
      {
        severity: 'error',
        address: 'fc1[3]',
        message: 'fc1[3] is dead.',
        advice: 'Lower the learning rate.',
      },
      { severity: 'info', address: hostileName, message: 'It is rare.', advice: 'Look at more samples.' },
    ],
    arrays: { 'fc1.maximum': { shape: [64], dtype: 'float32' } },
    blocks: [...blocks, { type: 'hologram', alt: 'A hologram of the loss.' }],
    papers: [
      { id: 'lu2019', title: 'Dying ReLU and Initialization', url: 'https://arxiv.org/abs/1903.06733' },
      { id: 'bad', title: 'Bad link', url: 'javascript:alert(1)' },
    ],
    warnings: [`Name ${hostileName}`],
  });
}
