import type { GradientCheckTable } from './gradientCheck.js';
import type { Inspection } from './inspection.js';
import type { Report } from './report.js';

// What crosses between a host (command line, extension) and the engine process: one closed union per direction. Every
// request is answered exactly once by `done` or `failed`; `progress`, `partial` and `log` may come before. A cancel is
// no message: the host ends the process, because nothing else stops a native run.

/** The value of a setting. */
export type SettingValue = number | string | boolean | null;

/** Names of providers as a person gives them. */
export const providerNames = ['auto', 'cpu', 'webgpu', 'cuda', 'dml', 'coreml'] as const;

/** A provider as a person gives it. */
export type ProviderName = (typeof providerNames)[number];

/** Everything a run is told. */
export interface RunRequest {
  readonly kind: 'run';
  /** Id of the analysis. */
  readonly analysis: string;
  readonly modelPath: string;
  readonly dataPath?: string;
  /** Settings that were given; defaults fill the rest. */
  readonly settings: Readonly<Record<string, SettingValue>>;
  readonly seed: number;
  readonly provider: ProviderName;
  /** Samples at most. */
  readonly limit?: number;
  /** Samples per run of the graph; default: from the model and `memoryMegabytes`. */
  readonly batchSize?: number;
  /** Memory that activations of one batch may take; a setting, never what happens to be free. */
  readonly memoryMegabytes?: number;
  /** Folder that the engine writes every array to. */
  readonly arraysDir?: string;
}

/** Runs a model once and returns its structure with measured shapes. */
export interface MeasureRequest {
  readonly kind: 'measure';
  readonly modelPath: string;
  readonly provider: ProviderName;
}

/** Checks every gradient of a model against central differences. */
export interface GradientCheckRequest {
  readonly kind: 'gradient-check';
  readonly modelPath: string;
  readonly provider: ProviderName;
  readonly seed: number;
}

/** Asks for a raw result of one of the last runs of the same process. */
export interface ReadArrayRequest {
  readonly kind: 'read-array';
  readonly runId: number;
  readonly name: string;
}

/** What a host may ask. */
export type EngineRequest = RunRequest | MeasureRequest | GradientCheckRequest | ReadArrayRequest;

/** A finished run. */
export interface RunResult {
  readonly report: Report;
  /** Names the run's arrays for `read-array`; they are kept for the last few runs. */
  readonly runId: number;
}

/** A raw result as it crosses: typed arrays are copied, never encoded. */
export interface ArrayResult {
  readonly dtype: string;
  readonly dims: readonly number[];
  readonly data: ArrayBufferView | readonly string[];
}

/** The answer to each kind of request. */
export interface EngineResults {
  readonly run: RunResult;
  /** The `inspect --json` document. */
  readonly measure: Inspection;
  readonly 'gradient-check': GradientCheckTable;
  readonly 'read-array': ArrayResult;
}

/** A failure as it crosses; `user` ones are rebuilt as UserError, the rest are bugs. */
export type WireError =
  | {
      readonly kind: 'user';
      readonly code: string;
      readonly message: string;
      readonly errorKind: 'input' | 'environment';
      readonly detail: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'bug'; readonly name: string; readonly message: string; readonly stack: string };

/** Host → engine. */
export interface HostMessage {
  readonly kind: 'request';
  readonly id: number;
  readonly request: EngineRequest;
}

/** Engine → host. */
export type EngineMessage =
  | {
      readonly kind: 'progress';
      readonly id: number;
      readonly fractionDone: number;
      readonly message: string;
    }
  | { readonly kind: 'partial'; readonly id: number; readonly report: Report }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
    }
  | { readonly kind: 'done'; readonly id: number; readonly result: EngineResults[keyof EngineResults] }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly error: WireError;
      /** What is known of a run that failed half-way. */
      readonly report?: Report;
    };

const engineMessageKinds = new Set(['progress', 'partial', 'log', 'done', 'failed']);

/** Tells whether something that arrived is a message of the engine. */
export function isEngineMessage(value: unknown): value is EngineMessage {
  return hasKind(value) && engineMessageKinds.has(value.kind);
}

/** Tells whether something that arrived is a message of the host. */
export function isHostMessage(value: unknown): value is HostMessage {
  return hasKind(value) && value.kind === 'request';
}

function hasKind(value: unknown): value is { kind: string } {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';
}
