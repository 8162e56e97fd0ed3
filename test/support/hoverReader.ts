import { Grammars } from '../../src/extension/hovers/code/grammars.js';
import { ParsedDocuments } from '../../src/extension/hovers/code/parsedDocuments.js';
import { readDocument } from '../../src/extension/hovers/readDocument.js';
import { type CodeContext, resolveReferences } from '../../src/extension/hovers/resolveReference.js';
import type { AddressTable } from '../../src/protocol/structure.js';
import { treeSitterFolder } from './treeSitterFolder.js';

/** Stands before the character that is pointed at. */
const marker = '‸';

/** What pointing at a document leads to, and the text it is said of. */
export interface Pointed {
  /** Addresses, joined by commas; empty when there is nothing. */
  readonly found: string;
  readonly text: string;
  readonly missingUnit?: number;
}

/** What is known of the document. */
export interface PointOptions {
  readonly context?: CodeContext;
  readonly path?: string;
}

/** Reads documents in which a `‸` marks the character that is pointed at. */
export class HoverReader {
  private readonly parsed = new ParsedDocuments(new Grammars(treeSitterFolder()));
  private readonly table: AddressTable;
  private count = 0;

  constructor(table: AddressTable) {
    this.table = table;
  }

  /** Points at the marked character of a document. */
  async point(languageId: string, marked: string, options: PointOptions = {}): Promise<Pointed> {
    const offset = marked.indexOf(marker);
    if (offset < 0) throw new Error(`No ${marker} in ${marked}`);
    const text = marked.replace(marker, '');
    const document = {
      key: `document ${String(this.count++)}`,
      version: 1,
      languageId,
      path: options.path ?? '/home/ana/file',
      text: () => text,
    };
    const references = await readDocument(document, offset, this.parsed);
    const found = resolveReferences(references, this.table, options.context);
    if (found === undefined) return { found: '', text: '' };
    return {
      found: found.targets.map(({ address }) => address).join(', '),
      text: text.slice(found.start, found.end),
      ...(found.missingUnit === undefined ? {} : { missingUnit: found.missingUnit }),
    };
  }

  /** Returns the address that pointing leads to, empty for none. */
  async at(languageId: string, marked: string, options: PointOptions = {}): Promise<string> {
    return (await this.point(languageId, marked, options)).found;
  }
}
