import { erf } from '../engine/numeric/errorFunction.js';
import {
  add,
  call,
  choice,
  divide,
  type Expression,
  multiply,
  negate,
  number,
  type OperationName,
  power,
  subtract,
} from './expression.js';

/** An operation of the language: all that value, derivative and graph need to know of it. */
interface Operation {
  readonly operandCount: number;
  /** The ONNX operator that computes it. */
  readonly operator: string;
  /** In float64. */
  readonly value: (a: number, b: number) => number;
  /** Its derivative by each operand. */
  readonly slopes: (a: Expression, b: Expression) => readonly Expression[];
}

type Rule = (a: Expression) => Expression;

const unary = (operator: string, value: (a: number) => number, slope: Rule): Operation => ({
  ...{ operandCount: 1, operator, value },
  slopes: (a) => [slope(a)],
});

const binary = (
  operator: string,
  value: Operation['value'],
  slopes: (a: Expression, b: Expression) => readonly Expression[],
): Operation => ({ operandCount: 2, operator, value, slopes });

const sigmoid = (a: number): number => (a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a)));

const square: Rule = (a) => power(a, number(2));

/** 1 where the first operand is the larger (or smaller) one, 0 where the second is. */
const selected = (relation: '>' | '<') => (a: Expression, b: Expression) => [
  choice({ relation, left: a, right: b, then: number(1), otherwise: number(0) }),
  choice({ relation, left: a, right: b, then: number(0), otherwise: number(1) }),
];

/** Every operation by name. */
export const operations: Readonly<Record<OperationName, Operation>> = {
  negate: unary(
    'Neg',
    (a) => -a,
    () => number(-1),
  ),
  exp: unary('Exp', Math.exp, (a) => call('exp', a)),
  log: unary('Log', Math.log, (a) => divide(number(1), a)),
  sqrt: unary('Sqrt', Math.sqrt, (a) => divide(number(0.5), call('sqrt', a))),
  abs: unary('Abs', Math.abs, (a) => call('sign', a)),
  sign: unary('Sign', Math.sign, () => number(0)),
  sin: unary('Sin', Math.sin, (a) => call('cos', a)),
  cos: unary('Cos', Math.cos, (a) => negate(call('sin', a))),
  atan: unary('Atan', Math.atan, (a) => divide(number(1), add(number(1), square(a)))),
  asinh: unary('Asinh', Math.asinh, (a) => divide(number(1), call('sqrt', add(number(1), square(a))))),
  tanh: unary('Tanh', Math.tanh, (a) => subtract(number(1), square(call('tanh', a)))),
  // σ(a)·σ(−a): 1 − σ(a) loses all digits where σ is close to 1.
  sigmoid: unary('Sigmoid', sigmoid, (a) => multiply(call('sigmoid', a), call('sigmoid', negate(a)))),
  softplus: unary(
    'Softplus',
    (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a))),
    (a) => call('sigmoid', a),
  ),
  erf: unary('Erf', erf, (a) => multiply(number(2 / Math.sqrt(Math.PI)), call('exp', negate(square(a))))),
  add: binary(
    'Add',
    (a, b) => a + b,
    () => [number(1), number(1)],
  ),
  subtract: binary(
    'Sub',
    (a, b) => a - b,
    () => [number(1), number(-1)],
  ),
  multiply: binary(
    'Mul',
    (a, b) => a * b,
    (a, b) => [b, a],
  ),
  divide: binary(
    'Div',
    (a, b) => a / b,
    (a, b) => [divide(number(1), b), negate(divide(a, square(b)))],
  ),
  power: binary('Pow', Math.pow, (a, b) => [
    multiply(b, power(a, subtract(b, number(1)))),
    multiply(power(a, b), call('log', a)),
  ]),
  max: binary('Max', Math.max, selected('>')),
  min: binary('Min', Math.min, selected('<')),
};
