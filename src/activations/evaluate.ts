import type { Expression, Relation } from './expression.js';
import { operations } from './operations.js';

/** A function of one number with its parameters filled in by position. */
export type CompiledFunction = (x: number, parameters: readonly number[]) => number;

/** Returns the function that an expression says, in float64; parameters in the order of `names`. */
export function compile(expression: Expression, names: readonly string[]): CompiledFunction {
  switch (expression.kind) {
    case 'number': {
      const { value } = expression;
      return () => value;
    }
    case 'input':
      return (x) => x;
    case 'parameter': {
      const index = names.indexOf(expression.name);
      return (_, parameters) => parameters[index] ?? NaN;
    }
    case 'call': {
      const { value } = operations[expression.operation];
      const [a = unknown, b = unknown] = expression.operands.map((operand) => compile(operand, names));
      if (expression.operands.length === 1) return (x, p) => value(a(x, p), 0);
      return (x, p) => value(a(x, p), b(x, p));
    }
    case 'choice': {
      const holds = comparisons[expression.relation];
      const [left, right] = [compile(expression.left, names), compile(expression.right, names)];
      const [then, otherwise] = [compile(expression.then, names), compile(expression.otherwise, names)];
      return (x, p) => (holds(left(x, p), right(x, p)) ? then(x, p) : otherwise(x, p));
    }
  }
}

const unknown: CompiledFunction = () => NaN;

const comparisons: Readonly<Record<Relation, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};
