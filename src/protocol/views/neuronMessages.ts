import type { ReportNumber } from '../blocks.js';
import type { InspectedLayer } from '../inspection.js';
import type { StructureDimension } from '../structure.js';
import type { SampleCard, UnitLinks, UnitProfile, UnitTokens, UnitWeights } from '../units.js';
import type { LinkTell, ViewProtocol } from '../viewMessages.js';

// The protocol of the neuron page. The host shows facts, the page words them; a navigation shows `place` or `problem`
// first, which empties the page, and the other parts as they become known.

/** Where the state of a neuron is taken from. */
export type NeuronStates =
  /** From this neuron: itself, or the unit of the activation it feeds. */
  | { readonly kind: 'activation'; readonly address: string }
  /** `reason` completes "not judged: …"; `next` is the same unit of the next activation, where that has one. */
  | { readonly kind: 'not-judged'; readonly reason: string; readonly next: string | null };

/** A neuron as its model's structure describes it; nothing of it was run. */
export interface NeuronPlace {
  /** In its shortest lasting form, without a position. */
  readonly address: string;
  readonly modelName: string;
  /** Layer or block that it is a unit of, as addresses write it. */
  readonly layer: string;
  /** What kind of value it is a unit of: a layer's output, attention heads, or what enters an MLP's down projection. */
  readonly source: 'layer' | 'head' | 'hidden';
  /** Kind of the layer; null where a block is no layer. */
  readonly layerKind: InspectedLayer['kind'] | null;
  /** The operator or composite: `Conv`, `Relu`; empty for scopes and blocks. */
  readonly operator: string;
  readonly unit: number;
  /** Null where the size is open. */
  readonly unitCount: number | null;
  /** Sizes of its position axes, none for one value a sample; null where the rank is not known. */
  readonly map: readonly StructureDimension[] | null;
  readonly previous: string | null;
  readonly next: string | null;
  readonly states: NeuronStates;
  /** The position that was asked for and left out (`@7,7`): the page is of the whole map. */
  readonly leftOutPosition: string | null;
}

/** An address that leads to no neuron. */
export interface NeuronProblem {
  /** What was asked for. */
  readonly address: string;
  readonly modelName: string;
  readonly kind:
    /** Nothing of this name is in the model. */
    | 'unknown'
    /** It names a layer, and that has no units. */
    | 'no-units'
    /** The model cannot be read. */
    | 'model';
  /** What happened and what to do, in a sentence or two. */
  readonly message: string;
  /** Addresses that may be meant; links. */
  readonly suggestions: readonly string[];
}

/** Visited addresses: what Back and Forward go through, kept with the page's state. */
export interface NeuronTrail {
  readonly addresses: readonly string[];
  readonly index: number;
}

/** What the newest health result says of the neuron. */
export interface KnownFacts {
  /** Neuron they were measured of: the page's own, or the unit of the activation it feeds. */
  readonly address: string;
  readonly state: string;
  readonly stateMeaning: string;
  readonly sampleCount: number;
  readonly activeSampleCount: number;
  /** Outputs above 0 over all samples and positions. */
  readonly activeFraction: ReportNumber;
  readonly maximum: ReportNumber;
  readonly mean: ReportNumber;
  /** Counts between equal edges; absent when not captured. */
  readonly histogram?: readonly number[];
  /** Samples with the largest outputs, largest first, as far as they are at hand. */
  readonly examples: readonly SampleCard[];
  readonly resultId: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly dataName: string | null;
  /** The samples are pictures. */
  readonly areImages: boolean;
  /** The model file changed since. */
  readonly isStale: boolean;
}

/** Why a profile no longer says what a new measurement would. */
export type StaleReason = 'model' | 'data' | 'settings';

/** A measured profile, as it is shown. */
export interface ShownProfile {
  readonly profile: UnitProfile;
  /** It is being measured, or was stopped: what is known so far, without examples. */
  readonly isPartial: boolean;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly dataName: string;
  /** Null while it holds. */
  readonly stale: StaleReason | null;
}

/** How long a measurement will take. */
export interface MeasurementEstimate {
  readonly durationMs: number;
  readonly how:
    /** As long as this neuron took on the same data. */
    | { readonly kind: 'neuron'; readonly address: string }
    /** From a run over the same data, by its samples and time. */
    | { readonly kind: 'run'; readonly title: string }
    /** As the engine estimated it: `from one batch of 128`. */
    | { readonly kind: 'engine'; readonly text: string };
}

/** A measurement of fewer samples, offered where all of them take long. */
export interface QuickMeasurement {
  readonly limit: number;
  readonly durationMs: number;
}

/** What a person can do about a failed measurement. */
export type FailureRemedy = 'choose-data' | 'try-again' | 'show-log';

/** How it stands with measuring the neuron on data. */
export type MeasurementState =
  /** The storage is being read. */
  | { readonly kind: 'looking' }
  /** It was measured, and that holds. */
  | { readonly kind: 'done' }
  /** It can be measured on a click. */
  | {
      readonly kind: 'offered';
      readonly dataName: string;
      readonly estimate: MeasurementEstimate | null;
      readonly quick: QuickMeasurement | null;
      /** Another neuron that is being measured meanwhile. */
      readonly other: string | null;
    }
  /** It will be measured when the engine is free of `activity`. */
  | { readonly kind: 'waiting'; readonly activity: string }
  | {
      readonly kind: 'measuring';
      readonly fractionDone: number;
      readonly message: string;
      readonly estimate: MeasurementEstimate | null;
    }
  | { readonly kind: 'cancelled'; readonly estimate: MeasurementEstimate | null }
  | { readonly kind: 'failed'; readonly message: string; readonly remedies: readonly FailureRemedy[] }
  /** No data were chosen for the model. */
  | { readonly kind: 'no-data' }
  /** The workspace is not trusted: nothing runs. */
  | { readonly kind: 'restricted' }
  /** It cannot be measured at all: it stands in a body, where values cannot be read out. */
  | { readonly kind: 'in-body' };

