import type { TableBlock } from '../../protocol/blocks.js';
import type { Report } from '../../protocol/report.js';
import { settingText } from '../../protocol/reportLayout.js';
import { type Sides, usedCountOf } from './sides.js';

/** Returns when the two runs were made and what they were told differently. */
export function originTable({ before, after, names }: Sides): TableBlock {
  const [old, now] = [originsOf(before), originsOf(after)];
  const rows = [...new Set([...now.keys(), ...old.keys()])]
    .map((what) => ({ what, before: old.get(what) ?? null, after: now.get(what) ?? null }))
    .filter((row) => row.before !== row.after);
  const made = { what: 'Made', before: timeText(before.createdAt), after: timeText(after.createdAt) };
  return {
    type: 'table',
    title: 'What they were made of',
    columns: [
      { key: 'what', label: 'What differs', kind: 'text' },
      { key: 'before', label: names[0], kind: 'text' },
      { key: 'after', label: names[1], kind: 'text' },
    ],
    rows: [...rows, made],
  };
}

/** Returns why differences may come from something else than the model. */
export function originWarnings({ before, after, names }: Sides): string[] {
  const warnings: string[] = [];
  if (before.data?.path !== after.data?.path) {
    warnings.push('They were measured on different data: differences may come from the data alone.');
  } else if (usedCountOf(before) !== usedCountOf(after)) {
    warnings.push(
      'They were measured on different numbers of samples: compare shares and rates, not counts.',
    );
  }
  for (const [index, { status }] of [before, after].entries()) {
    if (status === 'complete') continue;
    warnings.push(`The report "${names[index] ?? ''}" is ${status}: its numbers are not final.`);
  }
  return warnings;
}

/** `2026-01-02 10:42:05 UTC`: reports keep their times in UTC. */
function timeText(createdAt: string): string {
  return `${createdAt.slice(0, 19).replace('T', ' ')} UTC`;
}

function originsOf(report: Report): Map<string, string> {
  const { model, data, tool } = report;
  return new Map([
    ['Model', model.path],
    // The same file at another time is another model.
    ['Model content', model.sha256 ?? `${String(model.sizeBytes)} bytes`],
    ['Data', data?.path ?? 'none'],
    ['Samples', String(usedCountOf(report))],
    ...Object.entries(report.settings).map(([key, value]): [string, string] => [key, settingText(value)]),
    ['Seed', String(report.seed)],
    ['Provider', report.provider],
    ['Batch size', String(report.batchSize)],
    ['Neuron Inspector', tool.version],
    ['Runtime', tool.runtime],
  ]);
}
