import { dirname, resolve } from 'node:path';
import type { InspectFileLink } from '../models/inspectFiles.js';
import type { CodeContext } from './resolveReference.js';

/** What inspect files say of a document and a model; undefined when none ties them together. */
export function codeContextOf(
  links: readonly InspectFileLink[],
  documentPath: string,
  modelPath: string,
): CodeContext | undefined {
  const link = links.find(
    (one) => one.modelPath === modelPath && (one.codePath === documentPath || namesIn(one, documentPath)),
  );
  if (link === undefined) return undefined;
  const layerBySymbol = new Map(symbolsIn(link, documentPath));
  const className = link.codePath === documentPath ? link.code?.class : undefined;
  return { ...(className === undefined ? {} : { className }), layerBySymbol };
}

function namesIn(link: InspectFileLink, documentPath: string): boolean {
  return symbolsIn(link, documentPath).length > 0;
}

/** `"fc1": "training.py:DigitsCnn.fc1"`: layers by what they are called in a file. */
function symbolsIn(link: InspectFileLink, documentPath: string): readonly (readonly [string, string])[] {
  return Object.entries(link.code?.layers ?? {}).flatMap(([layer, place]) => {
    const colon = place.lastIndexOf(':');
    const isHere = colon > 0 && resolve(dirname(link.path), place.slice(0, colon)) === documentPath;
    return isHere ? [[place.slice(colon + 1), layer] as const] : [];
  });
}
