import type { CurveFit } from '../../engine/numeric/curves/fitCurve.js';
import { curveFamilies, type CurveName } from '../../engine/numeric/curves/curveFamilies.js';
import type { Block, ChartBlock, TableCell, TableColumn } from '../../protocol/blocks.js';
import { toReportNumber } from '../../protocol/reportNumbers.js';
import { lineChart } from './lineChart.js';

/** A quantity over a training. */
export interface Course {
  readonly title: string;
  /** Of the axis: `Largest |a| / median |a|`. */
  readonly quantity: string;
  readonly format: 'number' | 'percent' | 'count';
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
  const kind = format === 'count' ? 'number' : format;
  const rows = points.map((point) => ({
    ...{ name: point.name, time: point.time, value: finite(point.value ?? NaN) },
    ...(fit === undefined ? {} : fittedAt(fit, point.time)),
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
    y: { field: fit === undefined ? 'value' : 'fitted', title: quantity, isPercent: format === 'percent' },
    ...(fit === undefined
      ? {}
      : { band: { low: 'low', high: 'high' }, points: { field: 'value', title: 'measured' } }),
    rows,
    columns: [
      { key: 'name', label: 'Checkpoint', kind: 'text' },
      { key: 'time', label: time, kind: 'count' },
      { key: 'value', label: quantity, kind: format },
      ...columns,
      ...(fit === undefined
        ? []
        : ([
            { key: 'fitted', label: 'Fitted', kind },
            { key: 'low', label: '95 % from', kind },
            { key: 'high', label: 'to', kind },
          ] as const)),
    ],
  });
}

function fittedAt(fit: CurveFit, time: number): Record<string, TableCell> {
  const { value, halfWidth } = fit.at(time);
  return { fitted: finite(value), low: finite(value - halfWidth), high: finite(value + halfWidth) };
}

/** Charts have no place for what is not finite. */
function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
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
      { key: 'error', label: 'Standard error', kind: 'number' },
      { key: 'state', label: 'Determined by the checkpoints', kind: 'text' },
      { key: 'rSquared', label: 'R²', kind: 'number' },
    ],
    rows: [...fits].flatMap(([name, fit]): Record<string, TableCell>[] => {
      const curve = curveFamilies[name].formula;
      if (typeof fit === 'string') return [{ curve, parameter: `not fitted: ${fit}` }];
      return Object.entries(fit.parameters).map(([parameter, value]) => ({
        ...{ curve, parameter, value: toReportNumber(value) },
        error: toReportNumber(fit.errors[parameter] ?? NaN),
        state: fit.unidentified.includes(parameter) ? 'no: not identifiable' : 'yes',
        rSquared: toReportNumber(fit.rSquared),
      }));
    }),
  };
}
