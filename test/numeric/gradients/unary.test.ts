import { checkCase, type GradientCase } from '../../support/gradientCase.js';

const float = (value: number): { kind: 'float'; value: number } => ({ kind: 'float', value });

/** Moves numbers at least 0.1 away from the given corners. */
const awayFrom =
  (...corners: number[]) =>
  (value: number): number =>
    corners.reduce((moved, corner) => (Math.abs(moved - corner) < 0.1 ? corner + 0.2 : moved), value);

const positive = (value: number): number => Math.abs(value) + 0.3;
const insideUnit = (value: number): number => Math.tanh(value) * 0.6;

type UnaryCase = Pick<GradientCase, 'op' | 'attributes' | 'map' | 'opset'>;

const cases: readonly UnaryCase[] = [
  ...['Identity', 'Neg', 'Exp', 'Sin', 'Cos', 'Sinh', 'Cosh', 'Asinh', 'Atan', 'Erf'].map((op) => ({ op })),
  ...['Sigmoid', 'Tanh', 'Softplus'].map((op) => ({ op })),
  ...['Sqrt', 'Log', 'Reciprocal'].map((op) => ({ op, map: positive })),
  ...['Tan', 'Asin', 'Acos', 'Atanh'].map((op) => ({ op, map: insideUnit })),
  { op: 'Acosh', map: (value) => positive(value) + 1 },
  ...['Abs', 'Relu', 'Softsign', 'LeakyRelu', 'Elu', 'Celu', 'Selu'].map((op) => ({ op, map: awayFrom(0) })),
  { op: 'LeakyRelu', attributes: { alpha: float(0.3) }, map: awayFrom(0) },
  { op: 'Elu', attributes: { alpha: float(0.7) }, map: awayFrom(0) },
  { op: 'Celu', attributes: { alpha: float(1.7) }, map: awayFrom(0) },
  { op: 'Selu', attributes: { alpha: float(1.2), gamma: float(0.6) }, map: awayFrom(0) },
  { op: 'ThresholdedRelu', map: awayFrom(1) },
  { op: 'ThresholdedRelu', attributes: { alpha: float(0.4) }, map: awayFrom(0.4) },
  { op: 'HardSigmoid', map: (value) => awayFrom(-2.5, 2.5)(value * 3) },
  {
    op: 'HardSigmoid',
    attributes: { alpha: float(0.5), beta: float(0.4) },
    map: awayFrom(-0.8, 1.2),
  },
  { op: 'HardSwish', map: (value) => awayFrom(-3, 3)(value * 3) },
  { op: 'Mish', opset: 18 },
  { op: 'Gelu', opset: 20 },
  { op: 'Gelu', opset: 20, attributes: { approximate: 'tanh' } },
  { op: 'Swish', opset: 24, attributes: { alpha: float(1.4) } },
];

describe('gradients of unary operators', () => {
  for (const given of cases) {
    const attributes = Object.keys(given.attributes ?? {}).join(', ');
    it(`of ${given.op} equal central differences${attributes === '' ? '' : ` with ${attributes} given`}`, async () => {
      await checkCase({ ...given, inputs: [[3, 5]] });
      await checkCase({ ...given, inputs: [[2, 1, 4]] }, 7);
    });
  }
});
