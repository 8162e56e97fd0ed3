import type { Block, TableBlock } from './blocks.js';
import { countedSamples, formatBytes, formatDuration } from './formatReport.js';
import type { Report, UnknownBlock } from './report.js';

// What stands where in a report, in one place: a page and its exports have the same parts.

/** Returns the blocks of a report with its metrics and findings first where no block shows them. */
export function placedBlocks(report: Report): readonly (Block | UnknownBlock)[] {
  const types = new Set(report.blocks.map((block) => block.type));
  const missing: Block[] = [];
  if (!types.has('metrics') && Object.keys(report.metrics).length > 0) {
    missing.push({ type: 'metrics', items: [] });
  }
  if (!types.has('findings') && report.findings.length > 0) {
    missing.push({ type: 'findings', title: 'Findings' });
  }
  return [...missing, ...report.blocks];
}

/** Returns the heading of a block, when it has one. */
export function blockHeading(block: Block | UnknownBlock): string | undefined {
  return block.title ?? (block.type === 'citation' ? 'Papers' : undefined);
}

/** Returns what a report was made of, name and value, in the order that a reader asks. */
export function reportFacts(report: Report): readonly (readonly [string, string])[] {
  return [
    ['Question', report.question],
    ['Analysis', report.analysis],
    ['Model', `${report.model.path} (${formatBytes(report.model.sizeBytes)})`],
    ['SHA-256', report.model.sha256 ?? 'not computed'],
    ['Data', dataText(report)],
    ...Object.entries(report.settings).map(([key, value]): [string, string] => [
      `Setting ${key}`,
      settingText(value),
    ]),
    ['Seed', String(report.seed)],
    ['Provider', `${report.provider}, batch ${report.batchSize}, runtime ${report.tool.runtime}`],
    ['Made', `${report.createdAt} in ${formatDuration(report.durationMs)}`],
  ];
}

/** Returns a setting as a person reads it. */
export function settingText(value: unknown): string {
  if (value === null || value === undefined) return 'not set';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Returns the arrays of a report as a table; undefined when it has none. */
export function arrayTable(report: Report): Pick<TableBlock, 'columns' | 'rows'> | undefined {
  const rows = Object.entries(report.arrays).map(([name, { shape, dtype, file }]) => ({
    name,
    shape: shape.length === 0 ? 'scalar' : shape.join(' × '),
    dtype,
    file: file ?? null,
  }));
  if (rows.length === 0) return undefined;
  const columns: TableBlock['columns'] = [
    { key: 'name', label: 'Array', kind: 'text' },
    { key: 'shape', label: 'Shape', kind: 'text' },
    { key: 'dtype', label: 'Type', kind: 'text' },
    { key: 'file', label: 'File', kind: 'text' },
  ];
  return { columns, rows };
}

function dataText({ data }: Report): string {
  if (data === null) return 'none';
  const describing = data.inspectFile ?? data.describedBy;
  const described = describing === undefined ? '' : `, fed as ${describing} says`;
  return `${data.path ?? ''} (${data.kind}, ${countedSamples(data)})${described}`;
}
