import type { Report } from '../../protocol/report.js';

/** Two reports of one analysis, the older first, and what to call them. */
export interface Sides {
  readonly before: Report;
  readonly after: Report;
  /** Short and different: they head columns. */
  readonly names: readonly [string, string];
}

/** Returns the reports in the order of their times, named by what tells them apart: models, methods, data, samples; else by order. */
export function sidesOf(first: Report, second: Report): Sides {
  const [before, after] = first.createdAt <= second.createdAt ? [first, second] : [second, first];
  const names = namings
    .map((nameOf): [string, string] => [nameOf(before), nameOf(after)])
    .find(([a, b]) => a !== b && a !== '' && b !== '');
  return { before, after, names: names ?? ['before', 'after'] };
}

/** Returns how many samples a report's answer rests on; 0 without data. */
export function usedCountOf({ data }: Report): number {
  return data?.usedCount ?? data?.sampleCount ?? 0;
}

const namings: readonly ((report: Report) => string)[] = [
  (report) => report.model.name,
  (report) => report.title,
  (report) => lastPart(report.data?.path ?? ''),
  (report) => samplesText(usedCountOf(report)),
];

function lastPart(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? '';
}

function samplesText(count: number): string {
  return `${count.toLocaleString('en-US')} sample${count === 1 ? '' : 's'}`;
}
