import { floatAttribute, stringAttribute } from '../../../onnx/model.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { shapeIfKnown } from '../staticShapes.js';

/** Operand x, result y and cotangent g of a unary node. */
interface Unary {
  readonly emit: Emitter;
  readonly x: string;
  readonly y: string;
  readonly g: string;
  readonly attribute: (name: string, fallback: number) => number;
  readonly context: RuleContext;
}

function unary(
  opType: string,
  first: number,
  derive: (operands: Unary) => string,
  domain = '',
): GradientRule {
  return {
    opType,
    domain,
    opsets: [first, latestOpset],
    backward(context) {
      const [g] = context.outputCotangents;
      const [x = ''] = context.node.inputs;
      const [y = ''] = context.node.outputs;
      if (g === undefined) return [];
      const attribute = (name: string, fallback: number): number =>
        floatAttribute(context.node, name, fallback);
      return [derive({ emit: emitterFor(context), x, y, g, attribute, context })];
    },
  };
}

/** g · (1 − y²) */
function timesOneMinusSquare({ emit, y, g }: Unary): string {
  return emit.mul(g, emit.sub(emit.scalar(1), emit.square(y)));
}

/** dx = g where x > 0, g · below elsewhere. */
function bent({ emit, x, g }: Unary, below: string): string {
  return emit.where(emit.greater(x, emit.scalar(0)), g, emit.mul(g, below));
}

function erfSlope(emit: Emitter, x: string): string {
  // d erf = 2/√π · e^(−x²)
  return emit.scale(emit.node('Exp', [emit.neg(emit.square(x))]), 2 / Math.sqrt(Math.PI));
}

/** GELU: Φ(x) + x·φ(x), or the derivative of its tanh form. */
function gelu({ emit, x, g, context }: Unary): string {
  return stringAttribute(context.node, 'approximate', 'none') === 'tanh'
    ? geluTanh(emit, x, g)
    : geluErf(emit, x, g);
}

function geluErf(emit: Emitter, x: string, g: string): string {
  const cdf = emit.scale(emit.add(emit.node('Erf', [emit.scale(x, Math.SQRT1_2)]), emit.scalar(1)), 0.5);
  const density = emit.scale(
    emit.node('Exp', [emit.scale(emit.square(x), -0.5)]),
    1 / Math.sqrt(2 * Math.PI),
  );
  return emit.mul(g, emit.add(cdf, emit.mul(x, density)));
}

/** y = ½x(1 + t), t = tanh(c(x + ax³)): y′ = ½(1 + t) + ½x(1 − t²)c(1 + 3ax²). */
function geluTanh(emit: Emitter, x: string, g: string): string {
  const c = Math.sqrt(2 / Math.PI);
  const a = 0.044715;
  const one = emit.scalar(1);
  const square = emit.square(x);
  const inner = emit.mul(emit.scale(x, c), emit.add(emit.scale(square, a), one));
  const t = emit.node('Tanh', [inner]);
  const slope = emit.scale(emit.add(emit.scale(square, 3 * a), one), c);
  const second = emit.mul(emit.mul(x, emit.sub(one, emit.square(t))), slope);
  return emit.mul(g, emit.scale(emit.add(emit.add(one, t), second), 0.5));
}

/** y = x·tanh(s), s = softplus(x): y′ = t + x·(1 − t²)·σ(x). */
function mish({ emit, x, g }: Unary): string {
  const t = emit.node('Tanh', [emit.node('Softplus', [x])]);
  const oneMinus = emit.sub(emit.scalar(1), emit.square(t));
  const second = emit.mul(emit.mul(x, emit.node('Sigmoid', [x])), oneMinus);
  return emit.mul(g, emit.add(t, second));
}

