import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

/** A test that shows that the rows of papers hold. */
export interface HoldingTest {
  /** Numbers of the papers. */
  readonly lines: readonly number[];
  /** As written, behind those of what it stands in; what a loop fills in is an ellipsis. */
  readonly title: string;
  /** From the root of the repository, with `/`. */
  readonly file: string;
}

/** Returns every test made with `itHolds`, in the order of their files and places. */
export function holdingTests(rootDir: string): HoldingTest[] {
  const dir = join(rootDir, 'test');
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .sort();
  return files.flatMap((name) => {
    const text = readFileSync(join(dir, name), 'utf8');
    if (!text.includes('itHolds')) return [];
    const file = relative(rootDir, join(dir, name)).replaceAll('\\', '/');
    return testsIn(ts.createSourceFile(file, text, ts.ScriptTarget.Latest), file);
  });
}

function testsIn(source: ts.SourceFile, file: string): HoldingTest[] {
  const found: HoldingTest[] = [];
  const visit = (node: ts.Node, around: readonly string[]): void => {
    let inside = around;
    if (ts.isCallExpression(node)) {
      const name = node.expression.getText(source);
      const [first, second] = node.arguments;
      if (name === 'describe' && first !== undefined) inside = [...around, textOf(first)];
      if (name === 'itHolds') {
        if (first === undefined || second === undefined) {
          throw new Error(`itHolds without a title in ${file}.`);
        }
        const title = [...around, textOf(second)].join(' › ');
        found.push({ lines: numbersOf(first, source), title, file });
      }
    }
    ts.forEachChild(node, (child) => {
      visit(child, inside);
    });
  };
  visit(source, []);
  return found;
}

function numbersOf(node: ts.Expression, source: ts.SourceFile): number[] {
  const items = ts.isArrayLiteralExpression(node) ? node.elements : [node];
  return items.map((item) => {
    if (!ts.isNumericLiteral(item)) throw new Error(`${item.getText(source)} is no number of a paper.`);
    return Number(item.text);
  });
}

function textOf(node: ts.Expression): string {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
  }
  return '…';
}
