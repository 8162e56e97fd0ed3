/** How two sides are compared. */
export type Relation = '<' | '<=' | '>' | '>=';

/** What numbers are combined by, beside choices. */
export type OperationName = UnaryName | BinaryName;

type UnaryName =
  | 'negate'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'abs'
  | 'sign'
  | 'sin'
  | 'cos'
  | 'atan'
  | 'asinh'
  | 'tanh'
  | 'sigmoid'
  | 'softplus'
  | 'erf';

type BinaryName = 'add' | 'subtract' | 'multiply' | 'divide' | 'power' | 'max' | 'min';

/** A function of one number and named parameters. */
export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'input' }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'call'; readonly operation: OperationName; readonly operands: readonly Expression[] }
  | Choice;

/** `then` where the relation holds, else `otherwise`. */
export interface Choice {
  readonly kind: 'choice';
  readonly relation: Relation;
  readonly left: Expression;
  readonly right: Expression;
  readonly then: Expression;
  readonly otherwise: Expression;
}

// The makers below leave out what changes nothing (+ 0, · 1) and fold constants: derivatives are unreadable without.

/** A constant. */
export function number(value: number): Expression {
  return { kind: 'number', value };
}

/** An operation as it is written, nothing left out. */
export function call(operation: OperationName, ...operands: readonly Expression[]): Expression {
  return { kind: 'call', operation, operands };
}

function valueOf(expression: Expression): number | undefined {
  return expression.kind === 'number' ? expression.value : undefined;
}

/** a + b. */
export function add(a: Expression, b: Expression): Expression {
  const [left, right] = [valueOf(a), valueOf(b)];
  if (left !== undefined && right !== undefined) return number(left + right);
  if (left === 0) return b;
  return right === 0 ? a : call('add', a, b);
}

/** a − b. */
export function subtract(a: Expression, b: Expression): Expression {
  const [left, right] = [valueOf(a), valueOf(b)];
  if (left !== undefined && right !== undefined) return number(left - right);
  if (left === 0) return negate(b);
  return right === 0 ? a : call('subtract', a, b);
}

/** −a. */
export function negate(a: Expression): Expression {
  const value = valueOf(a);
  if (value !== undefined) return number(-value);
  const inner = a.kind === 'call' && a.operation === 'negate' ? a.operands[0] : undefined;
  return inner ?? call('negate', a);
}

/** a · b. */
export function multiply(a: Expression, b: Expression): Expression {
  const [left, right] = [valueOf(a), valueOf(b)];
  if (left !== undefined && right !== undefined) return number(left * right);
  if (left === 0 || right === 0) return number(0);
  if (left === 1) return b;
  if (right === 1) return a;
  if (left === -1) return negate(b);
  return right === -1 ? negate(a) : call('multiply', a, b);
}

/** a / b. */
export function divide(a: Expression, b: Expression): Expression {
  const [left, right] = [valueOf(a), valueOf(b)];
  if (left !== undefined && right !== undefined) return number(left / right);
  if (left === 0) return number(0);
  return right === 1 ? a : call('divide', a, b);
}

/** a to the power b. */
export function power(a: Expression, b: Expression): Expression {
  const exponent = valueOf(b);
  if (exponent === 0) return number(1);
  return exponent === 1 ? a : call('power', a, b);
}

/** `then` where a relation holds, else `otherwise`; one of them where both are the same number. */
export function choice(parts: Omit<Choice, 'kind'>): Expression {
  const [then, otherwise] = [valueOf(parts.then), valueOf(parts.otherwise)];
  if (then !== undefined && then === otherwise) return parts.then;
  return { kind: 'choice', ...parts };
}

/** Returns the expressions right inside one, in reading order. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'call':
      return expression.operands;
    case 'choice':
      return [expression.left, expression.right, expression.then, expression.otherwise];
    default:
      return [];
  }
}
