import { type Expression, number, partsOf } from './expression.js';

/** Returns an expression with another one in place of its `x`, and values in place of its parameters. */
export function substitute(
  expression: Expression,
  input: Expression,
  parameters: ReadonlyMap<string, number>,
): Expression {
  const inside = (part: Expression): Expression => substitute(part, input, parameters);
  switch (expression.kind) {
    case 'number':
      return expression;
    case 'input':
      return input;
    case 'parameter': {
      const value = parameters.get(expression.name);
      return value === undefined ? expression : number(value);
    }
    case 'call':
      return { ...expression, operands: expression.operands.map(inside) };
    case 'choice':
      return {
        ...expression,
        left: inside(expression.left),
        right: inside(expression.right),
        then: inside(expression.then),
        otherwise: inside(expression.otherwise),
      };
  }
}

/** Returns how many parts an expression has, itself counted. */
export function sizeOf(expression: Expression): number {
  return 1 + partsOf(expression).reduce((sum, part) => sum + sizeOf(part), 0);
}
