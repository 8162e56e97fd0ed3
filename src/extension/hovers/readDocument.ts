import { type GrammarName, grammarOf } from './code/grammars.js';
import type { ParsedDocuments, SourceDocument } from './code/parsedDocuments.js';
import { readCode } from './code/readCode.js';
import type { Reference } from './reference.js';
import { readJson } from './text/readJson.js';
import { fencedCodeAt, readMarkdown } from './text/readMarkdown.js';

/** A document, and what editors call its language. */
export interface ReadableDocument extends SourceDocument {
  readonly languageId: string;
  readonly path: string;
}

/**
 * Longer code is parsed around the position only. Parsing costs 1 to 4 ms per kB on the extension host's thread (measured on
 * Python and TypeScript, idle and busy machine), so that the first hover in a file of this length waits up to a second; later
 * ones, and those after edits, do not.
 */
const maxParsedLength = 250_000;

/** Lines before and behind a position that are parsed of longer code. */
const windowLineCount = 150;

/** Returns what may name a layer or neuron at a position of a document; nothing in languages that are not read. */
export async function readDocument(
  document: ReadableDocument,
  offset: number,
  parsed: ParsedDocuments,
): Promise<readonly Reference[]> {
  switch (document.languageId) {
    case 'markdown':
      return readMarkdownDocument(document.text(), offset, parsed);
    case 'json':
    case 'jsonc':
      return readJson(document.text(), offset, /\.(?:inspect|nireport)\.json$/u.test(document.path));
    default: {
      const name = grammarOf(document.languageId);
      return name === undefined ? [] : readCodeDocument(document, { offset, name, parsed });
    }
  }
}

interface CodePlace {
  readonly offset: number;
  readonly name: GrammarName;
  readonly parsed: ParsedDocuments;
}

async function readCodeDocument(
  document: SourceDocument,
  { offset, name, parsed }: CodePlace,
): Promise<readonly Reference[]> {
  const text = document.text();
  if (text.length > maxParsedLength) {
    const start = lineStartBefore(text, offset, windowLineCount);
    const piece = text.slice(start, lineEndBehind(text, offset, windowLineCount));
    return readPiece(piece, start, { offset, name, parsed });
  }
  const { tree, language } = await parsed.parse(document, name);
  return readCode(tree.rootNode, offset, language);
}

async function readMarkdownDocument(
  text: string,
  offset: number,
  parsed: ParsedDocuments,
): Promise<readonly Reference[]> {
  const fenced = fencedCodeAt(text, offset);
  if (fenced === undefined) return readMarkdown(text, offset);
  const name = grammarOf(fenced.language);
  if (name === undefined || fenced.code.length > maxParsedLength) return readMarkdown(text, offset);
  return readPiece(fenced.code, fenced.start, { offset, name, parsed });
}

async function readPiece(
  piece: string,
  start: number,
  { offset, name, parsed }: CodePlace,
): Promise<readonly Reference[]> {
  const references = await parsed.parseOnce(piece, name, (root, language) =>
    readCode(root, offset - start, language),
  );
  return references.map((reference) => moved(reference, start));
}

function moved(reference: Reference, by: number): Reference {
  if (reference.kind === 'text') {
    return { ...reference, start: reference.start + by, end: reference.end + by };
  }
  const steps = reference.steps.map((step) => ({ ...step, start: step.start + by, end: step.end + by }));
  return { ...reference, steps, offset: reference.offset + by };
}

function lineStartBefore(text: string, offset: number, lineCount: number): number {
  let start = offset;
  for (let line = 0; line <= lineCount && start > 0; line++) start = text.lastIndexOf('\n', start - 1);
  return start <= 0 ? 0 : start + 1;
}

function lineEndBehind(text: string, offset: number, lineCount: number): number {
  let end = offset;
  for (let line = 0; line <= lineCount; line++) {
    end = text.indexOf('\n', end + 1);
    if (end < 0) return text.length;
  }
  return end;
}
