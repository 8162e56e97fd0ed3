import type { Node, Point, Tree } from '@vscode/tree-sitter-wasm';
import type { Grammar, GrammarName, Grammars } from './grammars.js';
import type { Language } from './language.js';

/** A document as an editor holds it. */
export interface SourceDocument {
  /** Unique: its URI. */
  readonly key: string;
  /** Grows with every edit. */
  readonly version: number;
  text(): string;
}

/** A replaced part of a document, as editors tell it: in the document before this change, after those told earlier. */
export interface TextChange {
  readonly start: number;
  readonly end: number;
  readonly startPoint: Point;
  readonly endPoint: Point;
  readonly text: string;
}

/** Trees that are kept; one of a file of 100 kB takes about 5 MB. */
const maxTreeCount = 6;

interface Entry {
  readonly grammar: GrammarName;
  tree: Tree;
  /** Of the text that `tree` was parsed from, edits told since included. */
  version: number;
  /** Version that was parsed last. */
  parsedVersion: number;
}

/** Syntax trees of open documents, kept between hovers and parsed again only where they were edited. */
export class ParsedDocuments {
  private readonly grammars: Grammars;
  /** Least recently used first. */
  private readonly entries = new Map<string, Entry>();

  constructor(grammars: Grammars) {
    this.grammars = grammars;
  }

  /** Returns the tree of a document's current text, and how its language writes things. */
  async parse(
    document: SourceDocument,
    name: GrammarName,
  ): Promise<{ readonly tree: Tree } & Pick<Grammar, 'language'>> {
    const { parser, language } = await this.grammars.grammar(name);
    const { key, version } = document;
    let entry = this.entries.get(key);
    if (entry !== undefined && entry.grammar !== name) {
      this.forget(key);
      entry = undefined;
    }
    if (entry?.parsedVersion === version) return { tree: this.touch(key, entry).tree, language };
    // An edit that was not told leaves a tree that says nothing of the text.
    const old = entry?.version === version ? entry.tree : undefined;
    const tree = parser.parse(document.text(), old);
    if (tree === null) throw new Error(`The ${name} parser has no language.`);
    this.forget(key);
    this.touch(key, { grammar: name, tree, version, parsedVersion: version });
    this.evict();
    return { tree, language };
  }

  /** Parses text that is no document of its own, such as a block in Markdown, for as long as `read` takes. */
  async parseOnce<T>(
    text: string,
    name: GrammarName,
    read: (root: Node, language: Language) => T,
  ): Promise<T> {
    const { parser, language } = await this.grammars.grammar(name);
    const tree = parser.parse(text);
    if (tree === null) throw new Error(`The ${name} parser has no language.`);
    try {
      return read(tree.rootNode, language);
    } finally {
      tree.delete();
    }
  }

  /** Notes edits of a document, so that only what they touch is parsed again; nothing happens for one without a tree. */
  edit(key: string, version: number, changes: readonly TextChange[]): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    if (version !== entry.version + 1) {
      this.forget(key);
      return;
    }
    for (const { start, end, startPoint, endPoint, text } of changes) {
      entry.tree.edit({
        startIndex: start,
        oldEndIndex: end,
        newEndIndex: start + text.length,
        startPosition: startPoint,
        oldEndPosition: endPoint,
        newEndPosition: pointBehind(startPoint, text),
      });
    }
    entry.version = version;
  }

  /** Frees the tree of a document that was closed. */
  forget(key: string): void {
    this.entries.get(key)?.tree.delete();
    this.entries.delete(key);
  }

  /** Frees every tree. */
  dispose(): void {
    for (const key of [...this.entries.keys()]) this.forget(key);
  }

  private touch(key: string, entry: Entry): Entry {
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry;
  }

  private evict(): void {
    for (const key of this.entries.keys()) {
      if (this.entries.size <= maxTreeCount) return;
      this.forget(key);
    }
  }
}

function pointBehind(start: Point, text: string): Point {
  const last = text.lastIndexOf('\n');
  if (last < 0) return { row: start.row, column: start.column + text.length };
  return { row: start.row + text.split('\n').length - 1, column: text.length - last - 1 };
}
