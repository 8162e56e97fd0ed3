import type { ReportNumber } from './blocks.js';

/** Returns a number as JSON can hold it. */
export function toReportNumber(value: number): ReportNumber {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}

/** Returns the number behind its JSON form. */
export function fromReportNumber(value: ReportNumber): number {
  return Number(value);
}
