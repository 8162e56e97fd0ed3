import { holdsImages } from './dataKinds.js';
import type { MetricsBlock, ReportNumber, TableCell, TableColumn } from './blocks.js';
import type { Evidence, Report } from './report.js';

// How numbers read, in one place: terminal, exports and webview say the same.

/** How a metric is to be read; `points` is a difference of two shares, which is no share itself. */
export type NumberFormat = 'number' | 'percent' | 'points' | 'count';

/** A metric as a line of a list: what, how much, on what evidence. */
export interface MetricLine {
  readonly metric: string;
  readonly label: string;
  readonly value: string;
  readonly evidence: string;
}

/** Nobody counts the groups of a number beyond this. */
const largestGrouped = 1e15;

/** Shares of less are said to be less: below it are chance and rounding, and its digits would read as a finding. */
const smallestPercent = 0.01;

/** Returns a number as a person reads it: thousands grouped, three significant digits, NaN and ∞ named. */
export function formatNumber(value: ReportNumber, format: NumberFormat = 'number'): string {
  const number = Number(value);
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? '∞' : '−∞';
  // The minus sign and not the hyphen: it is as wide as the digits, and a line is not broken behind it.
  return sizeText(Math.abs(number), format, number < 0 ? '−' : '');
}

/** Returns a count of things with their noun: `1 layer`, `1,280 neurons`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** Returns a table's cell as text; an empty one is "not captured". */
export function formatCell(cell: TableCell | undefined, column: TableColumn): string {
  if (cell === null || cell === undefined) return '–';
  switch (column.kind) {
    case 'text':
    case 'address':
    case 'state':
      return String(cell);
    case 'number':
    case 'count':
      // Text in a column of numbers was formatted by who made it.
      return typeof cell === 'string' && !isNumberWord(cell)
        ? cell
        : formatNumber(asNumber(cell), column.kind);
    case 'percent':
    case 'bar':
      return formatNumber(asNumber(cell), 'percent');
  }
}

/** Returns a column's heading, with the unit that its cells are in. */
export function columnHeading({ label, unit }: Pick<TableColumn, 'label' | 'unit'>): string {
  return unit === undefined ? label : `${label} (${unit})`;
}

/** Tells whether a column's cells are numbers, so that they align at the right. */
export function isNumeric(column: TableColumn): boolean {
  return column.kind !== 'text' && column.kind !== 'address' && column.kind !== 'state';
}

/**
 * Returns how a number came about, in words: `measured on all 1,000 samples`, or `measured on 4 of 1,000 samples` where the
 * data hold more (`sampleCount`).
 */
export function formatEvidence(evidence: Evidence | undefined, sampleCount = 0): string {
  if (evidence === undefined) return '';
  const samples =
    evidence.n === undefined ? '' : ` ${grouped(evidence.n)} sample${evidence.n === 1 ? '' : 's'}`;
  const how = evidence.how === undefined || evidence.how === '' ? '' : `: ${evidence.how}`;
  switch (evidence.kind) {
    case 'measured':
      return `measured${measuredOn(evidence.n, sampleCount)}${how}`;
    case 'sampled':
      return `measured on${samples === '' ? ' a sample' : samples}${how}`;
    case 'estimated':
      return `estimated${samples === '' ? '' : ` from${samples}`}${how}`;
    case 'not-captured':
      return `not captured${how}`;
  }
}

function measuredOn(count: number | undefined, sampleCount: number): string {
  if (count === undefined) return '';
  if (count < sampleCount) return ` on ${grouped(count)} of ${grouped(sampleCount)} samples`;
  return count === 1 ? ' on 1 sample' : ` on all ${grouped(count)} samples`;
}

/** Returns every metric once: those that metrics blocks show, in their order and format, then the rest by name, or by their declared titles. */
export function metricLines(
  report: Report,
  titles: Readonly<Record<string, { readonly title: string }>> = {},
): MetricLine[] {
  const lines = new Map<string, MetricLine>();
  for (const block of report.blocks) {
    if (block.type !== 'metrics' || !('items' in block) || !Array.isArray(block.items)) continue;
    for (const item of block.items as {
      metric: string;
      label: string;
      format?: NumberFormat;
      unit?: string;
    }[]) {
      if (!lines.has(item.metric)) lines.set(item.metric, metricLine(report, item));
    }
  }
  for (const metric of new Set([...Object.keys(report.metrics), ...notCaptured(report)])) {
    const label = titles[metric]?.title ?? wordsOf(metric);
    if (!lines.has(metric)) lines.set(metric, metricLine(report, { metric, label }));
  }
  return [...lines.values()];
}

