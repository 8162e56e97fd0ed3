/** Returns a token as it is told apart in a list: line breaks, tabs and the space before it are to be seen. */
export function tokenText(text: string): string {
  return text.replaceAll('\n', '⏎').replaceAll('\t', '⇥').replace(/^ /u, '␣');
}

/** Returns a token as `tokenText` does, with its id where its text is a part of a character or cannot be seen. */
export function tokenName({ id, text }: { readonly id: number; readonly text: string }): string {
  const shown = tokenText(text);
  return /^$|[\uFFFD\p{C}]/u.test(shown) ? `${shown.replace(/\p{C}/gu, '')} #${String(id)}`.trim() : shown;
}
