import { createHash } from 'node:crypto';
import { formatBytes, formatDuration, metricLines, provenance } from '../../protocol/formatReport.js';
import { isKnownBlock, type Report } from '../../protocol/report.js';
import { escapeHtml } from './escape.js';
import { findingList, folded, htmlBlock, metricCards } from './htmlBlocks.js';
import { htmlStyle } from './htmlStyle.js';
import { htmlTable } from './htmlTable.js';

/**
 * Returns a report as one HTML page that stands alone: charts drawn, pictures inside, nothing loaded.
 *
 * `script` may enhance the page (it sorts tables); the page reads as well without. The content security policy allows
 * this style sheet and this script by their hashes, and data URIs of pictures, nothing else.
 */
export async function toHtml(report: Report, reportDir: string, script = ''): Promise<string> {
  const blocks: string[] = [];
  for (const block of report.blocks) blocks.push(await htmlBlock(block, { report, reportDir }));
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
${notPlaced(report)}
${blocks.filter((block) => block !== '').join('\n')}
${howComputed(report)}
<footer>Neuron Inspector ${escapeHtml(report.tool.version)} · ${escapeHtml(report.createdAt)}</footer>
</main>
${script === '' ? '' : `<script>${script}</script>\n`}</body>
</html>
`;
}

function contentPolicy(script: string): string {
  const scripts = script === '' ? '' : ` script-src ${hashSource(script)};`;
  return `default-src 'none'; style-src ${hashSource(htmlStyle)};${scripts} img-src data:; base-uri 'none'; form-action 'none'`;
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

/** Metrics and findings stand where their blocks are; a report without such blocks gets them first. */
function notPlaced(report: Report): string {
  const types = new Set(report.blocks.map((block) => block.type));
  const parts: string[] = [];
  if (!types.has('metrics')) parts.push(metricCards(metricLines(report)));
  const findings = types.has('findings') ? '' : findingList(report);
  if (findings !== '') parts.push(`<section><h2>Findings</h2>${findings}</section>`);
  return parts.join('\n');
}

function howComputed(report: Report): string {
  const facts: [string, string][] = [
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
  const list = facts
    .map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`)
    .join('');
  return folded(
    'How it was computed',
    `<dl class="how">${list}</dl>${allMetrics(report)}${arrayTable(report)}`,
  );
}

function settingText(value: unknown): string {
  if (value === null || value === undefined) return 'not set';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function dataText({ data }: Report): string {
  if (data === null) return 'none';
  return `${data.path ?? ''} (${data.kind}, ${data.sampleCount.toLocaleString('en-US')} samples)`;
}

/** Metrics that no block shows are still part of the answer. */
function allMetrics(report: Report): string {
  const hasBlock = report.blocks.some((block) => isKnownBlock(block) && block.type === 'metrics');
  return hasBlock ? metricCards(metricLines(report)) : '';
}

function arrayTable(report: Report): string {
  const rows = Object.entries(report.arrays).map(([name, { shape, dtype, file }]) => ({
    name,
    shape: shape.length === 0 ? 'scalar' : shape.join(' × '),
    dtype,
    file: file ?? null,
  }));
  if (rows.length === 0) return '';
  const columns = [
    { key: 'name', label: 'Array', kind: 'address' as const },
    { key: 'shape', label: 'Shape', kind: 'text' as const },
    { key: 'dtype', label: 'Type', kind: 'text' as const },
    { key: 'file', label: 'File', kind: 'text' as const },
  ];
  return htmlTable({ columns, rows }, 'Arrays');
}
