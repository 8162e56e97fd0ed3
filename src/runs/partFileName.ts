import { createHash } from 'node:crypto';
import { encodeName } from './arrayFileNames.js';

/** Longer names of models are cut. */
const maxNameLength = 100;

/** What a part is, as its draft or the report that holds it says. */
interface NamedPart {
  readonly analysis: string | { readonly id: string };
  readonly of?: string | { readonly name: string };
}

/** Returns what tells the files of a part from those of the others: `dead-neurons`, `step-100.dead-neurons`. */
export function partFileName({ analysis, of }: NamedPart): string {
  const id = typeof analysis === 'string' ? analysis : analysis.id;
  if (of === undefined) return id;
  const name = typeof of === 'string' ? of : of.name;
  const encoded = encodeName(name);
  // Cut names could be equal.
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${encoded.length > maxNameLength ? `${encoded.slice(0, maxNameLength).replace(/%.?$/, '')}~${hash}` : encoded}.${id}`;
}