/** Returns the lines of a metrics block; every metric of the report for a block without items. */
export function blockMetrics(report: Report, block: MetricsBlock): MetricLine[] {
  if (block.items.length === 0) return metricLines(report);
  return block.items.map((item) => metricLine(report, item));
}

/** Returns one metric as a line. */
export function metricLine(
  report: Report,
  item: { metric: string; label: string; format?: NumberFormat; unit?: string },
): MetricLine {
  const value = report.metrics[item.metric];
  const unit = item.unit === undefined ? '' : ` ${item.unit}`;
  return {
    metric: item.metric,
    label: item.label,
    value: value === undefined ? '–' : formatNumber(value, item.format) + unit,
    evidence: formatEvidence(report.evidence[item.metric], report.data?.sampleCount),
  };
}

/** Returns a duration in the unit that reads best. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${String(Math.round(durationMs))} ms`;
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1)} s`;
  // Rounded before it is split, or 119.9 s would read "1 min 60 s".
  const seconds = Math.round(durationMs / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Returns a size in the unit that reads best, in steps of 1,000. */
export function formatBytes(sizeBytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let size = sizeBytes;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return `${size.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** Returns what a run rested on, in the order that a reader asks: status, data, provider, batch, seed, time. */
export function provenance(report: Report): string[] {
  const facts: string[] = [];
  if (report.status !== 'complete') facts.push(report.status);
  if (report.data !== null) facts.push(`${countedSamples(report.data)}${formOf(report.data.kind)}`);
  facts.push(report.provider);
  if (report.batchSize > 0) facts.push(`batch ${report.batchSize}`);
  facts.push(`seed ${report.seed}`, formatDuration(report.durationMs));
  return facts;
}

/** The form of the data, where the word for its samples does not say it already. */
function formOf(kind: string): string {
  return kind === 'image' || kind === 'images' ? '' : ` (${kind.toUpperCase()})`;
}

/** Returns how many samples an answer rests on: `8 of 4,000 images`, or `4,000 samples` where it is all of them. */
export function countedSamples({ kind, sampleCount, usedCount }: NonNullable<Report['data']>): string {
  const all = `${grouped(sampleCount)} ${holdsImages(kind) ? 'image' : 'sample'}${sampleCount === 1 ? '' : 's'}`;
  return usedCount === undefined ? all : `${grouped(usedCount)} of ${all}`;
}

function notCaptured(report: Report): string[] {
  return Object.entries(report.evidence)
    .filter(([key, evidence]) => evidence.kind === 'not-captured' && !Object.hasOwn(report.arrays, key))
    .map(([key]) => key);
}

/** `deadShare` → `Dead share`. */
function wordsOf(metric: string): string {
  const words = metric.replace(
    /([a-z0-9])([A-Z])/g,
    (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
  );
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function isNumberWord(cell: string): boolean {
  return cell === 'NaN' || cell === 'Infinity' || cell === '-Infinity';
}

function asNumber(cell: string | number): ReportNumber {
  if (typeof cell === 'number') return cell;
  return cell === 'Infinity' || cell === '-Infinity' ? cell : 'NaN';
}

function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

function sizeText(size: number, format: NumberFormat, sign: string): string {
  if (format === 'percent' || format === 'points') {
    const unit = format === 'percent' ? '%' : 'points';
    const percent = size * 100;
    // Below zero, less of it is more: −0.001 lies above −0.01.
    return percent > 0 && percent < smallestPercent
      ? `${sign === '' ? '<' : '>'} ${sign}${smallestPercent} ${unit}`
      : `${sign}${plain(percent, 1)} ${unit}`;
  }
  const isWhole = format === 'count' || Number.isInteger(size);
  return sign + (isWhole && size < largestGrouped ? grouped(size) : plain(size, 3));
}

function plain(size: number, digits: number): string {
  if (size !== 0 && (size >= 1e7 || size < 1e-3)) return size.toExponential(2);
  if (size >= 1000) return size.toLocaleString('en-US', { maximumFractionDigits: 1 });
  return digits === 1
    ? size.toLocaleString('en-US', { minimumFractionDigits: 1, maximumFractionDigits: size < 1 ? 2 : 1 })
    : String(Number(size.toPrecision(digits)));
}
