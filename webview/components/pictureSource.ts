/**
 * Returns where a picture of a report is loaded from: itself when it is a data URI of pixels, or the file beside the
 * report; undefined for anything else, because a report loads nothing from elsewhere. Exports follow the same rule.
 */
export function pictureSource(source: string, base: string): string | undefined {
  if (/^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]*$/.test(source)) return source;
  return fileSource(source, base, /\.(png|jpe?g|webp|gif)$/i);
}

/** Returns where a sound of a report is loaded from; the same rule as for pictures, for WAV files. */
export function soundSource(source: string, base: string): string | undefined {
  if (/^data:audio\/wav;base64,[A-Za-z0-9+/=]*$/.test(source)) return source;
  return fileSource(source, base, /\.wav$/i);
}

function fileSource(source: string, base: string, names: RegExp): string | undefined {
  const isFile = names.test(source) && !/^[a-z][a-z0-9+.-]*:/i.test(source);
  const parts = source.split(/[\\/]/);
  if (!isFile || base === '' || parts[0] === '' || parts.includes('..')) return undefined;
  return `${base.replace(/\/?$/, '/')}${parts.map(encodeURIComponent).join('/')}`;
}

/** Returns the size a picture is drawn at: small ones enlarged in whole multiples, so that pixels stay square. */
export function drawnSize(
  picture: { readonly width: number; readonly height: number },
  minSize: number,
): { readonly width: number; readonly height: number } {
  const scale = Math.max(1, Math.ceil(minSize / Math.max(picture.width, picture.height)));
  return { width: picture.width * scale, height: picture.height * scale };
}
