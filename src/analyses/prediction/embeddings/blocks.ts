import type { ChartBlock, TableBlock, TableCell } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import { nearestRows, type Spectrum } from './spectrum.js';
import type { EmbeddingTable } from './tables.js';
import type { Usage } from './usage.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** A table with what was found out about it. */
export interface StudiedTable {
  readonly table: EmbeddingTable;
  readonly norms: Float64Array;
  readonly spectrum: Spectrum | undefined;
  readonly usage: Usage | undefined;
}

/** Points drawn of one table. */
const maxPoints = 1000;

const tableColumns: TableBlock['columns'] = [
  { key: 'table', label: 'Table', kind: 'address' },
  { key: 'rows', label: 'Rows', kind: 'count' },
  { key: 'width', label: 'Width', kind: 'count' },
  {
    key: 'effective',
    label: 'Effective rank',
    kind: 'number',
    description: 'exp of the entropy of the singular values.',
  },
  {
    key: 'rank',
    label: 'Rank',
    kind: 'count',
    description: 'Singular values above 1e-5 of the largest.',
  },
  { key: 'norm', label: 'Mean norm', kind: 'number' },
  { key: 'unused', label: 'Rows never read', kind: 'count' },
  {
    key: 'correlation',
    label: 'Frequency against norm',
    kind: 'number',
    description: 'Spearman’s rank correlation.',
  },
];

/** Returns a row for each table. */
export function tablesTable(studied: readonly StudiedTable[]): TableBlock {
  return {
    type: 'table',
    title: 'Embedding tables',
    columns: tableColumns,
    rows: studied.map(({ table, norms, spectrum, usage }) => ({
      table: table.name,
      rows: table.rowCount,
      width: table.width,
      effective: spectrum?.effectiveRank ?? null,
      rank: spectrum?.rank ?? null,
      norm: toReportNumber(norms.reduce((sum, norm) => sum + norm, 0) / Math.max(1, norms.length)),
      unused: usage?.unusedCount ?? null,
      correlation: usage === undefined ? null : toReportNumber(usage.normCorrelation),
    })),
  };
}

/** Returns the singular values of each table, against the largest. */
export function spectrumChart(studied: readonly StudiedTable[]): ChartBlock {
  const rows = studied.flatMap(({ table, spectrum }) =>
    Array.from(spectrum?.singularValues ?? [], (value, index): Record<string, TableCell> => {
      const [largest = 1] = spectrum?.singularValues ?? [];
      return { table: table.name, index: index + 1, value, share: largest > 0 ? value / largest : 0 };
    }),
  );
  return {
    type: 'chart',
    title: 'Singular values, largest first',
    alt: 'The singular values of each table as shares of its largest: a steep fall says that few directions are used.',
    spec: {
      $schema: vegaLiteSchema,
      data: { values: rows },
      mark: { type: 'line', point: true, tooltip: true },
      encoding: {
        x: { field: 'index', type: 'quantitative', title: 'Number' },
        y: { field: 'share', type: 'quantitative', title: 'Share of the largest' },
        color: { field: 'table', type: 'nominal', title: 'Table' },
      },
    },
    table: {
      columns: [
        { key: 'table', label: 'Table', kind: 'text' },
        { key: 'index', label: 'Number', kind: 'count' },
        { key: 'value', label: 'Singular value', kind: 'number' },
        { key: 'share', label: 'Share of the largest', kind: 'percent' },
      ],
      rows,
    },
  };
}

/** Returns how often rows are read against their norms, or nothing without data. */
export function frequencyChart({ table, norms, usage }: StudiedTable): ChartBlock[] {
  if (usage === undefined) return [];
  const step = Math.max(1, Math.ceil(table.rowCount / maxPoints));
  const rows = Array.from({ length: Math.ceil(table.rowCount / step) }, (_, index) => {
    const row = index * step;
    return { row, reads: usage.counts[row] ?? 0, norm: toReportNumber(norms[row] ?? 0) };
  });
  return [
    {
      type: 'chart',
      title: `${table.name}: how often rows are read, and their norms`,
      alt: 'A point for each row: reads against the length of its embedding.',
      spec: {
        $schema: vegaLiteSchema,
        data: { values: rows },
        mark: { type: 'point', tooltip: true },
        encoding: {
          x: { field: 'reads', type: 'quantitative', title: 'Reads' },
          y: { field: 'norm', type: 'quantitative', title: 'Norm' },
        },
      },
      table: {
        columns: [
          { key: 'row', label: 'Row', kind: 'count' },
          { key: 'reads', label: 'Reads', kind: 'count' },
          { key: 'norm', label: 'Norm', kind: 'number' },
        ],
        rows,
      },
    },
  ];
}

/** Returns the nearest rows of the rows read most, or longest without data. */
export function neighbourTable(
  { table, norms, usage }: StudiedTable,
  { rows: asked, count }: { readonly rows: readonly number[] | undefined; readonly count: number },
): TableBlock {
  const weight = usage?.counts ?? norms;
  const order = Array.from(weight.keys()).sort((a, b) => (weight[b] ?? 0) - (weight[a] ?? 0) || a - b);
  const shown = (asked ?? order.slice(0, 8)).filter((row) => row < table.rowCount);
  return {
    type: 'table',
    title: `${table.name}: nearest rows by cosine`,
    columns: [
      { key: 'row', label: 'Row', kind: 'count' },
      { key: 'norm', label: 'Norm', kind: 'number' },
      { key: 'nearest', label: 'Nearest first', kind: 'text' },
    ],
    rows: shown.map((row) => ({
      row,
      norm: toReportNumber(norms[row] ?? 0),
      nearest: nearestRows(table, norms, { row, count })
        .map((near) => `${near.row} (${near.cosine.toFixed(3)})`)
        .join(' · '),
    })),
  };
}
