import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { Dataset } from '../data/dataset.js';
import type { Runtime } from '../engine/runtime/session.js';
import type { Model } from '../onnx/model.js';
import type { TensorValue } from '../onnx/tensorValue.js';
import type { Block } from '../protocol/blocks.js';
import type { FollowUp } from '../protocol/parts.js';
import type { Evidence, Finding, Paper, Report, ReportStatus } from '../protocol/report.js';
import type { SettingsSchema, SettingValues } from '../protocol/settings.js';
import type { SharedWork } from './sharedWork.js';

/** The questions that analyses answer; each is a folder. */
export type QuestionId =
  'health' | 'prediction' | 'neuron' | 'representation' | 'trust' | 'compare' | 'activations';

/** A question as a person asks it. */
export const questionTitles: Readonly<Record<QuestionId, string>> = {
  health: 'Is this network healthy?',
  prediction: 'Why this prediction?',
  neuron: 'What does this neuron detect?',
  representation: 'What has it learned inside?',
  trust: 'Can I trust it on this data?',
  compare: 'How do two models differ?',
  activations: 'Activation functions',
};

/** The values of declared settings. */
export type SettingsOf<S extends SettingsSchema> = {
  readonly [K in keyof S]: S[K] extends { readonly kind: 'number' | 'integer'; readonly default: infer D }
    ? null extends D
      ? number | null
      : number
    : S[K] extends { readonly kind: 'boolean' }
      ? boolean
      : S[K] extends { readonly kind: 'choice'; readonly choices: readonly (infer C)[] }
        ? C
        : S[K] extends { readonly kind: 'text'; readonly default: infer D }
          ? null extends D
            ? string | null
            : string
          : never;
};

/** What an analysis must be given before it can run. */
export interface Needs {
  readonly data: 'required' | 'optional' | 'none';
  readonly labels: 'required' | 'optional' | 'none';
  readonly gradients: boolean;
}

/** A metric an analysis declares, so that `--fail-on` can name it. */
export interface MetricDeclaration {
  readonly title: string;
  readonly description: string;
}

/** How a paper becomes something to run; `docs/papers.md` is made of these. */
export interface PaperRow {
  /** The `line` of the paper, one of those in `papers`. */
  readonly line: number;
  /** What to set, beside the defaults, to run the paper's method or see its view, as `--set` takes it. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where it departs from the paper and what it cannot do: a sentence or two. */
  readonly limits: string;
}

/** A raw result. */
export interface ResultArray {
  readonly value: TensorValue;
  readonly evidence: Evidence;
}

/** What an analysis hands back: a Report without what the runner knows (model, data, settings, times). */
export interface ReportDraft {
  readonly title: string;
  readonly summary: string;
  readonly status?: Extract<ReportStatus, 'complete' | 'partial'>;
  /** Samples that the answer rests on, where they are not all that the data hold. */
  readonly usedCount?: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Evidence of metrics, by key; arrays bring their own. */
  readonly evidence: Readonly<Record<string, Evidence>>;
  readonly findings: readonly Finding[];
  readonly arrays: Readonly<Record<string, ResultArray>>;
  readonly blocks: readonly Block[];
  readonly warnings: readonly string[];
  /** Questions about pieces of the blocks. */
  readonly followUps?: readonly FollowUp[];
  /** Whole answers of other analyses that this one put together; each becomes a report of its own. */
  readonly parts?: readonly DraftPart[];
}

/** What stands before an analysis's own blocks: how good the model is on the data. */
export interface Preface {
  readonly metrics: Readonly<Record<string, number>>;
  readonly evidence: Readonly<Record<string, Evidence>>;
  readonly blocks: readonly Block[];
  readonly warnings: readonly string[];
}

/** The answer of an analysis that another one ran. */
export interface DraftPart {
  readonly analysis: Analysis;
  /** Complete and checked. */
  readonly settings: SettingValues;
  readonly draft: ReportDraft;
  readonly durationMs: number;
  /** Where it is of another model than the run's. */
  readonly of?: PartModel;
}

/** A model beside that of the run that a part is of. */
export interface PartModel {
  /** Unique among the parts. */
  readonly name: string;
  readonly model: Report['model'];
  readonly preface: Preface;
  /** What it ran on. */
  readonly provider: string;
  readonly runtimeVersion: string;
}

/** A question to a model beside that of the run. */
export interface OtherQuestion {
  /** Of the model, as its list names it. */
  readonly name: string;
  /** Opened. */
  readonly model: Model;
  readonly analysis: Analysis;
  /** Complete and checked. */
  readonly settings: SettingValues;
  progress(update: ProgressUpdate): void;
}

/** What a run is about to work on, as far as its cost depends on it. */
export interface Workload {
  readonly model: Model;
  /** Samples that the data hold, cut to `limit`. */
  readonly sampleCount: number;
  /** `--limit`, when it was given. */
  readonly limit: number | undefined;
  /** Shape of one sample by input, without the batch axis. */
  readonly sampleShapes: Readonly<Record<string, readonly number[]>>;
  /** Models that a setting of the format `models` names; 0 without one. */
  readonly listedCount?: number;
}

