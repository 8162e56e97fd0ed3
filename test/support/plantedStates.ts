import { createRandom, type Random } from '../../src/base/random.js';
import { GraphBuilder, type NodeOptions } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, type TensorValue } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

/** Samples of `planted`: enough for `rare` to be judged. */
export const sampleCount = 4000;

/** Numbers of one unit, sample by sample. */
export type Column = (random: Random, sample: number) => number;

/** On about half of the samples above 0. */
export const ordinary: Column = (random) => random.normal();
/** Always below 0. */
export const negative: Column = (random) => -0.2 - random.next();
/** Always above 0. */
export const positive: Column = (random) => 0.2 + random.next();
const once =
  (value: number, otherwise: Column): Column =>
  (random, sample) =>
    sample === 1234 ? value : otherwise(random, sample);
/** Positive on 2 of 4,000 samples: 0.05 %. */
export const seldom: Column = (random, sample) => (sample % 2000 === 77 ? 1 : negative(random, sample));

/** Returns `sampleCount` samples `[N, columns, 1, 1]`, one column a unit. */
export function planted(columns: readonly Column[]): TensorValue {
  const random = createRandom(11);
  const data = new Float32Array(sampleCount * columns.length);
  for (let sample = 0; sample < sampleCount; sample++) {
    for (const [unit, column] of columns.entries()) {
      data[sample * columns.length + unit] = column(random, sample);
    }
  }
  return float32Tensor(data, [sampleCount, columns.length, 1, 1]);
}

/** x → a 1×1 convolution `conv` per channel with weight 1 (so that channels stay apart, NaN and all) → activation. */
export function channelModel(
  unitCount: number,
  append: (builder: GraphBuilder, value: string) => string,
): Model {
  const builder = new GraphBuilder(emptyModel());
  builder.addInput('x', floatType('N', unitCount, 1, 1));
  const ones = float32Tensor(new Float32Array(unitCount).fill(1), [unitCount, 1, 1, 1]);
  const weight = builder.constant(ones, 'conv.weight');
  const value = builder.node('Conv', ['x', weight], { name: '/conv/Conv', attributes: { group: unitCount } });
  builder.addOutput(append(builder, value));
  return builder.build();
}

/** Returns what appends an activation of one node, named `act`. */
export const activationNode =
  (opType: string, attributes: NodeOptions['attributes'] = {}) =>
  (builder: GraphBuilder, value: string): string =>
    builder.node(opType, [value], { name: `/act/${opType}`, attributes });

const silu = (builder: GraphBuilder, value: string): string => {
  const sigmoid = builder.node('Sigmoid', [value], { name: '/act/Sigmoid' });
  return builder.node('Mul', [value, sigmoid], { name: '/act/Mul' });
};

/** An activation and its units with the states that their numbers must lead to. */
export interface Plant {
  readonly name: string;
  readonly append: (builder: GraphBuilder, value: string) => string;
  readonly units: readonly (readonly [state: string, column: Column])[];
}

/** Every family of activations with every state it can have. */
export const plants: readonly Plant[] = [
  {
    name: 'Relu',
    append: activationNode('Relu'),
    units: [
      ['dead', negative],
      ['rare', seldom],
      ['always-on', positive],
      ['active', ordinary],
      ['not-finite', once(NaN, ordinary)],
      ['not-finite', once(-Infinity, negative)],
      ['not-finite', once(Infinity, ordinary)],
    ],
  },
  {
    name: 'SiLU',
    append: silu,
    units: [
      ['dead', () => -60],
      ['rare', (_, sample) => (sample % 2000 === 77 ? 2 : -60)],
      ['always-on', positive],
      ['active', (_, sample) => (sample % 2 === 0 ? 3 : -60)],
      ['not-finite', once(NaN, ordinary)],
    ],
  },
  {
    name: 'Elu',
    append: activationNode('Elu'),
    units: [
      ['constant', () => -50],
      ['saturated', (random, sample) => (sample % 200 === 0 ? 1 : -8 - random.next())],
      ['active', (random, sample) => (sample % 50 === 0 ? 1 : -8 - random.next())],
      ['rare', seldom],
      ['active', positive],
    ],
  },
  {
    name: 'Tanh',
    append: activationNode('Tanh'),
    units: [
      ['constant', () => 0.3],
      ['saturated', (random, sample) => (sample % 2 === 0 ? 5 : -5) + 0.1 * random.next()],
      ['active', ordinary],
      ['active', negative],
    ],
  },
  {
    name: 'LeakyRelu',
    append: activationNode('LeakyRelu', { alpha: { kind: 'float', value: 0.01 } }),
    units: [
      ['always-negative', negative],
      ['rare', seldom],
      ['always-on', positive],
      ['active', ordinary],
    ],
  },
];
