import type { ReportNumber } from '../../protocol/blocks.js';
import { formatNumber, type NumberFormat } from '../../protocol/formatReport.js';

/** Returns `after − before`; undefined when either is missing or not a number, or both are the same infinity. */
export function difference(
  before: ReportNumber | undefined,
  after: ReportNumber | undefined,
): number | undefined {
  if (before === undefined || after === undefined) return undefined;
  const value = Number(after) - Number(before);
  return Number.isNaN(value) ? undefined : value;
}

/** Returns a difference with its sign; shares differ in percentage points, not in percent. */
export function formatDifference(value: number | undefined, format: NumberFormat = 'number'): string {
  if (value === undefined) return '–';
  if (value === 0) return '0';
  const isShare = format === 'percent' || format === 'points';
  const size = formatNumber(isShare ? Math.abs(value) * 100 : Math.abs(value));
  const sign = value > 0 ? '+' : '−';
  return isShare ? `${sign}${size} pp` : `${sign}${size}`;
}
