import { html, type TemplateResult } from 'lit';

/** Returns a text with the words of a search marked where they stand. */
export function marked(text: string, search: string): TemplateResult | string {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return text;
  const pieces = markedPieces(text, words);
  if (pieces.length === 1 && pieces[0]?.isMarked === false) return text;
  return html`${pieces.map((piece) => (piece.isMarked ? html`<mark>${piece.text}</mark>` : piece.text))}`;
}

/** Returns a text cut where marks begin and end; overlapping words make one mark. */
export function markedPieces(
  text: string,
  words: readonly string[],
): readonly { readonly text: string; readonly isMarked: boolean }[] {
  const lower = text.toLowerCase();
  // Some letters change their length in lower case; then the places would not fit.
  if (lower.length !== text.length) return [{ text, isMarked: false }];
  const isMarked = new Array<boolean>(text.length).fill(false);
  for (const word of words) {
    for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + 1)) {
      isMarked.fill(true, at, at + word.length);
    }
  }
  const pieces: { text: string; isMarked: boolean }[] = [];
  for (let i = 0; i < text.length; i++) {
    const last = pieces.at(-1);
    if (last !== undefined && last.isMarked === isMarked[i]) last.text += text.charAt(i);
    else pieces.push({ text: text.charAt(i), isMarked: isMarked[i] === true });
  }
  return pieces.length === 0 ? [{ text, isMarked: false }] : pieces;
}
