import { micromark } from 'micromark';
import type { Block, ChartBlock, TokensBlock, TreeBlock } from '../../protocol/blocks.js';
import { blockMetrics, formatNumber, type MetricLine } from '../../protocol/formatReport.js';
import { isKnownBlock } from '../../protocol/knownBlocks.js';
import type { Report, UnknownBlock } from '../../protocol/report.js';
import { blockHeading } from '../../protocol/reportLayout.js';
import { chartSvg } from './chartSvg.js';
import { escapeHtml } from './escape.js';
import { audioFigures } from './htmlAudio.js';
import {
  compareFigures,
  legend,
  overlayFigures,
  type PictureContext,
  pictureFigure,
} from './htmlPictures.js';
import { partsAttribute } from './htmlParts.js';
import { htmlTable } from './htmlTable.js';
import { tokenSteps } from './htmlStyle.js';

/** What blocks need from the page around them. */
interface BlockContext extends PictureContext {
  readonly report: Report;
}

/** Returns a block as HTML with its title, folded when the block says so. */
export async function htmlBlock(block: Block | UnknownBlock, context: BlockContext): Promise<string> {
  const body = isKnownBlock(block) ? await bodyOf(block, context) : `<p>${escapeHtml(block.alt ?? '')}</p>`;
  if (body === '') return '';
  if (isKnownBlock(block) && block.folded === true) return folded(block.title ?? 'More', body);
  const heading = blockHeading(block);
  const title = heading === undefined ? '' : `<h2>${escapeHtml(heading)}</h2>`;
  return `<section>${title}${body}</section>`;
}

/** Returns content that is hidden until asked for. */
export function folded(title: string, body: string): string {
  return `<details><summary>${escapeHtml(title)}</summary><div>${body}</div></details>`;
}

/** Returns numbers as a grid of cards, each with its evidence. */
export function metricCards(lines: readonly MetricLine[]): string {
  if (lines.length === 0) return '';
  const cards = lines.map(
    ({ label, value, evidence }) =>
      `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd><dd>${escapeHtml(evidence)}</dd></div>`,
  );
  return `<dl class="metrics">${cards.join('')}</dl>`;
}

/** The worst first as the report has them. */
function findingList(report: Report): string {
  if (report.findings.length === 0) return '';
  const items = report.findings.map(({ severity, address, message, advice }) => {
    const where =
      address === undefined || message.includes(address)
        ? ''
        : `<span class="address">${escapeHtml(address)}</span> `;
    return `<li><span class="severity ${severity}">${severity}</span><span>${where}${escapeHtml(message)}</span><p class="advice">${escapeHtml(advice)}</p></li>`;
  });
  return `<ul class="findings">${items.join('')}</ul>`;
}

async function bodyOf(block: Block, context: BlockContext): Promise<string> {
  switch (block.type) {
    case 'markdown':
      return markdownHtml(block.text);
    case 'metrics':
      return metricCards(blockMetrics(context.report, block));
    case 'table':
      return htmlTable(block, block.title ?? 'Table');
    case 'chart':
      return chartFigure(block);
    case 'image':
      return pictureFigure(block.image, context);
    case 'image-grid':
      return `<div class="grid">${block.images.map((image) => pictureFigure(image, context)).join('')}</div>`;
    case 'overlay':
      return overlayFigures(block, context);
    case 'tokens':
      return tokenText(block);
    case 'compare':
      return compareFigures(block, context);
    case 'audio':
      return audioFigures(block, context.reportDir);
    case 'tree':
      return `<ul class="tree">${treeItem(block.root)}</ul>`;
    case 'citation':
      return paperList(context.report, block.papers);
    case 'warning':
      return `<p class="note">${escapeHtml(block.message)} ${escapeHtml(block.advice ?? '')}</p>`;
    case 'findings':
      return findingList(context.report);
  }
}

/** Pictures in Markdown would be loaded from elsewhere, and raw HTML is text: micromark escapes it by default. */
function markdownHtml(text: string): string {
  return micromark(text, { extensions: [{ disable: { null: ['labelStartImage'] } }] });
}

async function chartFigure(block: ChartBlock): Promise<string> {
  const table = htmlTable(
    { ...block.table, ...(block.parts === undefined ? {} : { parts: block.parts }) },
    block.title ?? 'Chart data',
  );
  const svg = await chartSvg(block);
  if (svg === undefined) {
    return `<p class="muted">The chart could not be drawn; its data follows.</p>${table}`;
  }
  const label = escapeHtml(block.alt ?? block.title ?? 'Chart; its data follows as a table.');
  return `<figure class="chart">${svg.replace('<svg ', `<svg aria-label="${label}" `)}</figure>${folded('Data as a table', table)}`;
}

function tokenText(block: TokensBlock): string {
  const limit = Number(block.limit);
  const spans = block.tokens.map(({ text, value }) => {
    const number = Number(value);
    const share = limit > 0 && Number.isFinite(number) ? Math.min(1, Math.abs(number) / limit) : 0;
    const step = Math.round(share * tokenSteps);
    const className = step === 0 ? '' : ` class="${number < 0 ? 'n' : 'p'}${step}"`;
    return `<span${className} title="${formatNumber(value)}">${escapeHtml(text)}</span>`;
  });
  const values = block.tokens.map(({ value }) => value);
  const attribute = partsAttribute(block.parts, 0, { counts: [values.length], values });
  return `<p class="tokens"${attribute}>${spans.join('')}</p>${legend(block)}`;
}

function treeItem(node: TreeBlock['root']): string {
  const detail = node.detail === undefined ? '' : ` <span class="muted">${escapeHtml(node.detail)}</span>`;
  const children = node.children ?? [];
  const inner = children.length === 0 ? '' : `<ul>${children.map(treeItem).join('')}</ul>`;
  return `<li>${escapeHtml(node.label)}${detail}${inner}</li>`;
}

function paperList(report: Report, ids: readonly string[]): string {
  const items = report.papers
    .filter((paper) => ids.includes(paper.id))
    .map(({ title, url }) => {
      const isLink = url !== undefined && /^https?:\/\//.test(url);
      return `<li>${isLink ? `<a href="${escapeHtml(url)}" rel="noreferrer">${escapeHtml(title)}</a>` : escapeHtml(title)}</li>`;
    });
  return items.length === 0 ? '' : `<ul class="papers">${items.join('')}</ul>`;
}
