import type { GraphBuilder } from '../engine/graph/graphBuilder.js';
import type { Expression, Relation } from './expression.js';
import { operations } from './operations.js';

/** Where an expression reads from in a graph. */
export interface ExpressionPlace {
  /** The value that `x` stands for: float32, or the type of what `scalar` makes. */
  readonly input: string;
  /** Values of the parameters, by name. */
  readonly parameters: Readonly<Record<string, number>>;
  /** Adds a constant; default of float32. */
  readonly scalar?: (value: number) => string;
}

const comparisons: Readonly<Record<Relation, string>> = {
  '<': 'Less',
  '<=': 'LessOrEqual',
  '>': 'Greater',
  '>=': 'GreaterOrEqual',
};

/** Appends the nodes that compute an expression and returns the value's name. */
export function appendExpression(
  builder: GraphBuilder,
  expression: Expression,
  place: ExpressionPlace,
): string {
  const { input, parameters, scalar = (value: number) => builder.scalar(value) } = place;
  const append = (part: Expression): string => {
    switch (part.kind) {
      case 'number':
        return scalar(part.value);
      case 'input':
        return input;
      case 'parameter':
        return scalar(parameters[part.name] ?? NaN);
      case 'call':
        return builder.node(operations[part.operation].operator, part.operands.map(append));
      case 'choice': {
        const holds = builder.node(comparisons[part.relation], [append(part.left), append(part.right)]);
        return builder.node('Where', [holds, append(part.then), append(part.otherwise)]);
      }
    }
  };
  return append(expression);
}
