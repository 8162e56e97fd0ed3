import type { ProviderName } from '../engineMessages.js';
import type { SettingsSchema, SettingValues } from '../settings.js';

// The protocol of the form that a run is started from.

/** What a person has chosen: settings that differ from their defaults, and the run's own options. */
export interface RunChoice {
  readonly settings: SettingValues;
  readonly seed: number;
  readonly provider: ProviderName;
  /** null: all samples. */
  readonly limit: number | null;
  /** null: from the model and the memory setting. */
  readonly batchSize: number | null;
}

/** What the form is for. */
export interface RunForm {
  /** One for each time a form is opened: what is kept of another one does not apply. */
  readonly formId: string;
  readonly analysisId: string;
  readonly analysisTitle: string;
  /** The question it answers. */
  readonly asks: string;
  readonly modelName: string;
  readonly modelPath: string;
  readonly dataNeed: 'required' | 'optional' | 'none';
  readonly settings: SettingsSchema;
  readonly choice: RunChoice;
  /** Data that the form was opened with, and the inspect file of other data that says how these are fed. */
  readonly described?: { readonly path: string; readonly by: string };
  /** In Restricted Mode nothing runs. */
  readonly isRestricted: boolean;
}

/** What is known of the data. */
export type DataState =
  | { readonly kind: 'none' }
  | { readonly kind: 'reading'; readonly place: DataPlace }
  | { readonly kind: 'known'; readonly place: DataPlace; readonly facts: DataFacts }
  /** It cannot be used, with the reason and the remedy. */
  | { readonly kind: 'refused'; readonly place: DataPlace; readonly message: string }
  /** Nothing is read in Restricted Mode. */
  | { readonly kind: 'unread'; readonly place: DataPlace };

/** Where the data is. */
export interface DataPlace {
  readonly path: string;
  readonly name: string;
  /** Folder, from the workspace's root when it is inside. */
  readonly folder: string;
  readonly isInspectFile: boolean;
}

/** How the data is understood. */
export interface DataFacts {
  /** What it is, in words. */
  readonly kind: string;
  readonly sampleCount: number;
  readonly hasLabels: boolean;
  readonly labelNames: readonly string[];
  /** What was assumed or looks wrong, one sentence each. */
  readonly warnings: readonly string[];
  /** What was assumed can be written into an inspect file. */
  readonly canBeWritten: boolean;
}

/** How long the run will take. */
export type EstimateState =
  | { readonly kind: 'none' }
  | { readonly kind: 'estimating' }
  | { readonly kind: 'known'; readonly durationMs: number; readonly how: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** A layer that address settings may name. */
export interface LayerSuggestion {
  readonly name: string;
  /** Address of its first neuron: `features.3[0]`; null where it has no units. */
  readonly address: string | null;
  /** `Conv · 16 units`. */
  readonly detail: string;
}

/** Host → form. */
export type RunShow =
  | { readonly kind: 'form'; readonly form: RunForm }
  | { readonly kind: 'data'; readonly data: DataState }
  | { readonly kind: 'estimate'; readonly estimate: EstimateState }
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'layers'; readonly layers: readonly LayerSuggestion[] }
  /** What only the host can see to be wrong, by key: addresses that the model does not have. */
  | { readonly kind: 'problems'; readonly problems: Readonly<Record<string, string>> }
  /** The workspace was trusted. */
  | { readonly kind: 'trusted' }
  /** What a run started now waits for, in words; null when it begins at once. */
  | { readonly kind: 'waiting'; readonly text: string | null }
  /** Something that the form needs failed: what happened and what to do. */
  | { readonly kind: 'problem'; readonly heading: string; readonly message: string };

/** Form → host, answered. */
export type RunAsk =
  | { readonly kind: 'copy-command' }
  /** Lets the person browse for a file or a folder; null when they did not choose one. */
  | { readonly kind: 'choose-path'; readonly key: string; readonly isFolder: boolean }
  /** The inspect file that says what was assumed, and where it would stand. */
  | { readonly kind: 'proposal' }
  /** Saves it there, or where the person says; null when they did not. */
  | { readonly kind: 'save-proposal'; readonly isElsewhere: boolean };

/** The answers to what a form asks. */
export interface RunAnswers {
  readonly [kind: string]: unknown;
  readonly 'copy-command': null;
  readonly 'choose-path': string | null;
  readonly proposal: { readonly text: string; readonly path: string };
  readonly 'save-proposal': string | null;
}

/** Form → host. */
export type RunTell =
  /** Values changed; null while some are wrong. */
  | { readonly kind: 'changed'; readonly choice: RunChoice | null }
  | { readonly kind: 'run'; readonly choice: RunChoice }
  | { readonly kind: 'choose-data' }
  | { readonly kind: 'open-data' }
  | { readonly kind: 'stop-estimate' }
  | { readonly kind: 'estimate' }
  | { readonly kind: 'manage-trust' }
  | { readonly kind: 'close' };

/** The protocol of the form that a run is started from. */
export interface RunProtocol {
  readonly show: RunShow;
  readonly ask: RunAsk;
  readonly answers: RunAnswers;
  readonly tell: RunTell;
}

/** What the form keeps of itself over hiding and reloads; the host finds its way back to the form by it. */
export interface RunPageState {
  readonly formId: string;
  readonly reopen: RunReopen;
  /** What is typed, by key. */
  readonly texts: Readonly<Record<string, string>>;
  readonly isAdvancedOpen: boolean;
}

/** What opens a form again after the window was reloaded. */
export interface RunReopen {
  readonly analysisId: string;
  readonly modelPath: string;
  readonly dataPath: string | null;
  /** The inspect file of other data that says how these are fed. */
  readonly describedBy?: string;
  readonly choice: RunChoice;
}

/** Tells whether something that was kept is a form's state. */
export function isRunPageState(value: unknown): value is RunPageState {
  if (typeof value !== 'object' || value === null || !('reopen' in value) || !('texts' in value)) {
    return false;
  }
  const { formId, reopen } = value as Partial<RunPageState>;
  const { analysisId, modelPath, choice } = (reopen ?? {}) as Partial<RunReopen>;
  return (
    typeof formId === 'string' &&
    typeof analysisId === 'string' &&
    typeof modelPath === 'string' &&
    typeof choice === 'object'
  );
}