/** y = x·σ(αx): y′ = s + αx·s(1 − s). */
function swish({ emit, x, g, attribute }: Unary, alpha = 1): string {
  const scaled = emit.scale(x, attribute('alpha', alpha));
  const s = emit.node('Sigmoid', [scaled]);
  const second = emit.mul(scaled, emit.mul(s, emit.sub(emit.scalar(1), s)));
  return emit.mul(g, emit.add(s, second));
}

/** y = x · clip(x/6 + 1/2, 0, 1): 0 below −3, 1 above 3, (2x + 3)/6 between. */
function hardSwish({ emit, x, g }: Unary): string {
  const middle = emit.add(emit.scale(x, 1 / 3), emit.scalar(0.5));
  const upTo3 = emit.where(emit.less(x, emit.scalar(3)), middle, emit.scalar(1));
  return emit.mul(g, emit.keepWhere(emit.greater(x, emit.scalar(-3)), upTo3));
}

/** The slope α holds strictly between the two corners. */
function hardSigmoid({ emit, y, g, attribute }: Unary): string {
  const inside = emit.node('And', [emit.greater(y, emit.scalar(0)), emit.less(y, emit.scalar(1))]);
  return emit.keepWhere(inside, emit.scale(g, attribute('alpha', 0.2)));
}

