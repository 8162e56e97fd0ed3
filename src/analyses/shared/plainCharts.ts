import type { ChartBlock, TableCell, TableColumn } from '../../protocol/blocks.js';
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
  const color = series.length > 1 ? { color: { field: 'series', type: 'nominal', title: null } } : {};
  const offset = series.length > 1 ? { yOffset: { field: 'series' } } : {};
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
  readonly x: Series & { readonly scale?: 'linear' | 'log' };
  /** Scale of the axis of values. */
  readonly scale?: 'linear' | 'log';
}

/** Returns a line for each series over x, with their table; cells that are no numbers are left out of the lines. */
export function lineChart(lines: LinesOf): ChartBlock {
  const { x, series, rows, scale = 'linear' } = lines;
  const spec = {
    width: 'container',
    height: 220,
    data: { values: longRows(lines, x.key).filter(({ at }) => typeof at === 'number') },
    mark: { type: 'line', point: true, tooltip: true },
    encoding: {
      x: {
        field: 'at',
        type: 'quantitative',
        title: x.label,
        scale: { type: x.scale ?? 'linear', zero: false },
      },
      y: {
        ...{ field: 'value', type: 'quantitative' },
        ...axisOf(lines, undefined),
        scale: { type: scale, zero: false },
      },
      ...(series.length > 1 ? { color: { field: 'series', type: 'nominal', title: null } } : {}),
    },
  };
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
