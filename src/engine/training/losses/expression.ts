import type { GraphBuilder } from '../../graph/graphBuilder.js';
import { type Loss, seedOf, type Target } from '../loss.js';
import { malformedExpression, unknownInExpression } from '../trainingErrors.js';
import { type Expression, parseExpression } from './parseExpression.js';

/** A loss in the person's own words. */
export interface ExpressionSettings {
  /**
   * Numbers, values of the model, targets, `+ - * / ^`, brackets, and the functions `abs exp log sqrt square relu sigmoid
   * tanh softplus softmax logSoftmax` (the last two along the last axis), `min(a, b)`, `max(a, b)`, and `mean` and `sum`
   * of everything or over the axes that follow: `mean(square(reconstruction - image)) + 0.1 * sum(exp(z), 1)`.
   */
  readonly text: string;
  /** Inputs that the expression reads and the model does not have. */
  readonly targets?: readonly Target[];
}

/**
 * Returns the loss that an expression over the model's values and the targets describes: the mean of its elements.
 *
 * @throws UserError `malformed-expression`; from `append`, `unknown-value`.
 */
export function expressionLoss({ text, targets = [] }: ExpressionSettings): Loss {
  const expression = parseExpression(text);
  return {
    kind: text,
    targets,
    append(builder) {
      const value = appendExpression({ builder, text, known: valuesOf(builder) }, expression);
      return seedOf(builder, builder.node('ReduceMean', [value], { attributes: { keepdims: 0 } }));
    },
  };
}

interface Scope {
  readonly builder: GraphBuilder;
  readonly text: string;
  readonly known: ReadonlySet<string>;
}

function valuesOf(builder: GraphBuilder): ReadonlySet<string> {
  const { graph } = builder.build();
  return new Set([
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
}

const binaryOperators = { '+': 'Add', '-': 'Sub', '*': 'Mul', '/': 'Div', '^': 'Pow' } as const;

const unaryFunctions: Readonly<Record<string, string>> = {
  abs: 'Abs',
  exp: 'Exp',
  log: 'Log',
  sqrt: 'Sqrt',
  relu: 'Relu',
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  softplus: 'Softplus',
  softmax: 'Softmax',
  logSoftmax: 'LogSoftmax',
};

const binaryFunctions: Readonly<Record<string, string>> = { min: 'Min', max: 'Max' };

const reductions: Readonly<Record<string, string>> = { mean: 'ReduceMean', sum: 'ReduceSum' };

function appendExpression(scope: Scope, expression: Expression): string {
  const { builder, text, known } = scope;
  switch (expression.kind) {
    case 'number':
      return builder.scalar(expression.value);
    case 'name':
      if (known.has(expression.name)) return expression.name;
      throw unknownInExpression(text, expression.name, [...known]);
    case 'negative':
      return builder.node('Neg', [appendExpression(scope, expression.of)]);
    case 'binary':
      return builder.node(binaryOperators[expression.operator], [
        appendExpression(scope, expression.left),
        appendExpression(scope, expression.right),
      ]);
    case 'call':
      return appendCall(scope, expression);
  }
}

function appendCall(scope: Scope, call: Extract<Expression, { kind: 'call' }>): string {
  const { builder, text } = scope;
  const [first, ...rest] = call.operands;
  const fail = (reason: string): Error => malformedExpression(text, call.at, reason);
  if (first === undefined) throw fail(`${call.name}() needs an operand`);
  const reduction = reductions[call.name];
  if (reduction !== undefined) {
    const axes = rest.map((axis) => axisOf(axis) ?? NaN);
    if (axes.some(Number.isNaN)) throw fail(`the axes of ${call.name} are whole numbers`);
    const value = appendExpression(scope, first);
    return axes.length === 0
      ? builder.node(reduction, [value], { attributes: { keepdims: 0 } })
      : builder.reduce(reduction, value, axes, false);
  }
  const values = call.operands.map((operand) => appendExpression(scope, operand));
  const [value = ''] = values;
  if (call.name === 'square' && values.length === 1) return builder.node('Mul', [value, value]);
  const operator = [unaryFunctions, binaryFunctions][values.length - 1]?.[call.name];
  if (operator === undefined) throw fail(`there is no function ${call.name} of ${values.length} operands`);
  return builder.node(operator, values);
}

function axisOf(expression: Expression): number | undefined {
  if (expression.kind === 'negative') {
    const axis = axisOf(expression.of);
    return axis === undefined ? undefined : -axis;
  }
  return expression.kind === 'number' && Number.isInteger(expression.value) ? expression.value : undefined;
}
