import type {
  AudioBlock,
  Block,
  CompareBlock,
  OverlayBlock,
  TableBlock,
  TreeBlock,
} from '../../protocol/blocks.js';
import {
  columnHeading,
  counted,
  formatCell,
  formatNumber,
  isNumeric,
  metricLines,
  provenance,
} from '../../protocol/formatReport.js';
import { isKnownBlock } from '../../protocol/knownBlocks.js';
import type { Report, UnknownBlock } from '../../protocol/report.js';
import { relevantSpans, spanText } from '../../protocol/soundShape.js';
import { escapeMarkdown } from './escape.js';

/** Longer tables are cut, with a line that says so: nobody scrolls a thousand rows of Markdown. */
const maxRows = 50;

/** Returns a report as Markdown that reads well as plain text too; pictures become their descriptions. */
export function toMarkdown(report: Report): string {
  const parts = [
    `# ${escapeMarkdown(report.title)} · ${escapeMarkdown(report.model.name)}`,
    escapeMarkdown(report.summary),
    ...report.warnings.map((warning) => `> **Warning:** ${escapeMarkdown(warning)}`),
    metricTable(report),
    findingList(report),
    ...report.blocks.map((block) => blockText(report, block)),
    `*${escapeMarkdown(provenance(report).join(' · '))} · Neuron Inspector ${escapeMarkdown(report.tool.version)}*`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function blockText(report: Report, block: Block | UnknownBlock): string {
  if (!isKnownBlock(block)) return escapeMarkdown(block.alt ?? block.title ?? '');
  const heading = block.title === undefined ? '' : `## ${escapeMarkdown(block.title)}`;
  const body = bodyOf(report, block);
  return body === '' ? '' : [heading, body].filter((part) => part !== '').join('\n\n');
}

function bodyOf(report: Report, block: Block): string {
  switch (block.type) {
    case 'markdown':
      return withoutHtml(block.text);
    case 'table':
      return tableText(block);
    case 'chart':
      return [escapeMarkdown(block.alt ?? ''), tableText(block.table)]
        .filter((part) => part !== '')
        .join('\n\n');
    case 'image':
      return escapeMarkdown(`${block.image.caption ?? ''} ${block.image.alt}`.trim());
    case 'image-grid':
      return block.images
        .map((image) => `- ${escapeMarkdown(`${image.caption ?? ''} ${image.alt}`.trim())}`)
        .join('\n');
    case 'overlay':
      return overlayText(block);
    case 'tokens':
      return block.tokens
        .map((token) => `${escapeMarkdown(token.text)} (${formatNumber(token.value)})`)
        .join(' ');
    case 'compare':
      return block.items.map(({ caption, sides }) => compareText(caption, sides)).join('\n');
    case 'audio':
      return block.items.map(soundText).join('\n');
    case 'tree':
      return treeText(block.root, 0).join('\n');
    case 'citation':
      return citationText(report, block.papers);
    case 'warning':
      return `> **Warning:** ${escapeMarkdown(`${block.message} ${block.advice ?? ''}`.trim())}`;
    // Both stand at the top already.
    case 'metrics':
    case 'findings':
      return '';
  }
}

/** Reports may come from others: markup in their text stays text, and pictures stay links. */
function withoutHtml(text: string): string {
  return text.replace(/<(?=[a-z/!?])(?!https?:)/gi, '&lt;').replaceAll('![', '[');
}

function metricTable(report: Report): string {
  const rows = metricLines(report).map(({ label, value, evidence }) => row([label, value, evidence]));
  return rows.length === 0 ? '' : [row(['Metric', 'Value', 'Evidence']), '|---|--:|---|', ...rows].join('\n');
}

function findingList(report: Report): string {
  if (report.findings.length === 0) return '';
  const items = report.findings.map(({ severity, address, message, advice }) => {
    const where = address === undefined ? '' : ` ${escapeMarkdown(address)}:`;
    return `- **${severity}**${where} ${escapeMarkdown(message)} ${escapeMarkdown(advice)}`;
  });
  return ['## Findings', '', ...items].join('\n');
}

function tableText({
  columns,
  rows,
  omittedRowCount = 0,
}: Pick<TableBlock, 'columns' | 'rows' | 'omittedRowCount'>): string {
  const shown = rows.slice(0, maxRows);
  const lines = [
    row(columns.map(columnHeading)),
    `|${columns.map((column) => (isNumeric(column) ? '--:' : '---')).join('|')}|`,
    ...shown.map((cells) => row(columns.map((column) => formatCell(cells[column.key], column)))),
  ];
  const more = rows.length - shown.length + omittedRowCount;
  return more === 0 ? lines.join('\n') : `${lines.join('\n')}\n\n*… ${counted(more, 'more row')}*`;
}

function overlayText(block: OverlayBlock): string {
  return block.items
    .map((item) => `- ${escapeMarkdown(item.caption)} (${item.width} × ${item.height} values)`)
    .join('\n');
}

function compareText(caption: string, sides: CompareBlock['items'][number]['sides']): string {
  return `- ${escapeMarkdown(caption)}: ${sides.map(({ label }) => escapeMarkdown(label)).join(' beside ')}`;
}

function soundText({ caption, durationSeconds, values }: AudioBlock['items'][number]): string {
  const spans = relevantSpans(values, durationSeconds).map(spanText).join(', ');
  return `- ${escapeMarkdown(caption)} (${durationSeconds.toFixed(2)} s)${spans === '' ? '' : `: what matters most is at ${spans}`}`;
}

function treeText(node: TreeBlock['root'], depth: number): string[] {
  const detail = node.detail === undefined ? '' : ` ${escapeMarkdown(node.detail)}`;
  const children = node.children ?? [];
  return [
    `${'  '.repeat(depth)}- ${escapeMarkdown(node.label)}${detail}`,
    ...children.flatMap((child) => treeText(child, depth + 1)),
  ];
}

function citationText(report: Report, ids: readonly string[]): string {
  const items = report.papers
    .filter((paper) => ids.includes(paper.id))
    .map(({ title, url }) =>
      url === undefined || !/^https?:/.test(url)
        ? `- ${escapeMarkdown(title)}`
        : `- ${escapeMarkdown(title)} <${encodeURI(url)}>`,
    );
  return items.join('\n');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(escapeMarkdown).join(' | ')} |`;
}
