import type { ReadToken, TextPiece } from '../../../src/protocol/generatedText.js';
import type { PlaygroundText } from '../../../src/protocol/views/playgroundMessages.js';

/** The text and those that made room for it. */
export interface Texts {
  readonly text: PlaygroundText | null;
  /** The last one last. */
  readonly earlier: readonly PlaygroundText[];
}

/** Returns all tokens of a text, the prompt's first. */
export function tokensOf({ promptTokens, parts }: PlaygroundText): readonly ReadToken[] {
  return [...promptTokens, ...parts.flatMap(({ tokens }) => tokens)];
}

/** Tells whether the text goes on from this prompt; another one begins a new text. */
export function goesOn({ text }: Texts, prompt: string): boolean {
  return text?.prompt === prompt && text.promptTokens.length > 0;
}

/** Returns the texts with a continuation begun: of the text where its prompt is the same, else of a new one. */
export function begun(texts: Texts, prompt: string, id: number): Texts {
  const part = { id, tokens: [] };
  const { text, earlier } = texts;
  if (text !== null && goesOn(texts, prompt)) {
    return { text: { ...text, parts: [...text.parts, part] }, earlier };
  }
  return {
    text: { prompt, promptTokens: [], parts: [part] },
    earlier: text === null ? earlier : [...earlier, text],
  };
}

/** Returns the texts with tokens of a continuation from some index on; of one that is gone nothing is taken. */
export function taken(
  texts: Texts,
  { id, firstIndex, piece }: { readonly id: number; readonly firstIndex: number; readonly piece: TextPiece },
): Texts {
  const { text } = texts;
  const part = text?.parts.at(-1);
  if (text === null || part?.id !== id) return texts;
  const tokens = [...part.tokens.slice(0, firstIndex), ...piece.written];
  return {
    ...texts,
    text: {
      ...text,
      promptTokens: piece.prompt ?? text.promptTokens,
      parts: [...text.parts.slice(0, -1), { id, tokens }],
    },
  };
}

/** Returns the texts after a continuation ended: one without a token leaves no trace. */
export function settled(texts: Texts): Texts {
  const { text } = texts;
  if (text === null || text.parts.at(-1)?.tokens.length !== 0) return texts;
  if (text.parts.length === 1 && text.promptTokens.length === 0) return undone(texts);
  return { ...texts, text: { ...text, parts: text.parts.slice(0, -1) } };
}

/** Returns the texts without the last continuation; without the first one, the text before it is back. */
export function undone({ text, earlier }: Texts): Texts {
  if (text !== null && text.parts.length > 1) {
    return { text: { ...text, parts: text.parts.slice(0, -1) }, earlier };
  }
  return { text: earlier.at(-1) ?? null, earlier: earlier.slice(0, -1) };
}
