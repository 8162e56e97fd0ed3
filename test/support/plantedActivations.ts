import { createRandom } from '../../src/base/random.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { emptyModel, floatType, normalTensor } from './modelBuilder.js';

/** Appends nodes of a planted activation behind a value. */
export interface ActivationWriter {
  readonly op: (
    opType: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, number>>,
  ) => string;
  readonly scalar: (value: number) => string;
}

/** An activation as an exporter might write it, and what it must be recognised as. */
export interface PlantedActivation {
  readonly entry: string;
  readonly parameters: readonly number[];
  readonly write: (writer: ActivationWriter, x: string) => string;
}

/** Written out in several operators, with parameters that are no defaults. */
export const decomposedActivations: readonly PlantedActivation[] = [
  {
    entry: 'swish',
    parameters: [1.5],
    write: ({ op, scalar }, x) => op('Mul', [x, op('Sigmoid', [op('Mul', [scalar(1.5), x])])]),
  },
  {
    entry: 'squared-relu',
    parameters: [],
    write: ({ op }, x) => {
      const relu = op('Relu', [x]);
      return op('Mul', [relu, relu]);
    },
  },
  {
    entry: 'snake',
    parameters: [2],
    write: ({ op, scalar }, x) => {
      const sine = op('Sin', [op('Mul', [x, scalar(2)])]);
      return op('Add', [x, op('Div', [op('Pow', [sine, scalar(2)]), scalar(2)])]);
    },
  },
  {
    entry: 'elu',
    parameters: [0.7],
    write: ({ op, scalar }, x) => {
      const low = op('Mul', [op('Sub', [op('Exp', [x]), scalar(1)]), scalar(0.7)]);
      return op('Where', [op('Greater', [x, scalar(0)]), x, low]);
    },
  },
  {
    entry: 'gelu-tanh',
    parameters: [],
    write: ({ op, scalar }, x) => {
      const cube = op('Mul', [op('Pow', [x, scalar(3)]), scalar(0.044715)]);
      const tanh = op('Tanh', [op('Mul', [op('Add', [x, cube]), scalar(Math.sqrt(2 / Math.PI))])]);
      return op('Mul', [op('Mul', [op('Add', [tanh, scalar(1)]), x]), scalar(0.5)]);
    },
  },
  {
    entry: 'star-relu',
    parameters: [0.9, -0.4],
    write: ({ op, scalar }, x) => {
      const square = op('Pow', [op('Relu', [x]), scalar(2)]);
      return op('Add', [op('Mul', [square, scalar(0.9)]), scalar(-0.4)]);
    },
  },
  {
    entry: 'siren',
    parameters: [30],
    write: ({ op, scalar }, x) => op('Sin', [op('Mul', [x, scalar(30)])]),
  },
  {
    entry: 'tanh-exp',
    parameters: [],
    write: ({ op }, x) => op('Mul', [op('Tanh', [op('Exp', [x])]), x]),
  },
];

/** One operator each, with attributes that are no defaults where it has any. */
export const operatorActivations: readonly PlantedActivation[] = [
  { entry: 'relu', parameters: [], write: ({ op }, x) => op('Relu', [x]) },
  { entry: 'leaky-relu', parameters: [0.25], write: ({ op }, x) => op('LeakyRelu', [x], { alpha: 0.25 }) },
  { entry: 'prelu', parameters: [0.1], write: ({ op, scalar }, x) => op('PRelu', [x, scalar(0.1)]) },
  { entry: 'elu', parameters: [0.5], write: ({ op }, x) => op('Elu', [x], { alpha: 0.5 }) },
  { entry: 'celu', parameters: [2], write: ({ op }, x) => op('Celu', [x], { alpha: 2 }) },
  { entry: 'selu', parameters: [1.67326319, 1.05070102], write: ({ op }, x) => op('Selu', [x]) },
  {
    entry: 'thresholded-relu',
    parameters: [0.5],
    write: ({ op }, x) => op('ThresholdedRelu', [x], { alpha: 0.5 }),
  },
  {
    entry: 'hard-sigmoid',
    parameters: [0.25, 0.4],
    write: ({ op }, x) => op('HardSigmoid', [x], { alpha: 0.25, beta: 0.4 }),
  },
  { entry: 'hard-swish', parameters: [], write: ({ op }, x) => op('HardSwish', [x]) },
  { entry: 'sigmoid', parameters: [], write: ({ op }, x) => op('Sigmoid', [x]) },
  { entry: 'tanh', parameters: [], write: ({ op }, x) => op('Tanh', [x]) },
  { entry: 'softplus', parameters: [], write: ({ op }, x) => op('Softplus', [x]) },
  { entry: 'softsign', parameters: [], write: ({ op }, x) => op('Softsign', [x]) },
  { entry: 'mish', parameters: [], write: ({ op }, x) => op('Mish', [x]) },
  { entry: 'gelu', parameters: [], write: ({ op }, x) => op('Gelu', [x]) },
  { entry: 'relu6', parameters: [], write: ({ op, scalar }, x) => op('Clip', [x, scalar(0), scalar(6)]) },
  {
    entry: 'clip',
    parameters: [-2, 1.5],
    write: ({ op, scalar }, x) => op('Clip', [x, scalar(-2), scalar(1.5)]),
  },
];

/** Returns a chain of dense layers `fc1`, `fc2`, … of four units, a planted activation `act1`, `act2`, … behind each. */
export function activationModel(planted: readonly PlantedActivation[], opset = 20): Model {
  const builder = new GraphBuilder(emptyModel(opset));
  const random = createRandom(7);
  let value = builder.addInput('x', floatType('N', 4));
  for (const [index, { write }] of planted.entries()) {
    const number = index + 1;
    const weight = builder.constant(normalTensor(random, [4, 4]), `fc${number}.weight`);
    const dense = builder.node('MatMul', [value, weight], {
      outputs: [`fc${number}_out`],
      name: `/fc${number}/MatMul`,
    });
    let count = 0;
    const op: ActivationWriter['op'] = (opType, inputs, attributes = {}) =>
      builder.node(opType, inputs, {
        name: `/act${number}/${opType}_${++count}`,
        attributes: Object.fromEntries(
          Object.entries(attributes).map(([name, one]) => [name, { kind: 'float', value: one } as const]),
        ),
      });
    const scalar = (one: number): string => builder.scalar(one);
    // What follows is no part of the activation.
    value = builder.node('Reshape', [write({ op, scalar }, dense), builder.int64s([-1, 4])], {
      outputs: [`act${number}_out`],
    });
  }
  builder.addOutput(value, floatType('N', 4));
  return builder.build();
}
