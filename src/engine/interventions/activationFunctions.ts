import type { GraphBuilder } from '../graph/graphBuilder.js';

/** An activation function to put in another one's place. */
export type ActivationFunction = keyof typeof activationFunctions;

/** What an entry appends: f(x), with constants brought to the type of x by `number`. */
type Append = (builder: GraphBuilder, x: string, number: (value: number) => string) => string;

const operator =
  (opType: string, attributes: Readonly<Record<string, number>> = {}): Append =>
  (builder, x) =>
    builder.node(opType, [x], {
      attributes: Object.fromEntries(
        Object.entries(attributes).map(([name, value]) => [name, { kind: 'float', value } as const]),
      ),
    });

/** The functions by name, with the parameters that their papers use. */
export const activationFunctions = {
  identity: operator('Identity'),
  relu: operator('Relu'),
  // min(max(x, 0), 6)
  relu6: (builder, x, number) => builder.node('Min', [builder.node('Relu', [x]), number(6)]),
  'leaky-relu': operator('LeakyRelu', { alpha: 0.01 }),
  elu: operator('Elu', { alpha: 1 }),
  selu: operator('Selu'),
  softplus: operator('Softplus'),
  sigmoid: operator('Sigmoid'),
  tanh: operator('Tanh'),
  softsign: operator('Softsign'),
  'hard-sigmoid': operator('HardSigmoid', { alpha: 1 / 6, beta: 0.5 }),
  // x·max(0, min(1, x/6 + 1/2))
  'hard-swish': (builder, x) =>
    builder.node('Mul', [x, operator('HardSigmoid', { alpha: 1 / 6, beta: 0.5 })(builder, x, String)]),
  // x·σ(x)
  silu: (builder, x) => builder.node('Mul', [x, builder.node('Sigmoid', [x])]),
  // x·tanh(softplus(x))
  mish: (builder, x) => builder.node('Mul', [x, builder.node('Tanh', [builder.node('Softplus', [x])])]),
  // x·(1 + erf(x/√2))/2
  gelu: (builder, x, number) => {
    const erf = builder.node('Erf', [builder.node('Mul', [x, number(Math.SQRT1_2)])]);
    const gate = builder.node('Add', [erf, number(1)]);
    return builder.node('Mul', [builder.node('Mul', [x, number(0.5)]), gate]);
  },
  // x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2
  'gelu-tanh': (builder, x, number) => {
    const cube = builder.node('Mul', [builder.node('Mul', [x, x]), x]);
    const inner = builder.node('Add', [x, builder.node('Mul', [cube, number(0.044715)])]);
    const tanh = builder.node('Tanh', [builder.node('Mul', [inner, number(Math.sqrt(2 / Math.PI))])]);
    const gate = builder.node('Add', [tanh, number(1)]);
    return builder.node('Mul', [builder.node('Mul', [x, number(0.5)]), gate]);
  },
  square: (builder, x) => builder.node('Mul', [x, x]),
  abs: operator('Abs'),
} as const satisfies Readonly<Record<string, Append>>;
