import type {
  ContinuedText,
  LanguageModelFacts,
  LanguageModelPlace,
  SamplingChoice,
  TextPiece,
} from './generatedText.js';
import type { GradientCheckTable } from './gradientCheck.js';
import type { InspectFile } from './inspectFile.js';
import type { Inspection } from './inspection.js';
import type { Report } from './report.js';
import type { SettingValues } from './settings.js';
import type { ModelGraph, ModelStructure, WeightInfo, WeightStatistics } from './structure.js';
import type { SampleCard, UnitLinks, UnitProfile, UnitTokens, UnitWeights } from './units.js';

// What crosses between a host (command line, extension) and the engine process: one closed union per direction. Every
// request is answered exactly once by `done` or `failed`; `progress`, `partial` and `log` may come before. A cancel is
// no message: the host ends the process, because nothing else stops a native run.

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
  /** An inspect file of other data for the model: what it says of preprocessing and classes holds for `dataPath` too. */
  readonly describedBy?: string;
  /** Settings that were given; defaults fill the rest. */
  readonly settings: SettingValues;
  readonly seed: number;
  readonly provider: ProviderName;
  /** Samples at most. */
  readonly limit?: number;
  /** Samples per run of the graph; default: from the model and `memoryMegabytes`. */
  readonly batchSize?: number;
  /** Memory that activations of one batch may take; a setting, never what happens to be free. */
  readonly memoryMegabytes?: number;
  /** Intra-op threads; default: the runtime's own choice. */
  readonly threadCount?: number;
  /** Folder that the engine writes every array to. */
  readonly arraysDir?: string;
  /** Folder where answers about models beside that of the run are kept for later runs; default: they are not kept. */
  readonly answersDir?: string;
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

/** Reads a model's structure; runs nothing, leaves weights unread. */
export interface StructureRequest {
  readonly kind: 'structure';
  readonly modelPath: string;
}

/** Reads a model's graph for drawing; runs nothing, leaves weights unread. */
export interface GraphRequest {
  readonly kind: 'graph';
  readonly modelPath: string;
}

/** Lists a model's constant tensors, unread. */
export interface WeightsRequest {
  readonly kind: 'weights';
  readonly modelPath: string;
}

/** Reads one constant tensor and returns its statistics. */
export interface WeightStatisticsRequest {
  readonly kind: 'weight-statistics';
  readonly modelPath: string;
  readonly name: string;
  readonly binCount: number;
}

/** Reads the weights that lead into one neuron. */
export interface UnitWeightsRequest {
  readonly kind: 'unit-weights';
  readonly modelPath: string;
  /** An address with a unit. */
  readonly address: string;
}

/** Reads where a neuron leads, and which units of its layer are like it, by the weights alone. */
export interface UnitLinksRequest {
  readonly kind: 'unit-links';
  readonly modelPath: string;
  /** An address with a unit. */
  readonly address: string;
}

/** Opens data for a model and tells how it is understood. */
export interface DescribeDataRequest {
  readonly kind: 'describe-data';
  readonly modelPath: string;
  readonly dataPath: string;
  /** An inspect file of other data for the model, as for a run. */
  readonly describedBy?: string;
}

/** Returns samples of a data set as a person recognises them. */
export interface SamplesRequest {
  readonly kind: 'samples';
  readonly modelPath: string;
  readonly dataPath: string;
  /** Positions in the data set, at most 5,000. */
  readonly indices: readonly number[];
  /** Longer side of pictures, in pixels, at most; smaller pictures stay as they are. */
  readonly pictureSize: number;
}

/** Estimates how long a run will take, from one timed batch. */
export interface EstimateRequest {
  readonly kind: 'estimate';
  readonly run: Omit<RunRequest, 'kind'>;
}

/** Measures one neuron on a data set: the neuron page. */
export interface UnitProfileRequest {
  readonly kind: 'unit-profile';
  readonly modelPath: string;
  readonly dataPath: string;
  /** An address with a unit. */
  readonly address: string;
  readonly seed: number;
  readonly provider: ProviderName;
  readonly limit?: number;
  readonly batchSize?: number;
  readonly memoryMegabytes?: number;
  readonly threadCount?: number;
  /** GELU-like activity is relative to this × the layer's RMS; default 1e-3. */
  readonly epsilon?: number;
  /** Top examples, and random ones, at most 100 each. */
  readonly exampleCount: number;
  readonly binCount: number;
  /** Longer side of pictures, in pixels, at most. */
  readonly pictureSize: number;
}

