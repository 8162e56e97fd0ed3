import { readFileSync, realpathSync } from 'node:fs';
import { extname, resolve, sep } from 'node:path';

const pictureTypes: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
};

const soundTypes: Readonly<Record<string, string>> = { '.wav': 'audio/wav' };

/**
 * Returns a picture's source as a data URI: itself, or the file it names beside the report.
 *
 * Undefined for anything else: a page that stands alone loads nothing, and a report reads no file outside its folder.
 */
export function pictureUri(source: string, reportDir: string): string | undefined {
  if (/^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]*$/.test(source)) return source;
  return fileUri(source, reportDir, pictureTypes);
}

/** Returns a sound's source as a data URI; the same rule as for pictures, for WAV files. */
export function soundUri(source: string, reportDir: string): string | undefined {
  if (/^data:audio\/wav;base64,[A-Za-z0-9+/=]*$/.test(source)) return source;
  return fileUri(source, reportDir, soundTypes);
}

function fileUri(
  source: string,
  reportDir: string,
  types: Readonly<Record<string, string>>,
): string | undefined {
  const mediaType = types[extname(source).toLowerCase()];
  if (mediaType === undefined || /^[a-z][a-z0-9+.-]*:/i.test(source)) return undefined;
  try {
    const folder = realpathSync(reportDir);
    const path = realpathSync(resolve(folder, source));
    if (!path.startsWith(folder + sep)) return undefined;
    return `data:${mediaType};base64,${readFileSync(path).toString('base64')}`;
  } catch {
    return undefined;
  }
}
