import assert from 'node:assert/strict';
import { copyFileSync, cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { grammarOf, Grammars } from '../../../../src/extension/hovers/code/grammars.js';
import { ParsedDocuments, type TextChange } from '../../../../src/extension/hovers/code/parsedDocuments.js';
import { useTemporaryFolder } from '../../../support/temporaryFolder.js';
import { treeSitterFolder } from '../../../support/treeSitterFolder.js';

const grammars = new Grammars(treeSitterFolder());

/** A document that tells its edits as an editor does. */
class EditedDocument {
  readonly key = 'file:///a.py';
  version = 1;
  textReads = 0;
  private content: string;

  constructor(content: string) {
    this.content = content;
  }

  text(): string {
    this.textReads++;
    return this.content;
  }

  replace(start: number, end: number, text: string): TextChange {
    const pointOf = (offset: number): { row: number; column: number } => {
      const before = this.content.slice(0, offset).split('\n');
      return { row: before.length - 1, column: (before.at(-1) ?? '').length };
    };
    const change = { start, end, startPoint: pointOf(start), endPoint: pointOf(end), text };
    this.content = this.content.slice(0, start) + text + this.content.slice(end);
    this.version++;
    return change;
  }

  get length(): number {
    return this.content.length;
  }

  get current(): string {
    return this.content;
  }
}

describe('syntax trees of documents', () => {
  it('are kept as long as a document stays as it is', async () => {
    const parsed = new ParsedDocuments(grammars);
    const document = new EditedDocument('x = 1\n');
    const first = await parsed.parse(document, 'python');
    const second = await parsed.parse(document, 'python');
    assert.equal(second.tree, first.tree);
    assert.equal(document.textReads, 1);
    parsed.dispose();
  });

  it('after any edits cover the new text', async () => {
    const pieces = [
      'x',
      ' = ',
      '1',
      '\n',
      '    ',
      'def f():\n',
      '"""',
      "'",
      '[',
      ']',
      '(',
      ')',
      '# c\n',
      'é',
      '😀',
      'acts["a"][:, 1]',
    ];
    const edits = fc.array(
      fc.tuple(fc.nat(), fc.nat(20), fc.array(fc.constantFrom(...pieces), { maxLength: 4 })),
      {
        minLength: 1,
        maxLength: 6,
      },
    );
    const start =
      'import a\nclass A:\n    def f(self):\n        self.fc1 = nn.Linear(1, 2)\n        return x["y"][:, 3]\n';
    await fc.assert(
      fc.asyncProperty(edits, async (list) => {
        const parsed = new ParsedDocuments(grammars);
        const document = new EditedDocument(start);
        await parsed.parse(document, 'python');
        for (const [at, length, parts] of list) {
          const from = at % (document.length + 1);
          const change = document.replace(from, Math.min(document.length, from + length), parts.join(''));
          parsed.edit(document.key, document.version, [change]);
        }
        const { tree } = await parsed.parse(document, 'python');
        const { startIndex, endIndex, text } = tree.rootNode;
        assert.equal(text, document.current.slice(startIndex, endIndex));
        parsed.dispose();
      }),
      { numRuns: 200 },
    );
  });

  it('after lines were replaced by others are the ones of parsing the whole text', async () => {
    const lines = [
      'x = acts["fc1"][:, 3]',
      'def f(a):\n    return a[0]',
      '# é 😀 fc1[3]',
      'y = """\nfc1[3]\n"""',
      'import a as b',
      '',
    ];
    const edit = fc.tuple(fc.nat(), fc.nat(2), fc.array(fc.constantFrom(...lines), { maxLength: 3 }));
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 8 }), async (edits) => {
        const parsed = new ParsedDocuments(grammars);
        // Whole statements, so that every text is Python: what is none may be mended otherwise with a tree at hand.
        const blocks = ['x = 1', 'class A:\n    y = 2', 'z = x[0]'];
        const document = new EditedDocument(blocks.map((block) => `${block}\n`).join(''));
        await parsed.parse(document, 'python');
        for (const [at, count, inserted] of edits) {
          const first = at % (blocks.length + 1);
          const offset = blocks.slice(0, first).join('\n').length + Math.min(first, 1);
          const removed = blocks
            .slice(first, first + count)
            .map((block) => `${block}\n`)
            .join('');
          const text = inserted.map((block) => `${block}\n`).join('');
          const change = document.replace(offset, offset + removed.length, text);
          parsed.edit(document.key, document.version, [change]);
          blocks.splice(first, count, ...inserted);
        }
        assert.equal(document.current, blocks.map((block) => `${block}\n`).join(''));
        const { tree } = await parsed.parse(document, 'python');
        const fresh = await parsed.parseOnce(document.current, 'python', (root) => root.toString());
        assert.doesNotMatch(fresh, /ERROR|MISSING/u);
        assert.equal(tree.rootNode.toString(), fresh);
        parsed.dispose();
      }),
      { numRuns: 200 },
    );
  });

  it('are made anew when an edit was not told', async () => {
    const parsed = new ParsedDocuments(grammars);
    const document = new EditedDocument('x = 1\n');
    await parsed.parse(document, 'python');
    document.replace(0, 5, 'def f():\n  pass');
    const change = document.replace(0, 0, '# c\n');
    parsed.edit(document.key, document.version, [change]);
    const { tree } = await parsed.parse(document, 'python');
    assert.match(tree.rootNode.toString(), /^\(module \(comment\) \(function_definition/u);
    parsed.dispose();
  });

  it('are those of another language when the document’s language changes', async () => {
    const parsed = new ParsedDocuments(grammars);
    const document = new EditedDocument('x = 1\n');
    await parsed.parse(document, 'python');
    const { tree } = await parsed.parse(document, 'typescript');
    assert.match(tree.rootNode.toString(), /^\(program/u);
    parsed.dispose();
  });
});

describe('grammars', () => {
  const folder = useTemporaryFolder();

  it('are known by what editors and fences call a language', () => {
    assert.deepEqual(['python', 'py', 'typescriptreact', 'js', 'markdown', 'constructor'].map(grammarOf), [
      'python',
      'python',
      'tsx',
      'javascript',
      undefined,
      undefined,
    ]);
  });

  it('that are missing or damaged fail, and are tried again', async () => {
    await assert.rejects(new Grammars(folder()).grammar('python'), /tree-sitter\.cjs/u);
    cpSync(treeSitterFolder(), folder(), { recursive: true });
    const file = join(folder(), 'tree-sitter-python.wasm');
    writeFileSync(file, 'no wasm');
    const damaged = new Grammars(folder());
    await assert.rejects(damaged.grammar('python'));
    copyFileSync(join(treeSitterFolder(), 'tree-sitter-python.wasm'), file);
    const { parser } = await damaged.grammar('python');
    assert.equal(parser.parse('x')?.rootNode.type, 'module');
  });
});
