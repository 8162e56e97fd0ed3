import type { ChartBlock, ReportNumber, TableBlock, TableCell, TableColumn } from '../../protocol/blocks.js';
import { isNumeric } from '../../protocol/formatReport.js';
import { isKnownBlock } from '../../protocol/knownBlocks.js';
import type { Report } from '../../protocol/report.js';
import { difference } from './difference.js';
import type { Sides } from './sides.js';

type Row = TableBlock['rows'][number];

/** A table of both reports whose rows have the same addresses. */
interface TablePair {
  readonly title: string;
  readonly before: Pick<TableBlock, 'columns' | 'rows' | 'omittedRowCount'>;
  readonly after: Pick<TableBlock, 'columns' | 'rows' | 'omittedRowCount'>;
}

/** Returns the tables that both reports have, joined by address: each number and state twice, and how it changed. */
export function joinedTables(sides: Sides): TableBlock[] {
  return pairsOf(sides).flatMap((pair) => {
    const joined = joinPair(pair, sides.names);
    return joined === undefined ? [] : [joined];
  });
}

function pairsOf({ before, after }: Sides): TablePair[] {
  const old = tablesOf(before);
  return tablesOf(after).flatMap((table) => {
    const other = old.find(({ title }) => title === table.title);
    return other === undefined ? [] : [{ title: table.title ?? 'Table', before: other, after: table }];
  });
}

function tablesOf(report: Report): TableBlock[] {
  return report.blocks.filter(isKnownBlock).filter((block) => block.type === 'table');
}

function joinPair({ title, before, after }: TablePair, names: Sides['names']): TableBlock | undefined {
  const key = after.columns.find(({ kind }) => kind === 'address')?.key;
  if (key === undefined || !before.columns.some((column) => column.key === key)) return undefined;
  const old = byAddress(before.rows, key);
  const now = byAddress(after.rows, key);
  const addresses = [...new Set([...now.keys(), ...old.keys()])];
  const columns = after.columns.filter(
    (column) =>
      column.key !== key &&
      column.kind !== 'text' &&
      before.columns.some((other) => other.key === column.key && other.kind === column.kind) &&
      addresses.some((address) => isChanged(column, old.get(address), now.get(address))),
  );
  const place = after.columns.filter((column) => column.key === key);
  if (columns.length === 0) return unchanged(title, place);
  const rows = addresses.map((address) => ({
    address,
    row: joinRow({ [key]: address }, columns, [old.get(address), now.get(address)]),
    isChanged: columns.some((column) => isChanged(column, old.get(address), now.get(address))),
  }));
  // What changed comes first; otherwise the order of the newer report, which answers its question.
  rows.sort((a, b) => Number(b.isChanged) - Number(a.isChanged));
  return {
    type: 'table',
    title,
    columns: [...place, ...columns.flatMap((column) => joinedColumns(column, names))],
    rows: rows.map(({ row }) => row),
    omittedRowCount: Math.max(before.omittedRowCount ?? 0, after.omittedRowCount ?? 0),
  };
}

/** Saying that nothing changed is an answer too. */
function unchanged(title: string, columns: readonly TableColumn[]): TableBlock {
  return { type: 'table', title: `${title}: no difference`, columns: [...columns], rows: [], folded: true };
}

function byAddress(rows: readonly Row[], key: string): Map<string, Row> {
  return new Map(
    rows.flatMap((row): [string, Row][] => (row[key] === null ? [] : [[String(row[key]), row]])),
  );
}

function isChanged({ key }: TableColumn, before: Row | undefined, after: Row | undefined): boolean {
  return (before?.[key] ?? null) !== (after?.[key] ?? null);
}

