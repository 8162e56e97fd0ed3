import { createHash } from 'node:crypto';
import { metricLines, provenance } from '../../protocol/formatReport.js';
import { isKnownBlock } from '../../protocol/knownBlocks.js';
import type { Report } from '../../protocol/report.js';
import { arrayTable, placedBlocks, reportFacts } from '../../protocol/reportLayout.js';
import { escapeHtml } from './escape.js';
import { folded, htmlBlock, metricCards } from './htmlBlocks.js';
import { askedData } from './htmlParts.js';
import { htmlStyle } from './htmlStyle.js';
import { htmlTable } from './htmlTable.js';

/**
 * Returns a report as one HTML page that stands alone: charts drawn, pictures inside, nothing loaded.
 *
 * `script` may enhance the page (it sorts tables, and says what pieces are and how to ask about them); the page reads as well without. The content security policy allows
 * this style sheet and this script by their hashes, and data URIs of pictures and sounds, nothing else.
 */
export async function toHtml(report: Report, reportDir: string, script = ''): Promise<string> {
  const blocks: string[] = [];
  for (const block of placedBlocks(report)) blocks.push(await htmlBlock(block, { report, reportDir }));
  const title = `${report.title} · ${report.model.name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentPolicy(script)}">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="generator" content="Neuron Inspector ${escapeHtml(report.tool.version)}">
<title>${escapeHtml(title)}</title>
<style>${htmlStyle}</style>
</head>
<body>
<main>
${pageHeader(report)}
${blocks.filter((block) => block !== '').join('\n')}
${howComputed(report)}
<footer>Neuron Inspector ${escapeHtml(report.tool.version)} · ${escapeHtml(report.createdAt)}</footer>
</main>
${script === '' ? '' : `${askedData(report)}<script>${script}</script>\n`}</body>
</html>
`;
}

function contentPolicy(script: string): string {
  const scripts = script === '' ? '' : ` script-src ${hashSource(script)};`;
  return `default-src 'none'; style-src ${hashSource(htmlStyle)};${scripts} img-src data:; media-src data:; base-uri 'none'; form-action 'none'`;
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;
}

function pageHeader(report: Report): string {
  const facts = provenance(report).map((fact) =>
    fact === report.status
      ? `<li><span class="status ${report.status}">${escapeHtml(fact)}</span></li>`
      : `<li>${escapeHtml(fact)}</li>`,
  );
  const warnings = report.warnings.map((warning) => `<p class="note">${escapeHtml(warning)}</p>`);
  return `<header><h1>${escapeHtml(report.title)} <span class="model">· ${escapeHtml(report.model.name)}</span></h1>
<p class="lead">${escapeHtml(report.summary)}</p>
<ul class="facts">${facts.join('')}</ul>${warnings.join('')}</header>`;
}

function howComputed(report: Report): string {
  const list = reportFacts(report)
    .map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`)
    .join('');
  const arrays = arrayTable(report);
  const table = arrays === undefined ? '' : htmlTable(arrays, 'Arrays');
  return folded('How it was computed', `<dl class="how">${list}</dl>${allMetrics(report)}${table}`);
}

/** Metrics that no block shows are still part of the answer. */
function allMetrics(report: Report): string {
  const hasBlock = report.blocks.some((block) => isKnownBlock(block) && block.type === 'metrics');
  return hasBlock ? metricCards(metricLines(report)) : '';
}
