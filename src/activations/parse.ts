import {
  call,
  choice,
  type Expression,
  negate,
  number,
  type OperationName,
  type Relation,
} from './expression.js';
import { operations } from './operations.js';

/** Names for what is written often. */
const shorthands: Readonly<
  Record<string, (...operands: readonly (Expression | undefined)[]) => Expression | undefined>
> = {
  relu: (a) => a && call('max', a, number(0)),
  clip: (a, low, high) => a && low && high && call('min', call('max', a, low), high),
};

/** What an expression may name beside `x` and operations. */
const constants: Readonly<Record<string, number>> = { pi: Math.PI };

/**
 * Reads `x * sigmoid(beta * x)`: + − · / ^ with the usual precedence, operations, `if(a < b, then, otherwise)`, `relu(a)` and
 * `clip(a, low, high)`; `x` is the input, `pi` a constant, every other name must be one of the parameters.
 *
 * @throws Error where it is no expression, saying at what.
 */
export function parseExpression(text: string, parameters: readonly string[] = []): Expression {
  return new Parser(text, parameters).parse();
}

class Parser {
  private readonly tokens: readonly string[];
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly parameters: readonly string[],
  ) {
    this.tokens = text.match(/\d+(?:\.\d+)?(?:e[+-]?\d+)?|[a-z]\w*|<=|>=|\S/gi) ?? [];
  }

  parse(): Expression {
    const expression = this.sum();
    if (this.at < this.tokens.length) throw this.unexpected();
    return expression;
  }

  private sum(): Expression {
    let left = this.product();
    for (;;) {
      if (this.takes('+')) left = call('add', left, this.product());
      else if (this.takes('-')) left = call('subtract', left, this.product());
      else return left;
    }
  }

  private product(): Expression {
    let left = this.signed();
    for (;;) {
      if (this.takes('*')) left = call('multiply', left, this.signed());
      else if (this.takes('/')) left = call('divide', left, this.signed());
      else return left;
    }
  }

  private signed(): Expression {
    return this.takes('-') ? negate(this.signed()) : this.power();
  }

  private power(): Expression {
    const base = this.atom();
    return this.takes('^') ? call('power', base, this.signed()) : base;
  }

  private atom(): Expression {
    const token = this.tokens[this.at];
    if (token === undefined) throw this.unexpected();
    this.at++;
    if (/^\d/.test(token)) return number(Number(token));
    if (token === '(') {
      const inner = this.sum();
      this.expect(')');
      return inner;
    }
    if (token === 'if') return this.choice();
    if (this.takes('(')) return this.call(token);
    return this.named(token);
  }

  private named(name: string): Expression {
    if (name === 'x') return { kind: 'input' };
    if (this.parameters.includes(name)) return { kind: 'parameter', name };
    const value = constants[name];
    if (value === undefined) throw new Error(`In "${this.text}" nothing is called ${name}.`);
    return number(value);
  }

  private call(name: string): Expression {
    const operands = [this.sum()];
    while (this.takes(',')) operands.push(this.sum());
    this.expect(')');
    const short = shorthands[name]?.(...operands);
    if (short !== undefined) return short;
    if (!isOperation(name) || operations[name].operandCount !== operands.length) {
      throw new Error(`In "${this.text}" there is no ${name} of ${String(operands.length)}.`);
    }
    return call(name, ...operands);
  }

  private choice(): Expression {
    this.expect('(');
    const left = this.sum();
    const relation = this.tokens[this.at];
    if (!isRelation(relation)) throw this.unexpected();
    this.at++;
    const right = this.sum();
    this.expect(',');
    const then = this.sum();
    this.expect(',');
    const otherwise = this.sum();
    this.expect(')');
    return choice({ relation, left, right, then, otherwise });
  }

  private takes(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at++;
    return true;
  }

  private expect(token: string): void {
    if (!this.takes(token)) throw this.unexpected();
  }

  private unexpected(): Error {
    return new Error(`"${this.text}" is no expression: at ${this.tokens[this.at] ?? 'its end'}.`);
  }
}

function isRelation(token: string | undefined): token is Relation {
  return token === '<' || token === '<=' || token === '>' || token === '>=';
}

function isOperation(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}
