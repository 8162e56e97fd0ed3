import type { ChartBlock, TableCell, TableColumn } from '../../protocol/blocks.js';
import { vegaLiteSchema } from './vegaLite.js';

/** An axis of a chart. */
export interface ChartAxis {
  /** Key of the rows. */
  readonly field: string;
  readonly title: string;
  readonly isPercent?: boolean;
  /** Whole numbers: no ticks between them. */
  readonly isCount?: boolean;
  readonly isLogarithmic?: boolean;
  /** From, to; default what the rows span. */
  readonly domain?: readonly [number, number];
}

/** What a line chart shows. */
export interface LineChart {
  readonly title: string;
  readonly alt: string;
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  /** Key of the rows that tells the lines apart; one line without it. */
  readonly series?: string;
  /** Keys of a band around the line. */
  readonly band?: { readonly low: string; readonly high: string };
  /** Key of values that are drawn as points of their own, measured ones beside a fitted line. */
  readonly points?: { readonly field: string; readonly title: string };
  readonly rows: readonly Readonly<Record<string, TableCell>>[];
  /** Of the table that says the same. */
  readonly columns: readonly TableColumn[];
}

/** Returns a chart of lines with its table. */
export function lineChart(chart: LineChart): ChartBlock {
  const { title, alt, x, rows, columns } = chart;
  return {
    type: 'chart',
    title,
    alt,
    spec: {
      $schema: vegaLiteSchema,
      width: 'container',
      height: 220,
      data: { values: [...rows] },
      encoding: { x: axisOf(x) },
      layer: layersOf(chart),
    },
    table: { columns: [...columns], rows: rows.map((row) => ({ ...row })) },
  };
}

/** The band lies below the line, points of their own above it. */
function layersOf({ y, series, band, points }: LineChart): Record<string, unknown>[] {
  const color =
    series === undefined ? {} : { color: { field: series, type: 'nominal', title: null, sort: null } };
  const line = {
    mark: { type: 'line', point: points === undefined, tooltip: true },
    encoding: { y: axisOf(y), ...color },
  };
  const area = band && {
    mark: { type: 'area', opacity: 0.25 },
    encoding: { y: axisOf({ ...y, field: band.low }), y2: { field: band.high }, ...color },
  };
  const dots = points && {
    mark: { type: 'point', filled: true, size: 40, tooltip: true },
    encoding: { y: axisOf({ ...y, field: points.field }), ...color },
  };
  return [area, line, dots].filter((layer) => layer !== undefined);
}

function axisOf({
  field,
  title,
  isPercent,
  isCount,
  isLogarithmic,
  domain,
}: ChartAxis): Record<string, unknown> {
  const scale = {
    // Powers of ten at both ends would leave most of a logarithmic chart empty.
    ...(isLogarithmic === true ? { type: 'log', nice: false } : { zero: false }),
    ...(domain === undefined ? {} : { domain: [...domain] }),
  };
  return {
    field,
    type: 'quantitative',
    title,
    scale,
    ...(isPercent === true ? { axis: { format: '%' } } : {}),
    ...(isCount === true ? { axis: { tickMinStep: 1, format: ',d' } } : {}),
  };
}
