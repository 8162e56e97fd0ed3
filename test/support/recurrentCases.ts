import type { TensorValue } from '../../src/onnx/tensorValue.js';
import type { GradientCase } from './gradientCase.js';

type Case = Omit<GradientCase, 'op' | 'domain'>;

const lengths = (...values: number[]): TensorValue => ({
  dtype: 'int32',
  dims: [values.length],
  data: Int32Array.from(values),
});
const floats = (...value: number[]): { readonly kind: 'floats'; readonly value: readonly number[] } => ({
  kind: 'floats',
  value,
});
const strings = (...value: string[]): { readonly kind: 'strings'; readonly value: readonly string[] } => ({
  kind: 'strings',
  value,
});

/** Small weights, so that no gate is far in its flat part. */
const map = (value: number): number => 0.6 * value;
const steps = 4;
const batch = 2;
const inputSize = 3;
const hidden = 2;

interface Shape {
  readonly gates: number;
  readonly directions?: number;
  readonly stepCount?: number;
}

/** Operands up to the bias. */
function weights({ gates, directions = 1, stepCount = steps }: Shape): (readonly number[])[] {
  return [
    [stepCount, batch, inputSize],
    [directions, gates * hidden, inputSize],
    [directions, gates * hidden, hidden],
    [directions, 2 * gates * hidden],
  ];
}

const state = (directions = 1): readonly number[] => [directions, batch, hidden];

function casesOf(gates: number, activations: { readonly both: readonly string[] }): Case[] {
  const outputCount = gates === 4 ? 3 : 2;
  const attributes = { hidden_size: hidden };
  const base = { map, outputCount };
  const initial = (directions: number): (readonly number[])[] =>
    gates === 4 ? [state(directions), state(directions)] : [state(directions)];
  return [
    { ...base, inputs: weights({ gates }).slice(0, 3), attributes },
    { ...base, inputs: [...weights({ gates }), '', ...initial(1)], attributes },
    {
      ...base,
      inputs: [...weights({ gates }), lengths(4, 2), ...initial(1)],
      attributes: { ...attributes, direction: 'reverse' },
    },
    {
      ...base,
      inputs: [...weights({ gates, directions: 2 }), lengths(3, 4), ...initial(2)],
      attributes: {
        ...attributes,
        direction: 'bidirectional',
        activations: strings(...activations.both),
        activation_alpha: floats(0.3),
        activation_beta: floats(0.45),
      },
    },
    { ...base, inputs: weights({ gates, stepCount: 10 }), attributes, hidden: false },
    {
      ...base,
      inputs: [...weights({ gates, directions: 2, stepCount: 9 }), lengths(9, 5)],
      attributes: { ...attributes, direction: 'bidirectional' },
    },
    {
      ...base,
      inputs: weights({ gates, stepCount: 1 }),
      // Numbers from 1 up: sums of few of them keep away from the corners of the clip.
      map: (value) => value + Math.sign(value),
      attributes: { ...attributes, clip: { kind: 'float', value: 0.4 } },
    },
  ];
}

/** Cases of the recurrent operators: up to eight steps are unrolled, more become a Scan. */
export const recurrentCases: Readonly<Record<string, readonly Case[]>> = {
  ':RNN': [
    ...casesOf(1, { both: ['HardSigmoid', 'Softsign'] }),
    ...['Relu', 'Affine', 'LeakyRelu', 'ScaledTanh', 'Elu', 'Softplus', 'Sigmoid'].map((name): Case => ({
      map,
      outputCount: 2,
      inputs: weights({ gates: 1 }),
      attributes: {
        hidden_size: hidden,
        activations: strings(name),
        activation_alpha: floats(0.8),
        activation_beta: floats(0.4),
      },
    })),
    {
      map,
      outputCount: 2,
      inputs: weights({ gates: 1, directions: 2 }),
      attributes: {
        hidden_size: hidden,
        direction: 'bidirectional',
        activations: strings('Elu', 'Softplus'),
      },
    },
    {
      map,
      outputCount: 2,
      inputs: weights({ gates: 1 }),
      attributes: {
        hidden_size: hidden,
        activations: strings('ThresholdedRelu'),
        activation_alpha: floats(0.01),
      },
    },
  ],
  ':GRU': [
    ...casesOf(3, { both: ['HardSigmoid', 'Softsign', 'Sigmoid', 'Tanh'] }),
    {
      map,
      outputCount: 2,
      inputs: [...weights({ gates: 3 }), '', state()],
      attributes: { hidden_size: hidden, linear_before_reset: 1 },
    },
    {
      map,
      outputCount: 2,
      inputs: weights({ gates: 3, stepCount: 9 }),
      attributes: { hidden_size: hidden, linear_before_reset: 1, direction: 'reverse' },
    },
  ],
  ':LSTM': [
    ...casesOf(4, { both: ['HardSigmoid', 'Softsign', 'Tanh', 'Sigmoid', 'Tanh', 'Softsign'] }),
    {
      map,
      outputCount: 3,
      inputs: [...weights({ gates: 4 }), '', state(), state(), [1, 3 * hidden]],
      attributes: { hidden_size: hidden },
    },
    {
      map,
      outputCount: 3,
      inputs: [...weights({ gates: 4, stepCount: 9 }), lengths(9, 6), state(), state(), [1, 3 * hidden]],
      attributes: { hidden_size: hidden, input_forget: 1, direction: 'reverse' },
    },
  ],
};
