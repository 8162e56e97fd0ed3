import { add, choice, type Expression, multiply, number, partsOf, subtract } from './expression.js';
import { operations } from './operations.js';

/** Returns the derivative of an expression by `x`; where pieces meet, that of the piece that holds there. */
export function derivativeOf(expression: Expression): Expression {
  switch (expression.kind) {
    case 'number':
    case 'parameter':
      return number(0);
    case 'input':
      return number(1);
    case 'call': {
      const { operation, operands } = expression;
      const [a = number(NaN), b = number(NaN)] = operands;
      const slopes = operations[operation].slopes(a, b);
      return operands
        .map((operand, i) => {
          const inner = derivativeOf(operand);
          // Not even built where it is 0: the slope of a power by its exponent has a logarithm.
          return isZero(inner) ? inner : multiply(slopes[i] ?? number(NaN), inner);
        })
        .reduce(add);
    }
    case 'choice':
      return choice({
        ...expression,
        then: derivativeOf(expression.then),
        otherwise: derivativeOf(expression.otherwise),
      });
  }
}

function isZero(expression: Expression): boolean {
  return expression.kind === 'number' && expression.value === 0;
}

/** Returns the expressions of `x` whose zeros are where pieces of another one meet: the only places where it may have a kink. */
export function seamsOf(expression: Expression): Expression[] {
  const inner = partsOf(expression).flatMap(seamsOf);
  if (expression.kind === 'choice') return [...inner, subtract(expression.left, expression.right)];
  if (expression.kind !== 'call') return inner;
  const [a, b] = expression.operands;
  switch (expression.operation) {
    case 'max':
    case 'min':
      return a === undefined || b === undefined ? inner : [...inner, subtract(a, b)];
    case 'abs':
    case 'sign':
    case 'sqrt':
      return a === undefined ? inner : [...inner, a];
    default:
      return inner;
  }
}
