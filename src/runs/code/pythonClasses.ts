/** A class of Python code and what it keeps under `self`. */
export interface CodeClass {
  readonly name: string;
  /** Line of its head, from 0. */
  readonly line: number;
  /** It derives from something called a module, a layer, or a model. */
  readonly isModule: boolean;
  readonly members: readonly CodeMember[];
}

/** `self.fc1 = nn.Linear(784, 256)`. */
export interface CodeMember {
  readonly name: string;
  /** Line from 0. */
  readonly line: number;
  /** What it is set to, to the end of the statement, comments left out. */
  readonly value: string;
}

/** Longer files are no training code that anybody wrote; the first lines of them are read. */
const maxLineCount = 20_000;

/** A statement that goes on longer is cut: it names its parts at the beginning. */
const maxStatementLines = 400;

/**
 * Returns the classes of Python code, nested ones too, with their members in the order they are first set.
 *
 * Lines are looked at and nothing is parsed, so half-written code is read as far as it goes: what is indented behind a class is
 * its own until the indent ends. Strings that hold code are taken for it.
 */
export function readPythonClasses(text: string): CodeClass[] {
  const lines = text.split('\n', maxLineCount);
  const found: { indent: number; made: CodeClass & { readonly members: CodeMember[] } }[] = [];
  const open: typeof found = [];
  for (const [line, content] of lines.entries()) {
    if (/^\s*(?:#|$)/u.test(content)) continue;
    const indent = content.length - content.trimStart().length;
    // A closing bracket may stand as far left as the statement that it ends.
    while ((open.at(-1)?.indent ?? -1) >= indent && !/^\s*[)\]}]/u.test(content)) open.pop();
    const head = /^\s*class\s+(\w+)\s*(?:\(([^)]*))?/u.exec(content);
    if (head !== null) {
      const [, name = '', bases = ''] = head;
      const entry = { indent, made: { name, line, isModule: isModuleBase(bases), members: [] } };
      found.push(entry);
      open.push(entry);
      continue;
    }
    const [, name, value = ''] = /^\s*self\.(\w+)(?:\s*:[^=]*)?\s*=(?!=)\s*(.*)/u.exec(content) ?? [];
    const members = open.at(-1)?.made.members;
    if (name === undefined || members === undefined || members.some((one) => one.name === name)) continue;
    members.push({ name, line, value: statementFrom(lines, line, value) });
  }
  return found.map(({ made }) => made);
}

function isModuleBase(bases: string): boolean {
  return /\b\w*(?:Module|Layer|Model|Block|Net)\b/u.test(bases);
}

/** A statement goes on while a bracket is open. */
function statementFrom(lines: readonly string[], first: number, start: string): string {
  let statement = withoutComment(start);
  let depth = depthOf(statement);
  for (let line = first + 1; depth > 0 && line < Math.min(lines.length, first + maxStatementLines); line++) {
    const more = withoutComment(lines[line] ?? '');
    statement += `\n${more}`;
    depth += depthOf(more);
  }
  return statement;
}

function withoutComment(line: string): string {
  return line.replace(/\s*#.*$/u, '');
}

function depthOf(text: string): number {
  return (text.match(/[([{]/gu)?.length ?? 0) - (text.match(/[)\]}]/gu)?.length ?? 0);
}
