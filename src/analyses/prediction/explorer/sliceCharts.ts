import type { ChartBlock, TableCell, TableColumn } from '../../../protocol/blocks.js';
import { toReportNumber } from '../../../protocol/reportNumbers.js';
import type { Plane, Slice } from './slices.js';
import { vegaLiteSchema } from '../../shared/vegaLite.js';

/** Rows whose own curves stand in the table beside the chart. */
const tabledRowCount = 6;

/** Returns the curves of all rows with their mean, and the same as a table. */
export function sliceChart(slice: Slice, explained: string, rowNames: readonly string[]): ChartBlock {
  const { name, grid, curves, mean } = slice;
  const number = (value: number | undefined): TableCell => toReportNumber(value ?? NaN);
  const individual = curves.flatMap((curve, row) =>
    Array.from(grid, (at, i) => ({ at, value: number(curve[i]), row: rowNames[row] ?? String(row) })),
  );
  const average = Array.from(grid, (at, i) => ({ at, value: number(mean[i]) }));
  const title = slice.isFactor ? `${name} (multiplied by)` : name;
  const x = { field: 'at', type: 'quantitative', title, scale: { zero: false } };
  const y = { field: 'value', type: 'quantitative', title: 'f', scale: { zero: false } };
  const isExact = { type: 'line', interpolate: 'linear' };
  return {
    type: 'chart',
    title: `Along ${name}`,
    alt: `${explained} as ${name} goes from ${short(grid[0])} to ${short(grid.at(-1))}: a thin line for each of ${String(curves.length)} rows, all else held, and their mean as a thick one.`,
    spec: {
      $schema: vegaLiteSchema,
      width: 'container',
      height: 220,
      layer: [
        {
          data: { values: individual },
          mark: { ...isExact, opacity: 0.25, strokeWidth: 1 },
          encoding: { x, y, detail: { field: 'row', type: 'nominal' } },
        },
        {
          data: { values: average },
          mark: { ...isExact, strokeWidth: 3, point: grid.length <= 60 },
          encoding: { x, y },
        },
      ],
    },
    table: { columns: sliceColumns(slice, rowNames), rows: sliceRows(slice) },
  };
}

function sliceColumns({ name, isFactor, curves }: Slice, rowNames: readonly string[]): TableColumn[] {
  return [
    {
      key: 'at',
      label: name,
      kind: 'number',
      ...(isFactor ? { description: 'What its elements are multiplied by.' } : {}),
    },
    { key: 'mean', label: 'Mean over rows', kind: 'number', description: 'The partial dependence.' },
    ...curves.slice(0, tabledRowCount).map((_, row): TableColumn => ({
      key: `row${String(row)}`,
      label: rowNames[row] ?? '',
      kind: 'number',
    })),
  ];
}

function sliceRows({ grid, mean, curves }: Slice): Record<string, TableCell>[] {
  return Array.from(grid, (at, i) => ({
    at: toReportNumber(at),
    mean: toReportNumber(mean[i] ?? NaN),
    ...Object.fromEntries(
      curves
        .slice(0, tabledRowCount)
        .map((curve, row) => [`row${String(row)}`, toReportNumber(curve[i] ?? NaN)]),
    ),
  }));
}

/** Returns a plane as coloured cells, and the same as a table. */
export function planeChart(plane: Plane, explained: string, rowNames: readonly string[]): ChartBlock {
  const [first, second] = plane.names;
  const rows = Array.from(plane.values, (value, cell) => ({
    a: toReportNumber(plane.grids[0][Math.floor(cell / plane.grids[1].length)] ?? NaN),
    b: toReportNumber(plane.grids[1][cell % plane.grids[1].length] ?? NaN),
    value: toReportNumber(value),
  }));
  const through = plane.row === undefined ? 'the mean over rows' : (rowNames[plane.row] ?? '');
  const axis = (field: string, title: string): Record<string, unknown> => ({
    field,
    type: 'ordinal',
    title,
    axis: { format: '.3~g', labelOverlap: true, labelAngle: 0 },
  });
  return {
    type: 'chart',
    title: `Over ${first} and ${second}`,
    alt: `${explained} over ${first} and ${second}, ${through}, as colour.`,
    spec: {
      $schema: vegaLiteSchema,
      width: 'container',
      height: 320,
      data: { values: rows },
      mark: 'rect',
      encoding: {
        x: axis('a', first),
        y: { ...axis('b', second), sort: 'descending' },
        color: { field: 'value', type: 'quantitative', title: 'f' },
      },
    },
    table: {
      columns: [
        { key: 'a', label: first, kind: 'number' },
        { key: 'b', label: second, kind: 'number' },
        { key: 'value', label: 'f', kind: 'number', description: explained },
      ],
      rows,
    },
  };
}

/** Returns a number in three digits. */
export function short(value: number | undefined): string {
  return value === undefined ? '' : String(Number(value.toPrecision(3)));
}
