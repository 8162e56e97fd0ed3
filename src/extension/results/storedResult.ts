import type { RunRequest } from '../../protocol/engineMessages.js';
import type { Report } from '../../protocol/report.js';
import type { FileStamp } from '../../protocol/structure.js';

/** A finished run as the history lists it: `result.json` beside its report. */
export interface StoredResult {
  /** Unique; also the name of its folder. */
  readonly id: string;
  readonly analysis: string;
  readonly title: string;
  readonly summary: string;
  readonly status: Report['status'];
  readonly modelPath: string;
  readonly dataPath?: string;
  /** Reader that served the data: `idx`, `images`, `csv`, … */
  readonly dataKind?: string;
  readonly sampleCount: number;
  /** Findings that are errors or warnings. */
  readonly findingCount: number;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly durationMs: number;
  /** The model file when it ran: another stamp now means that the result is stale. */
  readonly modelStamp?: FileStamp;
  /** Reasons of limits that were crossed. */
  readonly crossed: readonly string[];
  /** What was asked, to ask it again. */
  readonly request: RunRequest;
}

/** Tells whether something read from disk is a result's entry: everything that the history uses is there. */
export function isStoredResult(value: unknown): value is StoredResult {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Partial<Record<keyof StoredResult, unknown>>;
  const texts = [entry.id, entry.analysis, entry.title, entry.summary, entry.status, entry.modelPath];
  return (
    texts.every((text) => typeof text === 'string') &&
    typeof entry.createdAt === 'string' &&
    typeof entry.durationMs === 'number' &&
    typeof entry.sampleCount === 'number' &&
    Array.isArray(entry.crossed) &&
    typeof entry.request === 'object' &&
    entry.request !== null
  );
}
