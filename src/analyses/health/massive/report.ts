import { formatAddress } from '../../../onnx/addresses.js';
import type { Block, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { courseChart, fittedPeak, fitTable } from '../../shared/courseBlocks.js';
import { lineChart } from '../../shared/lineChart.js';
import type { AttentionShare } from './attention.js';
import type { ChangedLosses } from './change.js';
import type { MassiveFigures, MassiveUnit } from './measure.js';
import type { RatioCourse } from './training.js';

/** Positions named of a unit. */
const namedPositionCount = 4;

const sizeColumns: readonly TableColumn[] = [
  { key: 'depth', label: '#', kind: 'count' },
  { key: 'state', label: 'Hidden state', kind: 'text' },
  { key: 'top1', label: 'Largest |a|', kind: 'number', description: 'Mean over samples.' },
  { key: 'top2', label: '2nd', kind: 'number' },
  { key: 'top3', label: '3rd', kind: 'number' },
  { key: 'median', label: 'Median |a|', kind: 'number' },
  { key: 'ratio', label: 'Largest / median', kind: 'number' },
  { key: 'massive', label: 'Massive', kind: 'count', description: 'Massive entries over all samples.' },
];

/** Returns the sizes of the hidden states over depth, as a chart on a logarithmic scale with its table. */
export function sizeChart({ states }: MassiveFigures): Block {
  const rows = states.map(({ state, top, median, ratio, entries }, depth) => ({
    depth,
    state: state.target.layer,
    top1: toReportNumber(top[0]),
    top2: toReportNumber(top[1]),
    top3: toReportNumber(top[2]),
    median: toReportNumber(median),
    ratio: toReportNumber(ratio),
    massive: entries.length,
  }));
  const names = { top1: 'largest', top2: '2nd', top3: '3rd', median: 'median' } as const;
  const lines = rows.flatMap((row) =>
    Object.entries(names).map(([key, line]) => ({
      depth: row.depth,
      line,
      size: row[key as keyof typeof names],
    })),
  );
  const chart = lineChart({
    title: 'Sizes in the hidden states over depth',
    alt: 'Lines over depth: the three largest magnitudes and the median magnitude of each hidden state, on a logarithmic scale.',
    x: { field: 'depth', title: 'Hidden state', isCount: true },
    y: { field: 'size', title: '|a|, mean over samples', isLogarithmic: true },
    series: 'line',
    // A logarithmic scale has no place for 0.
    rows: lines.filter(({ size }) => typeof size === 'number' && size > 0),
    columns: [],
  });
  return { ...chart, table: { columns: [...sizeColumns], rows } };
}

/** Returns the table of units that are massive somewhere. */
export function unitTable(units: readonly MassiveUnit[]): Block {
  return {
    type: 'table',
    title: 'Massive activations',
    alt: units.length === 0 ? 'No entry is massive.' : `${String(units.length)} channels, by hidden state.`,
    columns: [
      { key: 'unit', label: 'Channel', kind: 'address' },
      { key: 'state', label: 'Hidden state', kind: 'text' },
      { key: 'channel', label: 'Index', kind: 'count' },
      { key: 'positions', label: 'Positions', kind: 'text', description: 'Where, the most frequent first.' },
      { key: 'samples', label: 'Samples', kind: 'count', description: 'Samples on which it is massive.' },
      { key: 'mean', label: 'Mean', kind: 'number' },
      {
        key: 'variation',
        label: 'Spread / mean',
        kind: 'percent',
        description: 'Standard deviation over |mean|: near 0, it is a constant whatever the input.',
      },
    ],
    rows: units.map(({ figures: { state }, unit, positions, sampleCount, mean, variation }) => {
      const named = positions.slice(0, namedPositionCount).map((position) => position.join(','));
      const more = positions.length > named.length ? ', …' : '';
      const { layer } = state.target;
      return {
        unit: state.isAddress ? formatAddress({ layer, unit }) : null,
        ...{ state: layer, channel: unit, samples: sampleCount },
        positions: named.map((position) => `@${position}`).join(' ') + more,
        ...{ mean: toReportNumber(mean), variation: toReportNumber(variation) },
      };
    }),
  };
}

/** Returns the table of what the massive entries do, or why there is none. */
export function changeBlock(changed: ChangedLosses | string): Block {
  if (typeof changed === 'string') {
    return { type: 'markdown', text: `What the massive entries do was not measured: ${changed}.` };
  }
  const { state, answers, untouched, zero, mean, count } = changed;
  const row = (change: string, loss: number): Record<string, TableCell> => ({
    change,
    loss: toReportNumber(loss),
    difference: toReportNumber(loss - untouched),
  });
  return {
    type: 'table',
    title: `Massive entries of ${state} changed`,
    alt: `Cross-entropy over ${formatNumber(count, 'count')} ${answers}.`,
    columns: [
      { key: 'change', label: 'Set to', kind: 'text' },
      { key: 'loss', label: 'Loss', kind: 'number', unit: 'nats' },
      { key: 'difference', label: 'More than untouched', kind: 'number', unit: 'nats' },
    ],
    rows: [row('untouched', untouched), row('0', zero), row('their mean over samples', mean)],
  };
}

/** Returns the table of attention to tokens with massive entries, or nothing. */
export function attentionBlocks(shares: readonly AttentionShare[]): Block[] {
  if (shares.length === 0) return [];
  return [
    {
      type: 'table',
      title: 'Attention to tokens with massive activations',
      columns: [
        { key: 'name', label: 'Attention', kind: 'address' },
        { key: 'share', label: 'Share', kind: 'bar', description: 'Mean over heads, queries and samples.' },
        { key: 'even', label: 'If spread evenly', kind: 'percent' },
      ],
      rows: shares.map(({ name, share, even }) => ({
        name: formatAddress({ layer: name }),
        share: toReportNumber(share),
        even: toReportNumber(even),
      })),
    },
  ];
}

/** Returns the course over checkpoints with its fitted curve, or nothing for a single model. */
export function courseBlocks(course: RatioCourse | undefined): Block[] {
  if (course === undefined) return [];
  const { points, fit } = course;
  const chart = courseChart({
    ...{ title: 'Largest / median over training', quantity: 'Largest |a| / median |a|', format: 'number' },
    points: points.map(({ name, step, value, problem }) => ({
      ...{ name, time: step, value: value?.ratio },
      more: { state: value?.state ?? null, problem: problem ?? '' },
    })),
    fit: typeof fit === 'string' ? undefined : fit,
    columns: [
      { key: 'state', label: 'Hidden state', kind: 'text' },
      { key: 'problem', label: 'Problem', kind: 'text' },
    ],
  });
  if (typeof fit === 'string') return [chart, { type: 'markdown', text: `No curve was fitted: ${fit}.` }];
  const { peak } = fittedPeak(fit);
  const where = typeof peak === 'string' ? peak : `peak at step ${formatNumber(peak, 'count')}`;
  const alt = `R² = ${fit.rSquared.toFixed(4)}; ${where}.`;
  return [chart, fitTable('The emergence curve', new Map([[fit.name, fit]]), alt)];
}