function joinedColumns(column: TableColumn, names: Sides['names']): TableColumn[] {
  const { key, label, kind } = column;
  const sides: TableColumn[] = names.map((name, index) => ({
    ...column,
    key: `${key}.${String(index)}`,
    label: `${label}, ${name}`,
    // Two bars beside each other are harder to compare than their numbers.
    kind: kind === 'bar' ? 'percent' : kind,
  }));
  if (!isNumeric(column)) return sides;
  const isShare = kind === 'percent' || kind === 'bar';
  const unit = isShare ? 'pp' : column.unit;
  return [
    ...sides,
    {
      key: `${key}.difference`,
      label: `${label}, difference`,
      kind: 'number',
      ...(unit === undefined ? {} : { unit }),
      description: isShare
        ? `${names[1]} minus ${names[0]}, in percentage points.`
        : `${names[1]} minus ${names[0]}.`,
    },
  ];
}

function joinRow(
  place: Row,
  columns: readonly TableColumn[],
  [before, after]: readonly [Row | undefined, Row | undefined],
): Row {
  const row: Row = { ...place };
  for (const column of columns) {
    const { key, kind } = column;
    row[`${key}.0`] = before?.[key] ?? null;
    row[`${key}.1`] = after?.[key] ?? null;
    if (!isNumeric(column)) continue;
    const value = difference(numberIn(before?.[key]), numberIn(after?.[key]));
    const isShare = kind === 'percent' || kind === 'bar';
    row[`${key}.difference`] = value === undefined ? null : storable(isShare ? value * 100 : value);
  }
  return row;
}

function numberIn(cell: TableCell | undefined): ReportNumber | undefined {
  return cell === null || cell === undefined || Number.isNaN(Number(cell)) ? undefined : Number(cell);
}

function storable(value: number): TableCell {
  return Number.isFinite(value) ? value : value > 0 ? 'Infinity' : '-Infinity';
}

/** Returns the charts of both reports that show one number by layer, as one chart with a bar for each report. */
export function joinedCharts({ before, after, names }: Sides): ChartBlock[] {
  const old = chartsOf(before);
  return chartsOf(after).flatMap((chart) => {
    const other = old.find(({ title }) => title === chart.title);
    const columns = barColumns(chart);
    if (other === undefined || columns === undefined || barColumns(other) === undefined) return [];
    return [joinedChart({ chart, other, names, columns })];
  });
}

function chartsOf(report: Report): ChartBlock[] {
  return report.blocks.filter(isKnownBlock).filter((block) => block.type === 'chart');
}

/** A chart of one number by address: its place and its number. */
function barColumns({ table }: ChartBlock): readonly [TableColumn, TableColumn] | undefined {
  const [place, value, ...more] = table.columns;
  const isBars = place?.kind === 'address' && value !== undefined && isNumeric(value) && more.length === 0;
  return isBars ? [place, value] : undefined;
}

function joinedChart({
  chart,
  other,
  names,
  columns: [place, value],
}: {
  readonly chart: ChartBlock;
  readonly other: ChartBlock;
  readonly names: Sides['names'];
  readonly columns: readonly [TableColumn, TableColumn];
}): ChartBlock {
  const rows = [
    ...other.table.rows.map((row) => ({ ...row, report: names[0] })),
    ...chart.table.rows.map((row) => ({ ...row, report: names[1] })),
  ];
  const isShare = value.kind === 'percent' || value.kind === 'bar';
  return {
    type: 'chart',
    ...(chart.title === undefined ? {} : { title: chart.title }),
    alt: `${chart.title ?? value.label}: two bars a layer, ${names[0]} and ${names[1]}.`,
    spec: {
      data: { values: rows },
      mark: 'bar',
      encoding: {
        y: { field: place.key, type: 'nominal', sort: null, title: null },
        yOffset: { field: 'report', type: 'nominal', sort: [...names] },
        x: {
          field: value.key,
          type: 'quantitative',
          title: value.label,
          ...(isShare ? { axis: { format: '%' } } : {}),
        },
        color: { field: 'report', type: 'nominal', sort: [...names], title: null },
      },
    },
    table: { columns: [place, { key: 'report', label: 'Report', kind: 'text' }, value], rows },
  };
}
