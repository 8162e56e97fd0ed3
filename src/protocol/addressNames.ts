/** Names that would be read otherwise: with brackets, at signs, quotes, white space, or an end like `:1`. */
const needsQuotes = /[[\]@"\s]|:(?:head|expert|hidden|act|\d{1,9})$|^$/u;

/** Returns a layer's name as addresses write it, quoted where it must be. */
export function formatName(name: string): string {
  if (!needsQuotes.test(name)) return name;
  return `"${name.replace(/["\\]/gu, (character) => `\\${character}`)}"`;
}
