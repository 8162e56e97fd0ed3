import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Parser } from '@vscode/tree-sitter-wasm';
import type * as TreeSitter from '@vscode/tree-sitter-wasm';
import type { Language } from './language.js';
import { python } from './python.js';
import { script } from './script.js';

/** Grammars that are shipped, by the end of their file's name. */
export type GrammarName = 'python' | 'typescript' | 'tsx' | 'javascript';

/** A language that can be parsed. */
export interface Grammar {
  readonly parser: Parser;
  readonly language: Language;
}

const languages: Readonly<Record<GrammarName, Language>> = {
  python,
  typescript: script,
  tsx: script,
  javascript: script,
};

/** Grammars by what editors call a language, and by the words behind fences in Markdown. */
const grammarByName: Readonly<Partial<Record<string, GrammarName>>> = {
  python: 'python',
  py: 'python',
  python3: 'python',
  typescript: 'typescript',
  ts: 'typescript',
  typescriptreact: 'tsx',
  tsx: 'tsx',
  javascript: 'javascript',
  js: 'javascript',
  javascriptreact: 'javascript',
  jsx: 'javascript',
};

/** Returns the grammar that reads a language; undefined for languages that are not read. */
export function grammarOf(languageId: string): GrammarName | undefined {
  return Object.hasOwn(grammarByName, languageId) ? grammarByName[languageId] : undefined;
}

/** Parsers over the files of a folder, each loaded on its first use: activation pays for none. */
export class Grammars {
  private readonly folder: string;
  private runtime: Promise<typeof TreeSitter> | undefined;
  private readonly grammars = new Map<GrammarName, Promise<Grammar>>();

  /** `folder` holds `tree-sitter.cjs`, `tree-sitter.wasm` and `tree-sitter-NAME.wasm`, as `scripts/build.mjs` puts them. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Returns the parser of a grammar; rejects when its files are missing or damaged, and tries again the next time. */
  grammar(name: GrammarName): Promise<Grammar> {
    let grammar = this.grammars.get(name);
    if (grammar === undefined) {
      grammar = this.load(name);
      grammar.catch(() => this.grammars.delete(name));
      this.grammars.set(name, grammar);
    }
    return grammar;
  }

  private async load(name: GrammarName): Promise<Grammar> {
    this.runtime ??= loadRuntime(this.folder);
    this.runtime.catch(() => {
      this.runtime = undefined;
    });
    const { Language, Parser } = await this.runtime;
    const parser = new Parser();
    parser.setLanguage(await Language.load(join(this.folder, `tree-sitter-${name}.wasm`)));
    return { parser, language: languages[name] };
  }
}

async function loadRuntime(folder: string): Promise<typeof TreeSitter> {
  const path = join(folder, 'tree-sitter.cjs');
  // Its own file, not part of the bundle: 170 kB that are read on the first hover. The package types what it exports.
  const runtime = createRequire(path)(path) as typeof TreeSitter;
  await runtime.Parser.init({ locateFile: (file) => join(folder, file) });
  return runtime;
}
