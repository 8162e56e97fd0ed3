import { libraryEntries } from './entries/libraryEntries.js';
import { onnxEntries } from './entries/onnxEntries.js';
import { paperEntries } from './entries/paperEntries.js';
import { type ActivationEntry, readEntries } from './entry.js';

/** Every activation function that is known, by id. */
export const activationCatalogue: ReadonlyMap<string, ActivationEntry> = new Map(
  readEntries({ ...onnxEntries, ...paperEntries, ...libraryEntries }).map((entry) => [entry.id, entry]),
);
