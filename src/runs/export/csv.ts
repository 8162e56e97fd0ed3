import { csvText } from '../../protocol/csvText.js';
import type { TableBlock, TableCell } from '../../protocol/blocks.js';
import { columnHeading, formatEvidence, metricLines } from '../../protocol/formatReport.js';
import { isKnownBlock } from '../../protocol/knownBlocks.js';
import type { Report } from '../../protocol/report.js';

/**
 * Returns a report as CSV for a spreadsheet: the tables with their numbers unrounded, one under the other with their
 * titles, then metrics and findings; a single table without its title when that is all there is.
 *
 * Text that a spreadsheet would run as a formula is kept as text by a leading apostrophe.
 */
export function toCsv(report: Report): string {
  const sections = [...tableSections(report), metricSection(report), findingSection(report)];
  const filled = sections.filter((section) => section.rows.length > 0);
  return filled.map(({ title, header, rows }) => csvText([[title], header, ...rows])).join('\r\n');
}

interface Section {
  readonly title: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

function tableSections(report: Report): Section[] {
  const sections: Section[] = [];
  for (const block of report.blocks) {
    if (!isKnownBlock(block)) continue;
    if (block.type === 'table') sections.push(tableSection(block.title ?? report.title, block));
    if (block.type === 'chart') sections.push(tableSection(block.title ?? 'Chart', block.table));
  }
  return sections;
}

function tableSection(title: string, { columns, rows }: Pick<TableBlock, 'columns' | 'rows'>): Section {
  return {
    title,
    header: columns.map(columnHeading),
    rows: rows.map((row) => columns.map((column) => rawCell(row[column.key]))),
  };
}

function rawCell(cell: TableCell | undefined): string | number {
  return cell ?? '';
}

function metricSection(report: Report): Section {
  return {
    title: 'Metrics',
    header: ['metric', 'value', 'evidence'],
    rows: metricLines(report).map(({ metric }) => [
      metric,
      report.metrics[metric] ?? '',
      formatEvidence(report.evidence[metric], report.data?.sampleCount),
    ]),
  };
}

function findingSection(report: Report): Section {
  return {
    title: 'Findings',
    header: ['severity', 'address', 'message', 'advice'],
    rows: report.findings.map(({ severity, address, message, advice }) => [
      severity,
      address ?? '',
      message,
      advice,
    ]),
  };
}
