import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../src/base/random.js';
import type { Model } from '../../src/onnx/model.js';
import { writeModel } from '../../src/onnx/writeModel.js';
import { constant, finishAt, floatType, lay, startWith } from './network.js';
import type { Sample, SampleContext, SampleFacts } from './sample.js';
import { drawTable } from './table.js';

const columns = ['water', 'nitrogen', 'sun'];
const rowCount = 300;

/** Yield = 5 + 1.5 water + 0.8 nitrogen + 0.5 sun + (0.4 nitrogen − 0.6 water) · water − 0.3 nitrogen · nitrogen. */
const planted = {
  linear: { weight: [1.5, 0.8, 0.5], bias: 5 },
  left: [-0.6, 0.4, 0, 0, -0.3, 0],
  right: [1, 0, 0, 0, 1, 0],
};

/** A quadratic model of what a field yields, all of it planted. */
export const cropYield: Sample = { name: 'crop-yield', make };

async function make({ dir }: SampleContext): Promise<SampleFacts> {
  await writeModel(build(), join(dir, 'crop-yield.onnx'));
  writeFileSync(join(dir, 'data', 'fields.csv'), drawTable(createRandom(1), { columns, rowCount, width: 3 }));
  return {
    description: 'What a field yields from water, nitrogen and sun: a quadratic model, planted, not trained.',
    recipe: {
      rule: '5 + 1.5 water + 0.8 nitrogen + 0.5 sun − 0.6 water² + 0.4 water · nitrogen − 0.3 nitrogen²',
    },
    data: {
      training: 'none: the weights were written down',
      committed: `${String(rowCount)} fields, drawn with seed 1: each column even between 0 and 3`,
    },
    metric: { name: 'planted terms', value: 7, on: 'the recipe above' },
    files: ['crop-yield.onnx', 'data/fields.csv'],
  };
}

function build(): Model {
  const type = floatType(['N', columns.length]);
  const network = startWith('crop-yield', { input: 'x', type }, createRandom(0));
  const { builder, value: x } = network;
  const { linear, left, right } = planted;
  const weights = (name: string, values: readonly number[], dims: readonly number[]): string =>
    constant(network, name, Float32Array.from(values), dims);
  const layer = (name: string, weight: string, bias?: string): string => {
    network.value = x;
    lay(network, { opType: 'Gemm', name }, bias === undefined ? [weight] : [weight, bias], { transB: 1 });
    return network.value;
  };
  const first = layer('left', weights('left.weight', left, [2, 3]));
  const second = layer('right', weights('right.weight', right, [2, 3]));
  const bias = weights('linear.bias', [linear.bias], [1]);
  const straight = layer('linear', weights('linear.weight', linear.weight, [1, 3]), bias);
  const product = builder.node('Mul', [first, second], { name: '/Mul' });
  const bent = builder.reduce('ReduceSum', product, [1], true);
  network.value = builder.node('Add', [straight, bent], { name: '/Add' });
  return finishAt(network, 'yield', ['N', 1]);
}
