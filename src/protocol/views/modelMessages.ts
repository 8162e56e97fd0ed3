import type { Inspection } from '../inspection.js';
import type { ModelGraph, StateSource, WeightInfo, WeightStatistics } from '../structure.js';
import type { LinkTell } from '../viewMessages.js';

// The page of an opened model. Its structure is shown at once; graph and weights are asked for when their tab is opened,
// because they are large.

/** A model as it was read. */
export interface ModelContent {
  readonly kind: 'model';
  readonly name: string;
  readonly inspection: Inspection;
  /** Where the states of each layer's units are taken from, by layer. */
  readonly states: Readonly<Record<string, StateSource>>;
  /** Metadata of the file, in file order. */
  readonly metadata: readonly (readonly [string, string])[];
}

/** Why a file cannot be shown. */
export interface ModelProblem {
  readonly kind: 'problem';
  readonly name: string;
  /** What happened, to which file, what to do. */
  readonly message: string;
  /** Whether reading again may help: a file may come back or be whole later, a virtual workspace stays one. */
  readonly canRetry: boolean;
}

/** What the newest results say of a layer's units. */
export interface LayerBadge {
  /** `38 % dead`. */
  readonly text: string;
  readonly level: 'plain' | 'warning';
  /** When and on what it was measured. */
  readonly detail: string;
  readonly resultId: string;
}

/** A number for each layer, to be shown as colour in the graph. */
export interface LayerMetric {
  /** Unique. */
  readonly id: string;
  /** What is counted, of which result: `Dead · Dead neurons, 10:42`. */
  readonly label: string;
  readonly format: 'number' | 'count' | 'percent';
  readonly unit: string;
  readonly values: Readonly<Record<string, number>>;
}

/** Everything that results say; replaces what was shown before. */
export interface ModelFacts {
  readonly kind: 'facts';
  /** By layer. */
  readonly badges: Readonly<Record<string, LayerBadge>>;
  readonly metrics: readonly LayerMetric[];
  /** Whether models may be run: not in Restricted Mode. */
  readonly canRun: boolean;
}

/** Host → page. */
export type ModelShow =
  | { readonly kind: 'reading'; readonly name: string }
  | ModelContent
  | ModelProblem
  | ModelFacts
  /** The file changed, or is gone, since it was read. */
  | { readonly kind: 'stale'; readonly isGone: boolean }
  /** Brings a layer into view. */
  | { readonly kind: 'reveal'; readonly layer: string };

/** Page → host, answered. */
export type ModelAsk =
  | { readonly kind: 'graph' }
  | { readonly kind: 'weights' }
  | { readonly kind: 'weight-statistics'; readonly name: string; readonly binCount: number };

/** The protocol of the page of a model. */
export interface ModelProtocol {
  readonly show: ModelShow;
  readonly ask: ModelAsk;
  readonly answers: {
    readonly graph: ModelGraph;
    readonly weights: readonly WeightInfo[];
    readonly 'weight-statistics': WeightStatistics;
  };
  readonly tell:
    | LinkTell
    /** Reads the file again. */
    | { readonly kind: 'reload' }
    /** Asks a question of the model: the one of this analysis, or which one. */
    | { readonly kind: 'run'; readonly analysis?: string }
    /** Opens the page on which a person writes with a language model. */
    | { readonly kind: 'open-playground' }
    | { readonly kind: 'open-result'; readonly resultId: string }
    | { readonly kind: 'manage-trust' }
    /** Shows the file in another editor. */
    | { readonly kind: 'open-otherwise' };
}
