import { basename } from 'node:path';
import type { Analysis, DraftPart, Preface, ReportDraft } from '../analyses/analysis.js';
import type { Block } from '../protocol/blocks.js';
import { formatNumber } from '../protocol/formatReport.js';
import { toReportNumber } from '../protocol/reportNumbers.js';
import type { ArrayInfo, Evidence, Report, ReportPart, ReportStatus } from '../protocol/report.js';
import type { SettingValues } from '../protocol/settings.js';
import { storedDtype } from './storedArray.js';
import { toolVersion } from './toolVersion.js';

/** What the runner knows of a run, apart from its result. */
export interface RunFacts {
  readonly analysis: Analysis;
  readonly model: Report['model'];
  readonly data: Report['data'];
  readonly settings: SettingValues;
  readonly seed: number;
  readonly provider: string;
  readonly batchSize: number;
  readonly runtimeVersion: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** What the runner measured itself before the analysis: accuracy and what looks wrong with the data. */
  readonly preface: Preface;
  /** File of each array, when they were written. */
  readonly arrayFiles?: ReadonlyMap<string, string>;
}

/** A preface that says nothing. */
export const emptyPreface: Preface = { metrics: {}, evidence: {}, blocks: [], warnings: [] };

/** Returns the preface as it is, or one that says that it was measured on the first samples only. */
export function sampledIfFewer(preface: Preface, sampleCount: number, allCount: number): Preface {
  if (sampleCount >= allCount) return preface;
  const first = `the first ${formatNumber(sampleCount, 'count')} of ${formatNumber(allCount, 'count')}`;
  const sampled = ({ how }: Evidence): Evidence => ({
    kind: 'sampled',
    n: sampleCount,
    how: how === undefined ? first : `${how}, ${first}`,
  });
  const evidence = Object.entries(preface.evidence).map(
    ([metric, known]) => [metric, sampled(known)] as const,
  );
  return { ...preface, evidence: Object.fromEntries(evidence) };
}

/** Returns the facts of a run that has only just been asked for, so that a cancel or crash leaves a true report. */
export function initialFacts(
  analysis: Analysis,
  request: {
    readonly modelPath: string;
    readonly settings: SettingValues;
    readonly seed: number;
    readonly provider: string;
  },
): RunFacts {
  return {
    analysis,
    model: { path: request.modelPath, name: modelNameOf(request.modelPath), sizeBytes: 0 },
    data: null,
    settings: request.settings,
    seed: request.seed,
    provider: request.provider,
    batchSize: 0,
    runtimeVersion: '',
    startedAt: new Date(),
    durationMs: 0,
    preface: emptyPreface,
  };
}

/** Returns a model's name: its file name without `.onnx`. */
export function modelNameOf(path: string): string {
  return basename(path).replace(/\.onnx$/i, '');
}

/** Returns the Report of a draft: every field of the contract, the runner's preface first. */
export function assembleReport(facts: RunFacts, draft: ReportDraft, status: ReportStatus): Report {
  const metrics: Report['metrics'] = {};
  for (const [key, value] of Object.entries({ ...facts.preface.metrics, ...draft.metrics })) {
    metrics[key] = toReportNumber(value);
  }
  const arrays: Record<string, ArrayInfo> = {};
  const evidence: Record<string, Evidence> = { ...facts.preface.evidence, ...draft.evidence };
  for (const [name, array] of Object.entries(draft.arrays)) {
    const file = facts.arrayFiles?.get(name);
    arrays[name] = {
      shape: [...array.value.dims],
      dtype: storedDtype(array.value.dtype),
      ...(file === undefined ? {} : { file }),
    };
    evidence[name] = array.evidence;
  }
  return {
    ...headOf(facts, status),
    data: dataOf(facts, draft),
    title: draft.title,
    summary: draft.summary,
    metrics,
    evidence,
    findings: [...draft.findings],
    arrays,
    blocks: [...facts.preface.blocks, ...draft.blocks, ...citationOf(facts.analysis, draft)],
    papers: [...facts.analysis.papers],
    warnings: unique([...facts.preface.warnings, ...draft.warnings]),
    ...(draft.parts === undefined ? {} : { parts: draft.parts.map(partOf) }),
    ...(draft.followUps === undefined ? {} : { followUps: [...draft.followUps] }),
  };
}

function partOf({ analysis, draft, of }: DraftPart): ReportPart {
  return {
    analysis: analysis.id,
    title: draft.title,
    summary: draft.summary,
    ...(of === undefined ? {} : { of: of.name }),
  };
}

/** Returns a Report that says only why there is no result. */
export function reportWithoutResult(
  facts: RunFacts,
  status: 'cancelled' | 'failed' | 'partial',
  why: string,
): Report {
  const draft: ReportDraft = {
    title: facts.analysis.title,
    summary: why,
    metrics: {},
    evidence: {},
    findings: [],
    arrays: {},
    blocks: [],
    warnings: [],
  };
  return assembleReport(facts, draft, status);
}

/** Returns a report with another status; the reason, if any, is its first warning. */
export function withStatus(report: Report, status: ReportStatus, reason?: string): Report {
  return {
    ...report,
    status,
    warnings: unique([...(reason === undefined ? [] : [reason]), ...report.warnings]),
  };
}

/** Analyses of single samples read a few of the data only; the head of a report must not claim the rest. */
function dataOf({ data }: RunFacts, { usedCount }: ReportDraft): Report['data'] {
  if (data === null || usedCount === undefined || usedCount >= data.sampleCount) return data;
  return { ...data, usedCount };
}

type Head = Omit<
  Report,
  | 'data'
  | 'title'
  | 'summary'
  | 'metrics'
  | 'evidence'
  | 'findings'
  | 'arrays'
  | 'blocks'
  | 'papers'
  | 'warnings'
  | 'parts'
>;

function headOf(facts: RunFacts, status: ReportStatus): Head {
  return {
    schemaVersion: 1,
    analysis: facts.analysis.id,
    question: facts.analysis.asks,
    status,
    model: facts.model,
    settings: { ...facts.settings },
    seed: facts.seed,
    provider: facts.provider,
    batchSize: facts.batchSize,
    tool: { version: toolVersion, runtime: facts.runtimeVersion },
    createdAt: facts.startedAt.toISOString(),
    durationMs: facts.durationMs,
  };
}

/** Papers are named in every report; analyses that place them themselves keep their place. */
function citationOf(analysis: Analysis, draft: ReportDraft): Block[] {
  const isPlaced = draft.blocks.some((block) => block.type === 'citation');
  // Nothing was computed yet by which of them.
  if (isPlaced || draft.blocks.length === 0 || analysis.papers.length === 0) return [];
  return [{ type: 'citation', title: 'Papers', papers: analysis.papers.map((paper) => paper.id) }];
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
