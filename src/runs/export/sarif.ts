import { isAbsolute, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Finding, Report } from '../../protocol/report.js';
import type { Judgement } from '../thresholds.js';

// Written by hand: the document is one literal, and a builder package would be a dependency for it.

const levels = { error: 'error', warning: 'warning', info: 'note' } as const;

/**
 * Returns a report's findings and crossed thresholds as a SARIF 2.1.0 log.
 *
 * `baseDir` makes the model's path relative, as code scanning wants it, when the model lies inside. Addresses become
 * logical locations.
 *
 * Source: OASIS (2020), "Static Analysis Results Interchange Format (SARIF) Version 2.1.0",
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function toSarif(report: Report, judgements: readonly Judgement[], baseDir: string): string {
  const startedAt = new Date(report.createdAt);
  const endedAt = new Date(startedAt.getTime() + report.durationMs);
  const crossed = judgements.filter((judgement) => judgement.isCrossed);
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'Neuron Inspector', semanticVersion: report.tool.version, rules: rulesOf(report) },
        },
        invocations: [
          {
            executionSuccessful: report.status === 'complete' || report.status === 'partial',
            startTimeUtc: startedAt.toISOString(),
            endTimeUtc: endedAt.toISOString(),
          },
        ],
        results: [
          ...report.findings.map((finding) => findingResult(report, finding, baseDir)),
          ...crossed.map((judgement) => thresholdResult(report, judgement, baseDir)),
        ],
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function rulesOf(report: Report): object[] {
  return [
    { id: report.analysis, name: report.title, shortDescription: { text: report.question } },
    {
      id: `${report.analysis}/threshold`,
      name: 'Threshold',
      shortDescription: { text: `A threshold on a metric of ${report.analysis} was crossed.` },
    },
  ];
}

function findingResult(report: Report, finding: Finding, baseDir: string): object {
  return {
    ruleId: report.analysis,
    ruleIndex: 0,
    level: levels[finding.severity],
    message: { text: `${finding.message} ${finding.advice}`.trim() },
    locations: [locationOf(report, finding.address, baseDir)],
    partialFingerprints: { 'neuronInspector/v1': `${report.analysis}:${finding.address ?? finding.message}` },
  };
}

function thresholdResult(report: Report, { threshold, reason }: Judgement, baseDir: string): object {
  return {
    ruleId: `${report.analysis}/threshold`,
    ruleIndex: 1,
    level: 'error',
    message: { text: reason },
    locations: [locationOf(report, undefined, baseDir)],
    partialFingerprints: { 'neuronInspector/v1': `${report.analysis}:${threshold.text}` },
  };
}

function locationOf(report: Report, address: string | undefined, baseDir: string): object {
  return {
    physicalLocation: { artifactLocation: { uri: uriOf(report.model.path, baseDir) } },
    ...(address === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: address, kind: 'member' }] }),
  };
}

function uriOf(path: string, baseDir: string): string {
  const local = isAbsolute(path) ? relative(baseDir, path) : path;
  const isOutside = local.startsWith('..') || isAbsolute(local);
  if (isOutside) return pathToFileURL(path).href;
  return local.split(sep).map(encodeURIComponent).join('/');
}