/** The weights that lead into the neuron. */
export type WeightsState =
  | { readonly kind: 'reading' }
  | { readonly kind: 'read'; readonly weights: UnitWeights }
  /** `reason` says why there are none, or what went wrong. */
  | { readonly kind: 'none'; readonly reason: string };

/** Where the neuron leads and which are like it, by weights. */
export type LinksState =
  | { readonly kind: 'reading' }
  | { readonly kind: 'read'; readonly links: UnitLinks }
  | { readonly kind: 'none'; readonly reason: string };

/** The tokens of a language model that the neuron makes likelier and unlikelier. */
export type TokensState =
  /** Nothing to say: no language model, no weights that bring it there, or nothing may be run. */
  | { readonly kind: 'none' }
  | { readonly kind: 'reading' }
  | { readonly kind: 'read'; readonly tokens: UnitTokens }
  | { readonly kind: 'failed'; readonly message: string };

/** A unit that is like the neuron by its activations over the data; null where one of the two does not vary. */
export interface LikeUnit {
  readonly address: string;
  readonly correlation: ReportNumber | null;
}

/** What a report says of the neuron's part: what the model loses without it, and which neurons go with it. */
export interface KnownRole {
  /** The score untouched, with the neuron at 0 and at its mean, in a sentence. */
  readonly sentence: string;
  /** What that rests on, in words; or why no score was measured. */
  readonly evidence: string;
  readonly like: readonly LikeUnit[];
  readonly resultId: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** The model file changed since. */
  readonly isStale: boolean;
}

/** How it stands with the neuron's part, which a run measures. */
export type RoleState =
  | {
      readonly kind: 'idle';
      readonly known: KnownRole | null;
      /** Why the last run left nothing. */
      readonly failure: string | null;
      /** Null where nothing can be run: no data, or no trust. */
      readonly dataName: string | null;
    }
  | { readonly kind: 'running'; readonly fractionDone: number; readonly message: string };

/** Host → page. */
export type NeuronShow =
  | {
      readonly kind: 'place';
      readonly place: NeuronPlace;
      readonly model: string;
      readonly trail: NeuronTrail;
    }
  | {
      readonly kind: 'problem';
      readonly problem: NeuronProblem;
      readonly model: string;
      readonly trail: NeuronTrail;
    }
  | { readonly kind: 'facts'; readonly facts: KnownFacts | null }
  | { readonly kind: 'profile'; readonly shown: ShownProfile | null }
  | { readonly kind: 'measurement'; readonly state: MeasurementState }
  | { readonly kind: 'weights'; readonly state: WeightsState }
  | { readonly kind: 'links'; readonly state: LinksState }
  | { readonly kind: 'tokens'; readonly state: TokensState }
  | { readonly kind: 'role'; readonly state: RoleState };

/** Page → host, answered. */
export interface NeuronAsk {
  /** Goes to a unit of the same layer, or to any address; refused with the reason when there is none. */
  readonly kind: 'go-to';
  readonly text: string;
}

/** Page → host, not answered. */
export type NeuronTell =
  | LinkTell
  | { readonly kind: 'step'; readonly by: 1 | -1 }
  | { readonly kind: 'travel'; readonly by: 1 | -1 }
  /** `address` is what the page shows, so that a click during a navigation measures nothing else. */
  | { readonly kind: 'measure'; readonly address: string; readonly limit?: number }
  | { readonly kind: 'cancel'; readonly address: string }
  /** Measures what the model loses without the neuron; `address` as for `measure`. */
  | { readonly kind: 'measure-role'; readonly address: string }
  | { readonly kind: 'cancel-role' }
  | { readonly kind: 'choose-data' }
  | { readonly kind: 'manage-trust' }
  | { readonly kind: 'show-log' }
  | { readonly kind: 'open-layer' }
  | { readonly kind: 'open-model' }
  | { readonly kind: 'open-result'; readonly resultId: string };

/** The protocol of the neuron page. */
export interface NeuronProtocol extends ViewProtocol {
  readonly show: NeuronShow;
  readonly ask: NeuronAsk;
  readonly answers: { readonly 'go-to': { readonly address: string } };
  readonly tell: NeuronTell;
}

/** What the page keeps over hiding and reloads; `model` and `trail` are what the host reopens it from. */
export interface NeuronPageState {
  /** The model's URI. */
  readonly model: string;
  readonly trail: NeuronTrail;
  /** Opacity of the maps over pictures, 0…1. */
  readonly opacity: number;
  /** How histograms were left, by the name of their panel. */
  readonly histograms: Readonly<
    Record<string, { readonly isTable: boolean; readonly isLog?: boolean | undefined }>
  >;
}

/** Returns what a reloaded window reopens a page from, or undefined when it is no state of ours. */
export function readNeuronPageState(value: unknown): Pick<NeuronPageState, 'model' | 'trail'> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { model, trail } = value as Partial<Record<keyof NeuronPageState, unknown>>; // each field is checked below
  if (typeof model !== 'string' || typeof trail !== 'object' || trail === null) return undefined;
  const { addresses, index } = trail as Partial<Record<keyof NeuronTrail, unknown>>; // likewise
  if (!Array.isArray(addresses) || !addresses.every((one) => typeof one === 'string')) return undefined;
  if (typeof index !== 'number' || addresses[index] === undefined) return undefined;
  return { model, trail: { addresses, index } };
}
