/** Returns text as Markdown that shows just that text: names from models are never markup, links or images. */
export function markdownText(text: string): string {
  return text
    .replace(/[\r\n\t\f\v\u2028\u2029]+/gu, ' ')
    .replace(/[\\`*_{}[\]()#+\-.!~|<>&$:@"'=^]/gu, (sign) => `\\${sign}`);
}

/** Returns text that can stand between the brackets of an image or link, without escapes that some readers would show. */
export function plainLabel(text: string): string {
  return text.replace(/[^\p{L}\p{N}.,%-]+/gu, ' ').trim();
}

const base64Picture = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/u;

/** Returns a picture as Markdown, sized; undefined when its source is no picture in a data URI, or longer than `maxLength`. */
export function markdownPicture(
  source: string,
  alt: string,
  size: { readonly width: number; readonly height: number; readonly maxLength: number },
): string | undefined {
  if (source.length > size.maxLength || !base64Picture.test(source)) return undefined;
  return `![${plainLabel(alt)}](${source}|width=${String(size.width)},height=${String(size.height)})`;
}
