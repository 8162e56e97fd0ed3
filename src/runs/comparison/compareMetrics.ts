import type { MetricsBlock, TableBlock } from '../../protocol/blocks.js';
import { metricLines, type NumberFormat } from '../../protocol/formatReport.js';
import type { Report } from '../../protocol/report.js';
import { difference, formatDifference } from './difference.js';
import type { Sides } from './sides.js';

/** A metric of both reports. */
export interface MetricChange {
  readonly label: string;
  readonly before: string;
  readonly after: string;
  /** In words, with its sign. */
  readonly change: string;
  readonly isChanged: boolean;
  readonly evidence: string;
}

/** Returns every metric of either report, in the order of the newer one, those of the older alone last. */
export function metricChanges({ before, after }: Sides): MetricChange[] {
  const beforeLines = new Map(metricLines(before).map((line) => [line.metric, line]));
  const afterLines = new Map(metricLines(after).map((line) => [line.metric, line]));
  const names = new Set([...afterLines.keys(), ...beforeLines.keys()]);
  return [...names].map((name) => {
    const [old, now] = [beforeLines.get(name), afterLines.get(name)];
    const format = formatOf(after, name) ?? formatOf(before, name);
    const value = difference(before.metrics[name], after.metrics[name]);
    return {
      label: now?.label ?? old?.label ?? name,
      before: old?.value ?? '–',
      after: now?.value ?? '–',
      change: formatDifference(value, format),
      isChanged: before.metrics[name] !== after.metrics[name],
      evidence: evidenceText(old?.evidence ?? '', now?.evidence ?? ''),
    };
  });
}

/** Returns the metrics side by side. */
export function metricTable(changes: readonly MetricChange[], { names }: Sides): TableBlock {
  return {
    type: 'table',
    title: 'Numbers',
    columns: [
      { key: 'label', label: 'Metric', kind: 'text' },
      // Formatted here, because each row has a format of its own.
      { key: 'before', label: names[0], kind: 'number' },
      { key: 'after', label: names[1], kind: 'number' },
      {
        key: 'change',
        label: 'Difference',
        kind: 'number',
        description: `${names[1]} minus ${names[0]}; shares differ in percentage points (pp).`,
      },
      { key: 'evidence', label: 'Evidence', kind: 'text' },
    ],
    rows: changes.map(({ label, before, after, change, evidence }) => ({
      label,
      before,
      after,
      change,
      evidence,
    })),
  };
}

function formatOf(report: Report, metric: string): NumberFormat | undefined {
  for (const block of report.blocks) {
    if (block.type !== 'metrics' || !('items' in block)) continue;
    // Checked against its schema when the report was read.
    const item = (block as MetricsBlock).items.find((one) => one.metric === metric);
    if (item !== undefined) return item.format ?? 'number';
  }
  return undefined;
}

function evidenceText(before: string, after: string): string {
  return before === after || before === '' || after === '' ? after || before : `${before}; ${after}`;
}
