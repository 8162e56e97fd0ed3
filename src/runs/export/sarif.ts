import { isAbsolute, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withoutFolders } from '../../base/withoutFolders.js';
import type { Finding, Report } from '../../protocol/report.js';
import type { CodePlace } from '../code/findingPlaces.js';
import type { Judgement } from '../thresholds.js';

// Written by hand: the document is one literal, and a builder package would be a dependency for it.

const levels = { error: 'error', warning: 'warning', info: 'note' } as const;

/** What places findings. */
export interface SarifPlaces {
  /** Makes paths inside it relative, as code scanning wants them. */
  readonly baseDir: string;
  /** Lines of the training code that make the layers of findings, by address. */
  readonly code?: ReadonlyMap<string, CodePlace>;
}

/**
 * Returns a report's findings and crossed thresholds as a SARIF 2.1.0 log.
 *
 * A finding stands on the line of code that makes its layer where that is known, with the model as a related location; else
 * on the model. Addresses become logical locations. A checkup has a rule for each analysis that found something.
 *
 * Source: OASIS (2020), "Static Analysis Results Interchange Format (SARIF) Version 2.1.0",
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function toSarif(report: Report, judgements: readonly Judgement[], places: SarifPlaces): string {
  const startedAt = new Date(report.createdAt);
  const endedAt = new Date(startedAt.getTime() + report.durationMs);
  const crossed = judgements.filter((judgement) => judgement.isCrossed);
  const rules = rulesOf(report);
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'Neuron Inspector', semanticVersion: report.tool.version, rules },
        },
        invocations: [
          {
            executionSuccessful: report.status === 'complete' || report.status === 'partial',
            startTimeUtc: startedAt.toISOString(),
            endTimeUtc: endedAt.toISOString(),
          },
        ],
        results: [
          ...report.findings.map((finding) => findingResult(report, finding, places)),
          ...crossed.map((judgement) => thresholdResult(report, judgement, places)),
        ].map((result) => ({ ...result, ruleIndex: rules.findIndex(({ id }) => id === result.ruleId) })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

interface Rule {
  readonly id: string;
  readonly name: string;
  readonly shortDescription: { readonly text: string };
}

function rulesOf(report: Report): Rule[] {
  return [
    { id: report.analysis, name: report.title, shortDescription: { text: report.question } },
    {
      id: `${report.analysis}/threshold`,
      name: 'Threshold',
      shortDescription: { text: `A threshold on a metric of ${report.analysis} was crossed.` },
    },
    ...(report.parts ?? []).map(({ analysis, title }) => ({
      id: analysis,
      name: title,
      shortDescription: { text: `Found by ${analysis}.` },
    })),
  ];
}

interface Result {
  readonly ruleId: string;
  readonly [field: string]: unknown;
}

function findingResult(report: Report, finding: Finding, { baseDir, code }: SarifPlaces): Result {
  const ruleId = finding.analysis ?? report.analysis;
  const { address } = finding;
  const named = (text: string): string => withoutFolders(text, [baseDir]);
  const place = address === undefined ? undefined : code?.get(address);
  const model = modelLocation(report, baseDir);
  const logical =
    address === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: address, kind: 'member' }] };
  return {
    ruleId,
    level: levels[finding.severity],
    message: { text: named(`${finding.message} ${finding.advice}`.trim()) },
    locations: [{ ...(place === undefined ? model : codeLocation(place, baseDir)), ...logical }],
    ...(place === undefined ? {} : { relatedLocations: [{ ...model, message: { text: 'The model' } }] }),
    partialFingerprints: { 'neuronInspector/v1': `${ruleId}:${address ?? named(finding.message)}` },
  };
}

function thresholdResult(report: Report, { threshold, reason }: Judgement, { baseDir }: SarifPlaces): Result {
  return {
    ruleId: `${report.analysis}/threshold`,
    level: 'error',
    message: { text: withoutFolders(reason, [baseDir]) },
    locations: [modelLocation(report, baseDir)],
    partialFingerprints: { 'neuronInspector/v1': `${report.analysis}:${threshold.text}` },
  };
}

function modelLocation(report: Report, baseDir: string): object {
  return { physicalLocation: { artifactLocation: { uri: uriOf(report.model.path, baseDir) } } };
}

function codeLocation({ path, line }: CodePlace, baseDir: string): object {
  return {
    // Lines count from 1 here.
    physicalLocation: {
      artifactLocation: { uri: uriOf(path, baseDir) },
      region: { startLine: line + 1 },
    },
  };
}

function uriOf(path: string, baseDir: string): string {
  const local = isAbsolute(path) ? relative(baseDir, path) : path;
  const isOutside = local.startsWith('..') || isAbsolute(local);
  if (isOutside) return pathToFileURL(path).href;
  return local.split(sep).map(encodeURIComponent).join('/');
}
