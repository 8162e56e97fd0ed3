import { type Block } from '../protocol/blocks.js';
import { type MetricLine, metricLines, provenance } from '../protocol/formatReport.js';
import { isKnownBlock } from '../protocol/knownBlocks.js';
import type { Finding, Report } from '../protocol/report.js';
import { type Paint, safeText, wrap } from './paint.js';
import { renderTable } from './renderTable.js';

/** What a metric is called. */
export interface MetricTitle {
  readonly title: string;
}

/** How a report is drawn. */
export interface RenderOptions {
  readonly width: number;
  readonly paint: Paint;
  /** Titles of metrics, by key, for those that the report shows nowhere else. */
  readonly metrics?: Readonly<Record<string, MetricTitle>>;
}

/** Rows of the first table, which answers the question, and of those after it. */
const maxFirstRows = 20;
const maxLaterRows = 8;
const maxFindings = 12;
const indent = '  ';

/** Returns a report as text for a terminal: what was found first, what it rests on last. */
export function renderReport(report: Report, options: RenderOptions): string {
  const { paint, width } = options;
  const sections = [
    [
      `${paint.bold(safeText(report.title))} ${paint.dim(`· ${safeText(report.model.name)}`)}`,
      ...wrap(safeText(report.summary), width),
    ],
    warningLines(report, options),
    metricSection(report, options),
    ...tableSections(report, options),
    findingSection(report, options),
    restSection(report, options),
    paperSection(report, options),
    [paint.dim(provenance(report).join(' · '))],
  ];
  return `${sections
    .filter((section) => section.length > 0)
    .map((section) => section.join('\n'))
    .join('\n\n')}\n`;
}

function warningLines(report: Report, { paint, width }: RenderOptions): string[] {
  const messages = [...report.warnings];
  for (const block of report.blocks) {
    if (!isKnownBlock(block) || block.type !== 'warning') continue;
    messages.push([block.message, block.advice ?? ''].join(' ').trim());
  }
  return [...new Set(messages)].flatMap((message) =>
    hanging(safeText(message), `${paint.yellow('!')} `, { width, prefixWidth: 2 }),
  );
}

/** Metrics without a value that are named: a checkup has one for everything that was not asked. */
const maxMissingCount = 8;

/** Metrics; those without a value in one line at the end, whose reasons the report has. */
function metricSection(report: Report, { paint, width, metrics }: RenderOptions): string[] {
  const all = metricLines(report, metrics);
  const isMissing = ({ metric }: MetricLine): boolean => report.evidence[metric]?.kind === 'not-captured';
  const lines = all.filter((line) => !isMissing(line));
  const missing = all.filter(isMissing).map(({ label }) => safeText(label));
  const labelWidth = Math.max(0, ...lines.map((line) => safeText(line.label).length));
  const valueWidth = Math.max(0, ...lines.map((line) => line.value.length));
  const shown = lines.map((line) => {
    const label = safeText(line.label).padEnd(labelWidth);
    const text = `${label}  ${paint.bold(line.value.padStart(valueWidth))}  ${paint.dim(safeText(line.evidence))}`;
    return text.trimEnd();
  });
  if (missing.length === 0) return shown;
  const more = missing.length - maxMissingCount;
  const named = more > 1 ? [...missing.slice(0, maxMissingCount), `${more} more`] : missing;
  return [...shown, ...hanging(named.join(', '), 'not captured: ', { width, prefixWidth: 14 })];
}

/** Tables that are not folded away; charts show their table twin. */
function tableSections(report: Report, { paint, width }: RenderOptions): string[][] {
  const sections: string[][] = [];
  for (const block of report.blocks) {
    if (!isKnownBlock(block) || block.type !== 'table' || block.folded === true) continue;
    const title = block.title === undefined ? [] : [paint.bold(safeText(block.title))];
    if (block.rows.length === 0) continue;
    const maxRows = sections.length === 0 ? maxFirstRows : maxLaterRows;
    sections.push([...title, ...renderTable(block, { width, maxRows, paint })]);
  }
  return sections;
}

function findingSection(report: Report, options: RenderOptions): string[] {
  if (report.findings.length === 0) return [];
  const lines = [options.paint.bold('Findings')];
  for (const finding of report.findings.slice(0, maxFindings)) lines.push(...findingLines(finding, options));
  const more = report.findings.length - maxFindings;
  if (more > 0) lines.push(options.paint.dim(`… ${more.toLocaleString('en-US')} more findings`));
  return lines;
}

function findingLines(finding: Finding, { paint, width }: RenderOptions): string[] {
  const paintSeverity = { error: paint.red, warning: paint.yellow, info: paint.dim }[finding.severity];
  const address = finding.address === undefined ? '' : `${safeText(finding.address)}: `;
  // Messages that name the address already do not get it twice.
  const message = safeText(finding.message);
  const text = address !== '' && message.includes(finding.address ?? '') ? message : address + message;
  const severity = finding.severity.padEnd(8);
  return [
    ...hanging(text, paintSeverity(severity), { width, prefixWidth: 8 }),
    ...hanging(safeText(finding.advice), paint.dim('      → '), { width, prefixWidth: 8 }),
  ];
}

/** What a terminal cannot show is named, so that nobody believes there is nothing. */
function restSection(report: Report, { paint, width }: RenderOptions): string[] {
  const names: string[] = [];
  for (const block of report.blocks) {
    if (!isKnownBlock(block)) names.push(block.alt ?? block.title ?? `a block of type ${block.type}`);
    else if (isPicture(block)) names.push(block.title ?? block.alt ?? block.type);
  }
  if (names.length === 0) return [];
  const text = `Also in the report: ${names.map((name) => safeText(name).replace(/\.$/, '')).join('; ')}. Write it with --report FILE, then export it with --html.`;
  return wrap(text, width).map(paint.dim);
}

function isPicture(block: Block): boolean {
  const pictures: Block['type'][] = [
    'chart',
    'image',
    'image-grid',
    'overlay',
    'tokens',
    'compare',
    'audio',
    'tree',
  ];
  return pictures.includes(block.type);
}

function paperSection(report: Report, { paint, width }: RenderOptions): string[] {
  return citedPapers(report).flatMap((paper) =>
    hanging(
      safeText([paper.title, /^https?:/.test(paper.url ?? '') ? (paper.url ?? '') : ''].join(' ').trim()),
      '',
      { width, prefixWidth: indent.length },
    ).map(paint.dim),
  );
}

/** The papers behind these numbers; all of the analysis's when no block says which. */
function citedPapers(report: Report): Report['papers'] {
  const cited = new Set<string>();
  for (const block of report.blocks) {
    if (!isKnownBlock(block) || block.type !== 'citation') continue;
    for (const id of block.papers) cited.add(id);
  }
  return cited.size === 0 ? report.papers : report.papers.filter((paper) => cited.has(paper.id));
}

/** Wraps a text behind a prefix; further lines are indented to its width. */
function hanging(
  text: string,
  prefix: string,
  { width, prefixWidth }: { readonly width: number; readonly prefixWidth: number },
): string[] {
  return wrap(text, Math.max(20, width - prefixWidth)).map((line, index) =>
    index === 0 ? prefix + line : ' '.repeat(prefixWidth) + line,
  );
}