/** What work takes, in units that one timed batch gives the seconds of. */
export interface WorkCost {
  /** Forward passes of one sample, or other work as the number of forward passes that take as long. */
  readonly passCount: number;
  /** Samples read from the data; one that is read twice counts twice. */
  readonly readCount: number;
  /** Multiply–adds outside the runtime, where they are many: of fits, whose time the batch does not tell. */
  readonly multiplyCount?: number;
}

/** What a run takes. */
export interface RunCost extends WorkCost {
  /** What of it is done once for all analyses that name the same work, as `SharedWork` does it. */
  readonly shared?: Readonly<Record<string, WorkCost>>;
}

/** Progress of a run. */
export interface ProgressUpdate {
  /** 0 … 1. */
  readonly fractionDone: number;
  readonly message: string;
}

/** A model file beside that of the run, not read before it is opened. */
export interface ListedModel {
  /** Its path below the folder that was searched, without `.onnx`: `step-100`. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  /**
   * Reads its structure, at opset 17 as the run's own model is; its weights stay in the file.
   *
   * @throws UserError when it is no sound model, and `model-differs` when it is not built as the run's model is.
   */
  open(): Promise<Model>;
}

/** What models beside that of the run must be. */
export interface OpenModelsOptions {
  /** `same` (default): inputs, outputs and layers are those of the run's model, as in checkpoints of one training. */
  readonly structure?: 'same' | 'any';
}

/** All an analysis may touch. */
export interface AnalysisContext {
  readonly model: Model;
  /** Absent when none was given and none is needed. */
  readonly data: Dataset | undefined;
  readonly runtime: Runtime;
  readonly random: Random;
  /** Samples per run: recorded in the report, never taken from free memory. */
  readonly batchSize: number;
  /** `--limit`: samples at most. */
  readonly limit: number | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** What analyses of this model on these data need in common. */
  readonly shared: SharedWork;
  /**
   * Opens other data for the model, read as those of the run are. Analyses get it handed in, for the editor lists them without
   * the native code that reads pictures.
   *
   * @throws UserError when the path is missing or its data do not fit the model.
   */
  openData(path: string): Promise<Dataset>;
  /**
   * Returns the models of an `.onnx` file, a folder or a pattern such as `checkpoints/step-*.onnx`, in natural order
   * (`step-9` before `step-10`); each is read when it is opened. A relative path starts at the working directory, as `--data` does.
   *
   * @throws UserError `no-models` when nothing fits.
   */
  openModels(path: string, options?: OpenModelsOptions): Promise<readonly ListedModel[]>;
  /**
   * Asks another model, on the data of the run, as a run of its own with the same seed would. The answer to the same question
   * about an equal file is taken from earlier runs where the runner keeps them.
   */
  ask(question: OtherQuestion): Promise<DraftPart>;
  /** Reports progress, at least once a batch. */
  progress(update: ProgressUpdate): void;
  /** Shows what is known so far; called at most a few times a second, so it may be cheap to ignore. */
  partial(makeDraft: () => ReportDraft): void;
}

/**
 * One question to a model. An analysis is one file, named after its id, and one line in the registry; the command, the
 * tree item, the form, the CLI flags and the docs row are derived from this value.
 */
export interface Analysis<S extends SettingsSchema = SettingsSchema> {
  /** Kebab-case name of its file; never changes. */
  readonly id: string;
  readonly question: QuestionId;
  /** A short noun phrase: `Dead neurons`. */
  readonly title: string;
  /** The question it answers, as a person would ask it. */
  readonly asks: string;
  readonly needs: Needs;
  readonly settings: S;
  readonly metrics: Readonly<Record<string, MetricDeclaration>>;
  readonly papers: readonly Paper[];
  /** A row for each of `papers` that has a line, in that order. */
  readonly rows: readonly PaperRow[];
  /**
   * Returns what a model lacks for this question, as `it has no attention`; undefined where it can be asked.
   *
   * Cheap, from the graph alone: for whoever puts many questions to a model. An analysis without it is tried, and its
   * `UserError` says the same.
   */
  lacks?(model: Model): string | undefined;
  /**
   * Returns why the answer would mislead whoever did not ask for it, as `whether its samples follow each other is not known`: a
   * checkup leaves it out then. Of the model alone, like `lacks`.
   */
  misleads?(model: Model): string | undefined;
  /**
   * Returns about what a run takes, the accuracy before it left out; without it a pass over the samples is assumed.
   *
   * For time estimates and the progress bar only, so a rough figure will do.
   */
  cost?(settings: SettingsOf<S>, workload: Workload): RunCost;
  /**
   * Answers the question.
   *
   * @throws UserError when the model or data does not fit, naming what is missing.
   */
  run(context: AnalysisContext, settings: SettingsOf<S>): Promise<ReportDraft>;
}

/** Returns the analysis as it is, with its settings' literal types kept. */
export function defineAnalysis<const S extends SettingsSchema>(analysis: Analysis<S>): Analysis<S> {
  return analysis;
}
