import ts from 'typescript';

/** A text that people see, where it stands. */
export interface ExtractedText {
  readonly message: string;
  /** For translators; texts with different comments are translated apart. */
  readonly comment: readonly string[];
}

/** A call that cannot be translated. */
export interface TextProblem {
  readonly line: number;
  readonly reason: string;
}

/** What a source file says to people. */
export interface FileTexts {
  readonly texts: readonly ExtractedText[];
  readonly problems: readonly TextProblem[];
}

/**
 * Finds every text that a source file passes to `vscode.l10n.t`, or to `t` of `webview/text.ts`.
 *
 * Texts must stand in the call: only then can they be collected, and translated.
 */
export function extractTexts(fileName: string, source: string): FileTexts {
  const file = ts.createSourceFile(fileName, source, ts.ScriptTarget.Latest, true);
  const pageFunction = nameOfPageFunction(file);
  const texts: ExtractedText[] = [];
  const problems: TextProblem[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && isTextCall(node.expression, pageFunction)) {
      const result = readCall(node);
      if (typeof result === 'string') {
        const { line } = file.getLineAndCharacterOfPosition(node.getStart());
        problems.push({ line: line + 1, reason: result });
      } else texts.push(result);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { texts, problems };
}

/** The name under which a page's script imports `t`, or undefined. */
function nameOfPageFunction(file: ts.SourceFile): string | undefined {
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    if (!/^\.{1,2}\/(.*\/)?text\.js$/.test(statement.moduleSpecifier.text)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
    const imported = bindings.elements.find(({ name, propertyName }) => (propertyName ?? name).text === 't');
    if (imported !== undefined) return imported.name.text;
  }
  return undefined;
}

/** `vscode.l10n.t`, `l10n.t`, or the page's own `t`. */
function isTextCall(callee: ts.Expression, pageFunction: string | undefined): boolean {
  if (ts.isIdentifier(callee)) return callee.text === pageFunction;
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text !== 't') return false;
  const { expression } = callee;
  if (ts.isIdentifier(expression)) return expression.text === 'l10n';
  return ts.isPropertyAccessExpression(expression) && expression.name.text === 'l10n';
}

/** Returns the text of a call, or why it cannot be collected. */
function readCall({ arguments: [first, ...values] }: ts.CallExpression): ExtractedText | string {
  if (first === undefined) return 'a text is missing';
  if (ts.isObjectLiteralExpression(first)) return readOptions(first);
  const message = literalOf(first);
  if (message === undefined) return 'the text must stand in the call as a string, its values as {0}, {1} …';
  // Values by name, or a spread: how many there are shows only at run time.
  if (values.some((value) => ts.isSpreadElement(value) || ts.isObjectLiteralExpression(value))) {
    return { message, comment: [] };
  }
  return placeholderProblem(message, values.length) ?? { message, comment: [] };
}

function readOptions(options: ts.ObjectLiteralExpression): ExtractedText | string {
  const message = literalOf(propertyOf(options, 'message'));
  if (message === undefined) return 'the message must stand in the call as a string';
  const comment = propertyOf(options, 'comment');
  const lines = comment !== undefined && ts.isArrayLiteralExpression(comment) ? comment.elements : [comment];
  return { message, comment: lines.flatMap((line) => literalOf(line) ?? []) };
}

function propertyOf(options: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  const property = options.properties.find(
    (candidate) => ts.isPropertyAssignment(candidate) && candidate.name.getText() === name,
  );
  return property !== undefined && ts.isPropertyAssignment(property) ? property.initializer : undefined;
}

/** The value of a string, also one put together from several with `+`. */
function literalOf(node: ts.Expression | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isParenthesizedExpression(node)) return literalOf(node.expression);
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.PlusToken) return undefined;
  const [left, right] = [literalOf(node.left), literalOf(node.right)];
  return left === undefined || right === undefined ? undefined : left + right;
}

/** Every value must have its place and every place its value. */
function placeholderProblem(message: string, valueCount: number): string | undefined {
  const places = new Set([...message.matchAll(/\{(\d+)\}/g)].map(([, digits]) => Number(digits)));
  const expected = Array.from({ length: valueCount }, (_, index) => index);
  const missing = expected.filter((index) => !places.has(index));
  const extra = [...places].filter((index) => index >= valueCount);
  if (missing.length === 0 && extra.length === 0) return undefined;
  return `“${message}” has ${String(places.size)} places and ${String(valueCount)} values`;
}