/** Tells which tokens a neuron of a language model makes likelier and unlikelier, by its weights alone. */
export interface UnitTokensRequest extends LanguageModelPlace {
  readonly kind: 'unit-tokens';
  /** An address with a unit. */
  readonly address: string;
  /** Tokens named on each side. */
  readonly tokenCount: number;
  readonly threadCount?: number;
}

/** Tells what the playground needs to know of a language model; runs nothing. */
export interface LanguageModelRequest extends LanguageModelPlace {
  readonly kind: 'language-model';
}

/** Continues a text with a language model, as the analysis `generate` does; tokens come as they are written. */
export interface ContinueTextRequest extends LanguageModelPlace, SamplingChoice {
  readonly kind: 'continue-text';
  /** Text to continue; what the tokenizer puts before a sequence is put before it. */
  readonly prompt: string;
  /** Tokens to continue as they are, in place of the prompt: a text that was begun. */
  readonly ids: readonly number[] | null;
  /** Likeliest tokens told for each place. */
  readonly alternativeCount: number;
  readonly provider: ProviderName;
  readonly threadCount?: number;
}

/** Writes tokens as data of the model into a folder, so that a run can be asked about what follows them. */
export interface WriteTokensRequest extends LanguageModelPlace {
  readonly kind: 'write-tokens';
  readonly ids: readonly number[];
  readonly folder: string;
}

/** What may be asked without running a model: served by the reader process, in Restricted Mode too. */
export type ReaderRequest =
  | StructureRequest
  | GraphRequest
  | WeightsRequest
  | WeightStatisticsRequest
  | UnitWeightsRequest
  | UnitLinksRequest;

/** What a host may ask. */
export type EngineRequest =
  | ReaderRequest
  | RunRequest
  | MeasureRequest
  | GradientCheckRequest
  | ReadArrayRequest
  | DescribeDataRequest
  | SamplesRequest
  | EstimateRequest
  | UnitProfileRequest
  | UnitTokensRequest
  | LanguageModelRequest
  | ContinueTextRequest
  | WriteTokensRequest;

/** A finished run. */
export interface RunResult {
  readonly report: Report;
  /** Names the run's arrays for `read-array`; they are kept for the last few runs. */
  readonly runId: number;
  /** Reports of their own that the report puts together, in the order of its `parts`. */
  readonly parts?: readonly Report[];
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
  readonly structure: ModelStructure;
  readonly graph: ModelGraph;
  readonly weights: readonly WeightInfo[];
  readonly 'weight-statistics': WeightStatistics;
  readonly 'unit-weights': UnitWeights;
  readonly 'unit-links': UnitLinks;
  readonly 'describe-data': DataDescription;
  readonly samples: readonly SampleCard[];
  readonly estimate: RunEstimate;
  readonly 'unit-profile': UnitProfile;
  /** Null where no weights bring the neuron to the vocabulary. */
  readonly 'unit-tokens': UnitTokens | null;
  readonly 'language-model': LanguageModelFacts;
  readonly 'continue-text': ContinuedText;
  readonly 'write-tokens': WrittenTokens;
}

/** Tokens in a file. */
export interface WrittenTokens {
  /** The inspect file that ties them to the model and its tokenizer. */
  readonly dataPath: string;
}

/** How data are understood for a model. */
export interface DataDescription {
  /** Reader that serves it: `csv`, `idx`, `images`, … */
  readonly kind: string;
  readonly sampleCount: number;
  readonly hasLabels: boolean;
  readonly labelNames?: readonly string[];
  /** The inspect file that says what was assumed; to be written beside the data. Absent when the data is one already. */
  readonly proposal?: InspectFile;
  /** What was assumed or looks wrong, one sentence each. */
  readonly warnings: readonly string[];
}

/** How long a run is expected to take. */
export interface RunEstimate {
  readonly durationMs: number;
  readonly sampleCount: number;
  /** How it was estimated: `from one batch of 128 samples`. */
  readonly how: string;
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
  /** What is known of a `unit-profile` so far: everything but examples. */
  | { readonly kind: 'partial-profile'; readonly id: number; readonly profile: UnitProfile }
  /** Tokens of a `continue-text` since the last such message. */
  | { readonly kind: 'partial-text'; readonly id: number; readonly piece: TextPiece }
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

const engineMessageKinds = new Set([
  'progress',
  'partial',
  'partial-profile',
  'partial-text',
  'log',
  'done',
  'failed',
]);

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
