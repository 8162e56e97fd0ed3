import type { TableBlock } from '../../protocol/blocks.js';
import type { Report } from '../../protocol/report.js';
import { settingText } from '../../protocol/reportLayout.js';
import type { Sides } from './sides.js';

/** Returns what the two runs were told differently, or undefined when that is nothing. */
export function originTable({ before, after, names }: Sides): TableBlock | undefined {
  const [old, now] = [originsOf(before), originsOf(after)];
  const rows = [...new Set([...now.keys(), ...old.keys()])]
    .map((what) => ({ what, before: old.get(what) ?? null, after: now.get(what) ?? null }))
    .filter((row) => row.before !== row.after);
  if (rows.length === 0) return undefined;
  return {
    type: 'table',
    title: 'What they were made of',
    columns: [
      { key: 'what', label: 'What differs', kind: 'text' },
      { key: 'before', label: names[0], kind: 'text' },
      { key: 'after', label: names[1], kind: 'text' },
    ],
    rows,
  };
}

/** Returns why differences may come from something else than the model. */
export function originWarnings({ before, after }: Sides): string[] {
  const warnings: string[] = [];
  if (before.data?.path !== after.data?.path) {
    warnings.push('They were measured on different data: differences may come from the data alone.');
  } else if (before.data?.sampleCount !== after.data?.sampleCount) {
    warnings.push(
      'They were measured on different numbers of samples: compare shares and rates, not counts.',
    );
  }
  for (const report of [before, after]) {
    if (report.status === 'complete') continue;
    warnings.push(`The report of ${report.createdAt} is ${report.status}: its numbers are not final.`);
  }
  return warnings;
}

function originsOf(report: Report): Map<string, string> {
  const { model, data, tool } = report;
  return new Map([
    ['Model', model.path],
    // The same file at another time is another model.
    ['Model content', model.sha256 ?? `${String(model.sizeBytes)} bytes`],
    ['Data', data?.path ?? 'none'],
    ['Samples', String(data?.sampleCount ?? 0)],
    ...Object.entries(report.settings).map(([key, value]): [string, string] => [key, settingText(value)]),
    ['Seed', String(report.seed)],
    ['Provider', report.provider],
    ['Batch size', String(report.batchSize)],
    ['Neuron Inspector', tool.version],
    ['Runtime', tool.runtime],
  ]);
}
