import { type CurveFit, peakOf } from '../../engine/numeric/curves/fitCurve.js';
import { curveFamilies, type CurveName } from '../../engine/numeric/curves/curveFamilies.js';
import type { Block, ChartBlock, TableCell, TableColumn } from '../../protocol/blocks.js';
import { columnHeading, type NumberFormat } from '../../protocol/formatReport.js';
import type { Evidence } from '../../protocol/report.js';
import { toReportNumber } from '../../protocol/reportNumbers.js';
import { lineChart } from './lineChart.js';

/** A quantity over a training. */
export interface Course {
  readonly title: string;
  /** Of the axis: `Largest |a| / median |a|`. */
  readonly quantity: string;
  readonly format: NumberFormat;
  /** Of the time; default `Step`. */
  readonly time?: string;
  readonly points: readonly CoursePoint[];
  /** Drawn with its 95 % confidence band. */
  readonly fit?: CurveFit | undefined;
  /** More columns of the table, of `CoursePoint.more`. */
  readonly columns?: readonly TableColumn[];
}

/** A checkpoint of a course. */
export interface CoursePoint {
  readonly name: string;
  readonly time: number;
  /** Undefined or NaN where it has none. */
  readonly value: number | undefined;
  readonly more?: Readonly<Record<string, TableCell>>;
}

/** Returns the quantity over the checkpoints: points, and the fitted curve where there is one; the table has both. */
export function courseChart(course: Course): ChartBlock {
  const { title, quantity, format, time = 'Step', points, fit, columns = [] } = course;
  const [own, factor] = [quantityColumn(format), quantityFactor(format)];
  const rows = points.map((point) => ({
    ...{ name: point.name, time: point.time, value: finite(factor * (point.value ?? NaN)) },
    ...(fit === undefined ? {} : fittedAt(fit, point.time, factor)),
    ...point.more,
  }));
  const what = `${quantity} of each checkpoint`;
  return lineChart({
    title,
    alt:
      fit === undefined
        ? `A line: ${what}.`
        : `Points: ${what}; a line: the fitted curve with its 95 % confidence band.`,
    x: { field: 'time', title: time },
    y: {
      field: fit === undefined ? 'value' : 'fitted',
      title: columnHeading({ label: quantity, ...own }),
      isPercent: format === 'percent',
    },
    ...(fit === undefined
      ? {}
      : { band: { low: 'low', high: 'high' }, points: { field: 'value', title: 'measured' } }),
    rows,
    columns: [
      { key: 'name', label: 'Checkpoint', kind: 'text' },
      { key: 'time', label: time, kind: 'count' },
      { key: 'value', label: quantity, ...own },
      ...columns,
      ...(fit === undefined ? [] : fitColumns(own)),
    ],
  });
}

/** A fitted curve passes between the whole numbers of a count. */
function fitColumns({ kind, ...unit }: ReturnType<typeof quantityColumn>): TableColumn[] {
  const own = { ...unit, kind: kind === 'count' ? 'number' : kind } as const;
  return [
    { key: 'fitted', label: 'Fitted', ...own },
    { key: 'low', label: '95 % from', ...own },
    { key: 'high', label: 'to', ...own },
  ];
}

/** Returns how a quantity stands in a column. */
export function quantityColumn(
  format: NumberFormat,
): Pick<TableColumn, 'unit'> & { readonly kind: 'number' | 'percent' | 'count' } {
  return format === 'points' ? { kind: 'number', unit: 'points' } : { kind: format };
}

/** Returns what a quantity is multiplied by in its column: a column has its unit in its heading. */
export function quantityFactor(format: NumberFormat): number {
  return format === 'points' ? 100 : 1;
}

function fittedAt(fit: CurveFit, time: number, factor: number): Record<string, TableCell> {
  const { value, halfWidth } = fit.at(time);
  const cell = (number: number): TableCell => finite(factor * number);
  return { fitted: cell(value), low: cell(value - halfWidth), high: cell(value + halfWidth) };
}

/** Charts have no place for what is not finite. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Returns when a fitted emergence curve is at its extreme, or why that is not known, with what it rests on. */
export function fittedPeak(fit: CurveFit): { readonly peak: number | string; readonly evidence: Evidence } {
  const peak = peakOf(fit);
  if (!Number.isFinite(peak)) {
    const how = 'the fitted curve has no extreme';
    return { peak: how, evidence: { kind: 'not-captured', how } };
  }
  return { peak, evidence: { kind: 'estimated', how: `the extreme of the fitted curve${openText(fit)}` } };
}

/** Returns what the checkpoints do not determine of a curve, to stand behind its mention; nothing where they do. */
export function openText({ unidentified }: CurveFit): string {
  return unidentified.length === 0
    ? ''
    : `, of which the checkpoints do not determine ${unidentified.join(', ')}`;
}

/** Returns the table of fitted curves: parameters with their errors, those that the checkpoints do not determine, R². */
export function fitTable(
  title: string,
  fits: ReadonlyMap<CurveName, CurveFit | string>,
  alt?: string,
): Block {
  return {
    type: 'table',
    title,
    ...(alt === undefined ? {} : { alt }),
    columns: [
      { key: 'curve', label: 'Curve', kind: 'text', description: 't is the time along the axis.' },
      { key: 'parameter', label: 'Parameter', kind: 'text' },
      { key: 'value', label: 'Value', kind: 'number' },
      {
        key: 'error',
        label: 'Standard error',
        kind: 'number',
        description: '– where other values of the parameter give the same curve within 0.1 % of the spread.',
      },
      { key: 'state', label: 'Determined by the checkpoints', kind: 'text' },
      { key: 'rSquared', label: 'R²', kind: 'number' },
    ],
    rows: [...fits].flatMap(([name, fit]): Record<string, TableCell>[] => {
      const curve = curveFamilies[name].formula;
      if (typeof fit === 'string') return [{ curve, parameter: `not fitted: ${fit}` }];
      return Object.entries(fit.parameters).map(([parameter, value]) => ({
        ...{ curve, parameter, value: toReportNumber(value) },
        error: finite(fit.errors[parameter] ?? NaN),
        state: fit.unidentified.includes(parameter) ? 'no: not identifiable' : 'yes',
        rSquared: toReportNumber(fit.rSquared),
      }));
    }),
  };
}
