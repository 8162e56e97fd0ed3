import type {
  ContinuedText,
  LanguageModelFacts,
  ReadToken,
  SamplingChoice,
  TextPiece,
} from '../generatedText.js';

// The protocol of the playground, where a person writes with a language model. The page holds the text; the host holds the
// continuation under way, or the last one, so that a page that was hidden meanwhile finds every token.

/** What a person can do about a model that cannot write. */
export type PlaygroundRemedy = 'choose-tokenizer' | 'open-model' | 'manage-trust' | 'try-again';

/** How it stands with the model. */
export type PlaygroundModel =
  | { readonly kind: 'reading' }
  | { readonly kind: 'ready'; readonly facts: LanguageModelFacts; readonly tokenizerName: string }
  | { readonly kind: 'problem'; readonly message: string; readonly remedy: PlaygroundRemedy };

/** How it stands with a continuation. */
export type ContinuationState =
  /** `activity` is what keeps the engine busy; null while the model is opened. */
  | { readonly kind: 'waiting'; readonly activity: string | null }
  | { readonly kind: 'writing' }
  | { readonly kind: 'done'; readonly end: ContinuedText }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly message: string };

/** What is to be continued, and how. */
export interface ContinuationRequest extends SamplingChoice {
  /** Names the continuation; larger than every one before. */
  readonly id: number;
  readonly prompt: string;
  /** The whole text so far; null: the prompt begins a new one. */
  readonly ids: readonly number[] | null;
}

/** Host → page. */
export type PlaygroundShow =
  /** Which model the page is of: what it is reopened from. */
  | {
      readonly kind: 'place';
      readonly model: string;
      readonly modelName: string;
      readonly tokenizerPath: string | null;
    }
  | { readonly kind: 'model'; readonly model: PlaygroundModel }
  /** Tokens of continuation `id` from `firstIndex` on. */
  | { readonly kind: 'tokens'; readonly id: number; readonly firstIndex: number; readonly piece: TextPiece }
  | { readonly kind: 'state'; readonly id: number; readonly state: ContinuationState }
  /** The page has loaded and nothing is under way: what it had begun ended with its window. */
  | { readonly kind: 'idle' };

/** Page → host. */
export type PlaygroundTell =
  | { readonly kind: 'continue'; readonly request: ContinuationRequest }
  | { readonly kind: 'cancel' }
  /** Asks why a token stands behind others: on which of them its score rests, or which neurons of a layer carry it. */
  | {
      readonly kind: 'why';
      readonly before: readonly number[];
      readonly token: number;
      readonly layer: string | null;
    }
  | { readonly kind: 'remedy'; readonly remedy: PlaygroundRemedy };

/** The protocol of the playground. */
export interface PlaygroundProtocol {
  readonly show: PlaygroundShow;
  readonly ask: never;
  readonly answers: Readonly<Record<string, never>>;
  readonly tell: PlaygroundTell;
}

/** One continuation, as the page keeps it. */
export interface KeptContinuation {
  readonly id: number;
  readonly tokens: readonly ReadToken[];
}

/** A text: the prompt as it was continued, its tokens, and what was written after them. */
export interface PlaygroundText {
  readonly prompt: string;
  readonly promptTokens: readonly ReadToken[];
  readonly parts: readonly KeptContinuation[];
}

/** What the page keeps over hiding and reloads. */
export interface PlaygroundPageState {
  /** The model's URI. */
  readonly model: string;
  readonly tokenizerPath: string | null;
  /** What is typed. */
  readonly prompt: string;
  readonly isSampled: boolean;
  /** Fields by their name, as they are typed. */
  readonly fields: Readonly<Record<string, string>>;
  readonly text: PlaygroundText | null;
  /** Texts that made room for a new one, the last one last. */
  readonly earlier: readonly PlaygroundText[];
  /** The last continuation's name. */
  readonly lastId: number;
}

/** Returns what a reloaded window reopens a playground from, or undefined when it is no state of ours. */
export function readPlaygroundPlace(
  value: unknown,
): Pick<PlaygroundPageState, 'model' | 'tokenizerPath'> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { model, tokenizerPath } = value as Partial<Record<keyof PlaygroundPageState, unknown>>; // each field is checked below
  if (typeof model !== 'string') return undefined;
  return { model, tokenizerPath: typeof tokenizerPath === 'string' ? tokenizerPath : null };
}
