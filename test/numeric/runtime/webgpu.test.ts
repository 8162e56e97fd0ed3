import assert from 'node:assert/strict';
import { UserError } from '../../../src/base/errors.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { nameWebgpuGaps } from '../../../src/engine/runtime/webgpuGaps.js';
import type { Model } from '../../../src/onnx/model.js';
import { toFloat64 } from '../../../src/onnx/tensorValue.js';
import { createRandom } from '../../../src/base/random.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';

type Attributes = NonNullable<NonNullable<Parameters<GraphBuilder['node']>[2]>['attributes']>;

interface Case {
  readonly title: string;
  readonly op: string;
  /** Sizes of the first operand, and of a constant second one. */
  readonly inputs: readonly [readonly number[], (readonly number[])?];
  readonly attributes: Attributes;
  readonly outputCount?: number;
  readonly isGap: boolean;
}

/** A node of each kind that WebGPU takes and cannot run, and its neighbours that it can. */
const cases: readonly Case[] = [
  {
    title: 'MaxPool with the places of its maxima',
    op: 'MaxPool',
    inputs: [[1, 2, 4, 4]],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    outputCount: 2,
    isGap: true,
  },
  {
    title: 'MaxPool',
    op: 'MaxPool',
    inputs: [[1, 2, 4, 4]],
    attributes: { kernel_shape: [2, 2], strides: [2, 2] },
    isGap: false,
  },
  {
    title: 'ConvTranspose of three axes',
    op: 'ConvTranspose',
    inputs: [
      [1, 2, 3, 3, 3],
      [2, 1, 2, 2, 2],
    ],
    attributes: { kernel_shape: [2, 2, 2] },
    isGap: true,
  },
  {
    title: 'depthwise ConvTranspose with a multiplier',
    op: 'ConvTranspose',
    inputs: [
      [1, 2, 4, 4],
      [2, 3, 3, 3],
    ],
    attributes: { group: 2 },
    isGap: true,
  },
  {
    title: 'depthwise ConvTranspose',
    op: 'ConvTranspose',
    inputs: [
      [1, 2, 4, 4],
      [2, 1, 3, 3],
    ],
    attributes: { group: 2 },
    isGap: false,
  },
  {
    title: 'ConvTranspose of several channels a group',
    op: 'ConvTranspose',
    inputs: [
      [1, 4, 4, 4],
      [4, 1, 3, 3],
    ],
    attributes: { group: 2 },
    isGap: true,
  },
  {
    title: 'Split of eight',
    op: 'Split',
    inputs: [[16, 2]],
    attributes: { axis: 0 },
    outputCount: 8,
    isGap: true,
  },
  {
    title: 'Split of seven',
    op: 'Split',
    inputs: [[14, 2]],
    attributes: { axis: 0 },
    outputCount: 7,
    isGap: false,
  },
  {
    title: 'depthwise Conv of three axes',
    op: 'Conv',
    inputs: [
      [1, 2, 3, 3, 3],
      [2, 1, 2, 2, 2],
    ],
    attributes: { group: 2 },
    isGap: true,
  },
  {
    title: 'Conv of three axes',
    op: 'Conv',
    inputs: [
      [1, 2, 3, 3, 3],
      [2, 2, 2, 2, 2],
    ],
    attributes: {},
    isGap: false,
  },
  {
    title: 'Conv of six channels with results in fours',
    op: 'Conv',
    inputs: [
      [1, 6, 5, 5],
      [8, 6, 3, 3],
    ],
    attributes: {},
    isGap: true,
  },
  {
    title: 'Conv of three channels',
    op: 'Conv',
    inputs: [
      [1, 3, 5, 5],
      [8, 3, 3, 3],
    ],
    attributes: {},
    isGap: false,
  },
  {
    title: 'Conv of six channels with six results',
    op: 'Conv',
    inputs: [
      [1, 6, 5, 5],
      [6, 6, 3, 3],
    ],
    attributes: {},
    isGap: false,
  },
  {
    title: 'Einsum with an ellipsis',
    op: 'Einsum',
    inputs: [
      [2, 3, 4],
      [4, 5],
    ],
    attributes: { equation: '...j,jk' },
    isGap: true,
  },
];

function modelOf({ op, inputs, attributes, outputCount = 1 }: Case): Model {
  const builder = new GraphBuilder(emptyModel());
  const [x, weight] = inputs;
  builder.addInput('x', floatType(...x));
  const operands =
    weight === undefined ? ['x'] : ['x', builder.constant(normalTensor(createRandom(3), weight))];
  const outputs = Array.from({ length: outputCount }, (_, i) => `y${i}`);
  builder.node(op, operands, { attributes, outputs });
  builder.setOutputs(outputs);
  return builder.build();
}

describe('nodes that WebGPU cannot run', () => {
  for (const one of cases) {
    it(`${one.title}: ${one.isGap ? 'named, to stay on the CPU' : 'left to WebGPU'}`, () => {
      const { names, model } = nameWebgpuGaps(modelOf(one));
      const named = model.graph.nodes.filter((node) => names.includes(node.name)).map((node) => node.opType);
      assert.deepEqual(named, one.isGap ? [one.op] : []);
    });
  }

  it('give the same numbers on WebGPU as on the CPU, where a GPU or a software driver is found', async function () {
    this.timeout(120_000);
    const gpu = createRuntime({ provider: 'webgpu' });
    for (const one of cases) {
      const model = modelOf(one);
      let session;
      try {
        session = await gpu.open(model);
      } catch (error) {
        // No GPU and no software driver for one here.
        if (error instanceof UserError && error.code === 'provider-unavailable') this.skip();
        throw error;
      }
      const onCpu = await createRuntime({ provider: 'cpu', threadCount: 1 }).open(model);
      const feeds = { x: normalTensor(createRandom(1), one.inputs[0]) };
      const [found, expected] = [await session.run(feeds), await onCpu.run(feeds)];
      for (const [name, value] of Object.entries(expected)) {
        const numbers = toFloat64(found[name]!);
        for (const [i, number] of toFloat64(value).entries()) {
          assert.ok(
            Math.abs(numbers[i]! - number) <= 1e-4,
            `${one.title}: ${name}[${i}] is ${numbers[i]}, not ${number}`,
          );
        }
      }
      await session.close();
      await onCpu.close();
    }
  });
});
