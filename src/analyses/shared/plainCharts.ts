import type { ChartBlock, TableCell, TableColumn } from '../../protocol/blocks.js';
import { lineChart } from './lineChart.js';
import { vegaLiteSchema } from './vegaLite.js';

/** Rows of a chart and of its table, by key. */
export type ChartRow = Readonly<Record<string, TableCell>>;

/** A quantity that is drawn: a column of the table, and a group of bars or a line. */
export interface Series {
  readonly key: string;
  readonly label: string;
  readonly description?: string;
}

/** What a chart shows besides its rows. */
interface ChartText {
  readonly title: string;
  readonly alt: string;
  readonly series: readonly Series[];
  readonly rows: readonly ChartRow[];
  /** Title of the axis of values, with its unit. */
  readonly valueTitle: string;
  /** `percent`: shares of 1, drawn in percent. */
  readonly format?: 'percent' | 'number';
}

/** Bars by name, from top to bottom as the rows are. */
export interface BarsOf extends ChartText {
  /** Column that names a row, and what its cells are. */
  readonly name: { readonly key: string; readonly label: string; readonly kind: 'address' | 'text' };
  /** Ends of the axis of values; default from the values. */
  readonly domain?: readonly [number, number];
  /** A value that all are read against, drawn as a line. */
  readonly reference?: number;
}

/** Returns grouped bars, one group for each row, with their table. */
export function barChart(bars: BarsOf): ChartBlock {
  const { name, series, rows, reference } = bars;
  // In the order that they are told in, and not of the alphabet.
  const sort = series.map(({ label }) => label);
  const color = series.length > 1 ? { color: { field: 'series', type: 'nominal', title: null, sort } } : {};
  const offset = series.length > 1 ? { yOffset: { field: 'series', sort } } : {};
  const layers: unknown[] = [
    {
      data: { values: longRows(bars, name.key) },
      mark: { type: 'bar', tooltip: true },
      encoding: {
        y: { field: 'at', type: 'nominal', sort: null, title: null },
        x: { field: 'value', type: 'quantitative', ...axisOf(bars, bars.domain) },
        ...offset,
        ...color,
      },
    },
  ];
  if (reference !== undefined && Number.isFinite(reference)) {
    layers.push({
      data: { values: [{ reference }] },
      mark: { type: 'rule', strokeDash: [4, 4] },
      encoding: { x: { field: 'reference', type: 'quantitative' } },
    });
  }
  return blockOf(bars, { layer: layers }, { key: name.key, label: name.label, kind: name.kind }, rows);
}

/** Lines over a number. */
export interface LinesOf extends ChartText {
  readonly x: Series & { readonly scale?: 'linear' | 'log'; readonly isCount?: boolean };
  /** Scale of the axis of values. */
  readonly scale?: 'linear' | 'log';
}

/** Returns a line for each column over x, with their table; cells that are no numbers are left out of the lines. */
export function columnLines(lines: LinesOf): ChartBlock {
  const { title, alt, x, rows, valueTitle, format, scale } = lines;
  const points = longRows(lines, x.key).filter(({ at }) => typeof at === 'number');
  const isOne = new Set(points.map((point) => point.series)).size < 2;
  const { spec } = lineChart({
    title,
    alt,
    x: { field: 'at', title: x.label, isLogarithmic: x.scale === 'log', isCount: x.isCount === true },
    y: { field: 'value', title: valueTitle, isPercent: format === 'percent', isLogarithmic: scale === 'log' },
    ...(isOne ? {} : { series: 'series' }),
    rows: points,
    columns: [],
  });
  return blockOf(lines, spec, { ...x, kind: 'number' }, rows);
}

function longRows(
  { series, rows }: ChartText,
  nameKey: string,
): { at: TableCell; series: string; value: TableCell }[] {
  return rows.flatMap((row) =>
    series.flatMap(({ key, label }) => {
      const value = row[key];
      return typeof value === 'number' ? [{ at: row[nameKey] ?? '', series: label, value }] : [];
    }),
  );
}

function axisOf(
  { valueTitle, format }: ChartText,
  domain: readonly [number, number] | undefined,
): Readonly<Record<string, unknown>> {
  return {
    title: valueTitle,
    ...(domain === undefined ? {} : { scale: { domain } }),
    ...(format === 'percent' ? { axis: { format: '%' } } : {}),
  };
}

function blockOf(
  { title, alt, series, format = 'number' }: ChartText,
  spec: Readonly<Record<string, unknown>>,
  first: { readonly key: string; readonly label: string; readonly kind: TableColumn['kind'] },
  rows: readonly ChartRow[],
): ChartBlock {
  const columns = series.map(({ key, label, description }): TableColumn => ({
    ...{ key, label, kind: format },
    ...(description === undefined ? {} : { description }),
  }));
  const { key, label, kind } = first;
  return {
    type: 'chart',
    title,
    alt,
    spec: { $schema: vegaLiteSchema, ...spec },
    table: { columns: [{ key, label, kind }, ...columns], rows: [...rows] },
  };
}
