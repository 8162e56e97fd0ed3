import type { Report } from '../../protocol/report.js';

/** Two reports of one analysis, the older first, and what to call them. */
export interface Sides {
  readonly before: Report;
  readonly after: Report;
  /** Short and different: they head columns. */
  readonly names: readonly [string, string];
}

/** Returns the reports in the order of their times, named by what tells them apart: models, data, samples or times. */
export function sidesOf(first: Report, second: Report): Sides {
  const [before, after] = first.createdAt <= second.createdAt ? [first, second] : [second, first];
  const names = namings
    .map((nameOf): [string, string] => [nameOf(before), nameOf(after)])
    .find(([a, b]) => a !== b && a !== '' && b !== '');
  return { before, after, names: names ?? ['first', 'second'] };
}

const namings: readonly ((report: Report) => string)[] = [
  (report) => report.model.name,
  (report) => lastPart(report.data?.path ?? ''),
  (report) => timeText(report.createdAt, { isShort: true }),
  (report) => timeText(report.createdAt, { isShort: false }),
];

function lastPart(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? '';
}

/** `10:42` of the same day tells two runs apart; otherwise the day is needed, and seconds. In UTC, as reports keep it. */
function timeText(createdAt: string, { isShort }: { readonly isShort: boolean }): string {
  const [day = '', time = ''] = createdAt.split('T');
  return isShort ? `${day} ${time.slice(0, 5)}` : `${day} ${time.slice(0, 12)}`;
}
