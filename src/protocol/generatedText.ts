import type { ReportNumber } from './blocks.js';

// What crosses of a text that a language model continues.

/** A language model, and where its tokenizer is looked for. */
export interface LanguageModelPlace {
  readonly modelPath: string;
  /** Data of the model: an inspect file among them may name a tokenizer. */
  readonly dataPath?: string;
  /** A tokenizer that the person chose. */
  readonly tokenizerPath?: string;
}

/** The inspect file of tokens that were written as data. */
export const tokensFileName = 'tokens.inspect.json';

/** What is told of a language model before it writes. */
export interface LanguageModelFacts {
  readonly tokenizerPath: string;
  /** Tokens that it sees at most; null where no table says. */
  readonly contextLength: number | null;
  readonly vocabularySize: number | null;
  /** Layers whose neurons can carry what a token contributes to the scores, in file order. */
  readonly carriers: readonly string[];
}

/** How the next tokens are chosen. */
export interface SamplingChoice {
  /** Tokens to write, at most. */
  readonly tokenCount: number;
  /** 0: always the likeliest. */
  readonly temperature: number;
  /** null: from all. */
  readonly topK: number | null;
  readonly topP: number;
  readonly seed: number;
}

/** A token that might have stood in another's place. */
export interface TokenAlternative {
  readonly id: number;
  readonly text: string;
  /** 0…1. */
  readonly probability: number;
}

/** A token and how sure the model was of it. */
export interface ReadToken {
  readonly id: number;
  /** As a person reads it in a row of tokens, with the space before it. */
  readonly text: string;
  /** null where nothing stands before it that it could be told from. */
  readonly judged: {
    /** −log p, in nats. */
    readonly surprise: ReportNumber;
    /** How many tokens were likelier. */
    readonly likelierCount: number;
    /** In nats. */
    readonly entropy: ReportNumber;
    /** From the likeliest on; the token may be among them. */
    readonly alternatives: readonly TokenAlternative[];
  } | null;
}

/** Tokens that have come since the last piece; the prompt's in the first. */
export interface TextPiece {
  /** Tokens of the prompt; absent where ids were continued. */
  readonly prompt?: readonly ReadToken[];
  readonly written: readonly ReadToken[];
}

/** How a continuation ended. */
export interface ContinuedText {
  readonly writtenCount: number;
  /** The text of what was written, as the tokenizer decodes it. */
  readonly text: string;
  /** Whether its last token is one that ends a text. */
  readonly isEnded: boolean;
  /** Tokens that the model saw at most where that was less than the whole text; null where it saw all. */
  readonly seenAtMost: number | null;
  readonly provider: string;
}
