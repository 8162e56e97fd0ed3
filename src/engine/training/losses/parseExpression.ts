import { malformedExpression } from '../trainingErrors.js';

/** An arithmetic expression over named values. */
export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'negative'; readonly of: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: '+' | '-' | '*' | '/' | '^';
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly operands: readonly Expression[];
      /** Where its name stands in the text. */
      readonly at: number;
    };

interface Token {
  readonly kind: 'number' | 'name' | 'quoted' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

const tokenPattern =
  /\s*(?:(?<number>\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|(?<name>[A-Za-z_][\w.]*)|"(?<quoted>[^"]+)"|(?<sign>[-+*/^(),]))/uy;

/**
 * Returns the tree of an expression: `^` binds tightest and to the right, then the sign, `* /`, `+ -`.
 *
 * @throws UserError `malformed-expression`.
 */
export function parseExpression(text: string): Expression {
  const reader = new Reader(text);
  const expression = sum(reader);
  reader.expect('end', 'an operator or the end');
  return expression;
}

class Reader {
  readonly text: string;
  private readonly tokens: readonly Token[];
  private position = 0;

  constructor(text: string) {
    this.text = text;
    this.tokens = tokensOf(text);
  }

  get token(): Token {
    return this.tokens[this.position] ?? { kind: 'end', text: '', at: this.text.length };
  }

  take(): Token {
    const { token } = this;
    this.position++;
    return token;
  }

  /** Takes the next token if it is one of these signs. */
  takeSign<T extends string>(...signs: readonly T[]): T | undefined {
    const sign = signs.find((candidate) => this.token.kind === 'sign' && this.token.text === candidate);
    if (sign !== undefined) this.position++;
    return sign;
  }

  expect(what: string, wanted: string): void {
    const isThere = what === 'end' ? this.token.kind === 'end' : this.token.text === what;
    if (!isThere) throw this.fail(`${wanted} is missing`);
    this.position++;
  }

  fail(reason: string): Error {
    return malformedExpression(this.text, this.token.at, reason);
  }
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end; at = tokenPattern.lastIndex) {
    tokenPattern.lastIndex = at;
    const groups = tokenPattern.exec(text)?.groups;
    if (groups === undefined) throw malformedExpression(text, at, 'this character means nothing here');
    for (const kind of ['number', 'name', 'quoted', 'sign'] as const) {
      const found = groups[kind];
      if (found !== undefined) tokens.push({ kind, text: found, at: tokenPattern.lastIndex - found.length });
    }
  }
  return tokens;
}

function sum(reader: Reader): Expression {
  let left = product(reader);
  for (;;) {
    const operator = reader.takeSign('+', '-');
    if (operator === undefined) return left;
    left = { kind: 'binary', operator, left, right: product(reader) };
  }
}

function product(reader: Reader): Expression {
  let left = signed(reader);
  for (;;) {
    const operator = reader.takeSign('*', '/');
    if (operator === undefined) return left;
    left = { kind: 'binary', operator, left, right: signed(reader) };
  }
}

function signed(reader: Reader): Expression {
  if (reader.takeSign('-') !== undefined) return { kind: 'negative', of: signed(reader) };
  const base = primary(reader);
  if (reader.takeSign('^') === undefined) return base;
  return { kind: 'binary', operator: '^', left: base, right: signed(reader) };
}

function primary(reader: Reader): Expression {
  if (reader.takeSign('(') !== undefined) {
    const inner = sum(reader);
    reader.expect(')', 'a closing bracket');
    return inner;
  }
  const { kind, text, at } = reader.token;
  if (kind === 'sign' || kind === 'end') throw reader.fail('a number or a name is missing');
  reader.take();
  if (kind === 'number') return { kind: 'number', value: Number(text) };
  if (kind === 'quoted' || reader.takeSign('(') === undefined) return { kind: 'name', name: text };
  const operands: Expression[] = [];
  do operands.push(sum(reader));
  while (reader.takeSign(',') !== undefined);
  reader.expect(')', 'a closing bracket');
  return { kind: 'call', name: text, operands, at };
}