/** One operand, one result, elementwise. */
export const unaryRules: readonly GradientRule[] = [
  unary('Identity', 13, ({ g }) => g),
  unary('Neg', 13, ({ emit, g }) => emit.neg(g)),
  unary('Abs', 13, ({ emit, x, g }) => emit.mul(g, emit.node('Sign', [x]))),
  unary('Sqrt', 13, ({ emit, y, g }) => emit.div(emit.scale(g, 0.5), y)),
  unary('Exp', 13, ({ emit, y, g }) => emit.mul(g, y)),
  unary('Log', 13, ({ emit, x, g }) => emit.div(g, x)),
  // d(1/x) = −y²
  unary('Reciprocal', 13, ({ emit, y, g }) => emit.neg(emit.mul(g, emit.square(y)))),
  unary('Sin', 7, ({ emit, x, g }) => emit.mul(g, emit.node('Cos', [x]))),
  unary('Cos', 7, ({ emit, x, g }) => emit.neg(emit.mul(g, emit.node('Sin', [x])))),
  unary('Tan', 7, ({ emit, y, g }) => emit.mul(g, emit.add(emit.scalar(1), emit.square(y)))),
  unary('Asin', 7, ({ emit, x, g }) =>
    emit.div(g, emit.node('Sqrt', [emit.sub(emit.scalar(1), emit.square(x))])),
  ),
  unary('Acos', 7, ({ emit, x, g }) =>
    emit.neg(emit.div(g, emit.node('Sqrt', [emit.sub(emit.scalar(1), emit.square(x))]))),
  ),
  unary('Atan', 7, ({ emit, x, g }) => emit.div(g, emit.add(emit.scalar(1), emit.square(x)))),
  unary('Sinh', 9, ({ emit, x, g }) => emit.mul(g, emit.node('Cosh', [x]))),
  unary('Cosh', 9, ({ emit, x, g }) => emit.mul(g, emit.node('Sinh', [x]))),
  unary('Asinh', 9, ({ emit, x, g }) =>
    emit.div(g, emit.node('Sqrt', [emit.add(emit.square(x), emit.scalar(1))])),
  ),
  unary('Acosh', 9, ({ emit, x, g }) =>
    emit.div(g, emit.node('Sqrt', [emit.sub(emit.square(x), emit.scalar(1))])),
  ),
  unary('Atanh', 9, ({ emit, x, g }) => emit.div(g, emit.sub(emit.scalar(1), emit.square(x)))),
  unary('Erf', 13, ({ emit, x, g }) => emit.mul(g, erfSlope(emit, x))),
  unary('Sigmoid', 13, ({ emit, y, g }) => emit.mul(g, emit.mul(y, emit.sub(emit.scalar(1), y)))),
  unary('Tanh', 13, timesOneMinusSquare),
  unary('Softplus', 1, ({ emit, x, g }) => emit.mul(g, emit.node('Sigmoid', [x]))),
  unary('Softsign', 1, ({ emit, x, g }) =>
    emit.div(g, emit.square(emit.add(emit.scalar(1), emit.node('Abs', [x])))),
  ),
  // Sign is slow; y ≠ 0, as y is never negative, keeps relu′(0) = 0 and lets the runtime fuse Relu into what comes before. A NaN passes g.
  unary('Relu', 13, ({ emit, y, g }) => emit.maskWhere(emit.isNonZero(y), g)),
  unary('LeakyRelu', 6, (operands) => {
    const alpha = operands.attribute('alpha', 0.01);
    // With α > 0, y has the sign of x; asking y lets the runtime fuse LeakyRelu into a convolution.
    const signed = alpha > 0 ? { ...operands, x: operands.y } : operands;
    return bent(signed, operands.emit.scalar(alpha));
  }),
  // Below 0, y = α(eˣ − 1), so y′ = y + α.
  unary('Elu', 6, (operands) =>
    bent(operands, operands.emit.add(operands.y, operands.emit.scalar(operands.attribute('alpha', 1)))),
  ),
  // Below 0, y = α(e^(x/α) − 1), so y′ = y/α + 1.
  unary('Celu', 12, (operands) => {
    const { emit, y, attribute } = operands;
    return bent(operands, emit.add(emit.scale(y, 1 / attribute('alpha', 1)), emit.scalar(1)));
  }),
  // Below 0, y = γα(eˣ − 1), so y′ = y + γα; above, γ.
  unary('Selu', 6, ({ emit, x, y, g, attribute }) => {
    const gamma = attribute('gamma', 1.0507009873554805);
    const below = emit.add(y, emit.scalar(gamma * attribute('alpha', 1.6732632423543772)));
    const isAbove = emit.greater(x, emit.scalar(0));
    return emit.mul(g, emit.where(isAbove, emit.scalar(gamma), below));
  }),
  unary('ThresholdedRelu', 10, ({ emit, x, g, attribute }) =>
    emit.keepWhere(emit.greater(x, emit.scalar(attribute('alpha', 1))), g),
  ),
  // y = x ± bias outside ±λ and 0 inside.
  unary('Shrink', 9, ({ emit, x, g, attribute }) =>
    emit.maskWhere(emit.greater(emit.node('Abs', [x]), emit.scalar(attribute('lambd', 0.5))), g),
  ),
  unary('HardSigmoid', 6, hardSigmoid),
  unary('HardSwish', 14, hardSwish),
  unary('Mish', 18, mish),
  unary('Gelu', 20, gelu),
  unary('Swish', 24, (operands) => swish(operands)),
  unary('Gelu', 1, gelu, 'com.microsoft'),
  // ONNX Runtime's steeper default comes close to GELU.
  unary('QuickGelu', 1, (operands) => swish(operands, 1.702), 'com.microsoft'),
];

/** y = gelu(x + bias): both get g times the slope at the sum. */
function biasedGelu(opType: string, slope: (emit: Emitter, x: string, g: string) => string): GradientRule {
  return {
    opType,
    domain: 'com.microsoft',
    opsets: [1, latestOpset],
    backward(context) {
      const [g] = context.outputCotangents;
      const [x = '', bias = ''] = context.node.inputs;
      if (g === undefined) return [];
      const emit = emitterFor(context);
      const value = slope(emit, bias === '' ? x : emit.add(x, bias), g);
      return [value, { value, shape: shapeIfKnown(context, x) }];
    },
  };
}

/** Gradient of BiasGelu. */
export const biasGeluRule = biasedGelu('BiasGelu', geluErf);

/** Gradient of FastGelu, GELU's tanh form, whose bias may be omitted. */
export const fastGeluRule = biasedGelu('FastGelu', geluTanh);
