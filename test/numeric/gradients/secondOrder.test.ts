import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { pushForward } from '../../../src/engine/gradients/forwardMode.js';
import { latestOpset } from '../../../src/engine/gradients/gradientRule.js';
import { hessianProduct } from '../../../src/engine/gradients/hessianProduct.js';
import { gradientRules } from '../../../src/engine/gradients/ruleTable.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { lowerings } from '../../../src/engine/lowering/loweringTable.js';
import { inferTypes } from '../../../src/onnx/shapes/inferTypes.js';
import { float32Tensor } from '../../../src/onnx/tensorValue.js';
import type { GradientCase } from '../../support/gradientCase.js';
import { loweringCases } from '../../support/loweringCases.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { checkDerivatives, checkSecondOrder } from '../../support/secondOrderCase.js';
import { caseByOperator, inside, one, withoutOperands } from '../../support/smallGradientCases.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 1 });

/** First opset of forms that the driver differentiates. */
const firstOpset = 17;

/** Where the smallest case has a corner between the steps, or curves too much for steps of float32. */
const smoother: Readonly<Record<string, Partial<GradientCase>>> = {
  'com.microsoft:FusedConv': {
    attributes: { activation: 'Tanh', pads: [1, 1, 1, 1] },
    map: (value) => value / 4,
  },
  'com.microsoft:FusedGemm': { attributes: { activation: 'Tanh' } },
  'com.microsoft:Attention': { map: (value) => value / 3 },
};

describe('forward mode and Hessian-vector products', () => {
  for (const { opType, opsets, domain } of gradientRules) {
    if (withoutOperands.includes(opType)) continue;
    const { lastOpset = latestOpset, ...given } = caseByOperator.get(opType) ?? one;
    const forms = [...new Set([Math.max(opsets[0], firstOpset), Math.min(opsets[1], lastOpset)])];
    it(`of ${opType} equal differences and each other at opsets ${forms.join(' and ')}`, async () => {
      for (const opset of forms) await checkSecondOrder({ map: inside, ...given, op: opType, domain, opset });
      const opset = Math.max(...forms);
      // Sizes that only the run tells: what is appended must itself be differentiable.
      await checkSecondOrder({ map: inside, ...given, op: opType, domain, opset, hidden: 'maps' });
    });
  }

  for (const { opType, domain } of lowerings) {
    // The smallest case of each: the core operators that it stands for have been compared above.
    const [given] = loweringCases[`${domain}:${opType}`] ?? [];
    if (given === undefined) continue;
    it(`of the lowered ${opType}${domain === '' ? '' : ` (${domain})`} equal differences and each other`, async () => {
      await checkSecondOrder({ ...given, ...smoother[`${domain}:${opType}`], op: opType, domain });
    });
  }

  for (const [what, given] of [
    [
      'wide depthwise maps',
      {
        inputs: [
          [2, 2, 3, 19],
          [2, 1, 3, 3],
        ],
        attributes: { group: 2, pads: [1, 1, 1, 1] },
      },
    ],
    [
      'wide depthwise maps with a stride',
      {
        inputs: [
          [1, 2, 4, 37],
          [2, 1, 2, 3],
        ],
        attributes: { group: 2, strides: [1, 2], pads: [0, 1, 1, 0] },
      },
    ],
    [
      'a weight larger than its maps',
      {
        inputs: [
          [2, 9, 2, 1],
          [33, 9, 2, 1],
        ],
        attributes: { pads: [1, 0, 0, 0] },
      },
    ],
  ] as const) {
    it(`of a Conv with ${what} equal differences and each other`, async () => {
      await checkSecondOrder({ op: 'Conv', ...given, map: inside });
    });
  }

  it('of a convolutional network with a strided layer, pooling and normalisation equal differences', async () => {
    await checkNetwork(convolutional(), normalTensor(createRandom(5), [2, 2, 6, 6]));
  });

  it('of an attention block with a residual equal differences', async () => {
    await checkNetwork(attention(), normalTensor(createRandom(6), [2, 3, 4]));
  });

  it('hold at every batch size', async () => {
    const model = denseModel([3, 5, 2], 'Tanh');
    for (const rows of [1, 4]) await checkNetwork(model, normalTensor(createRandom(rows), [rows, 3]));
  });
});

describe('hessianProduct', () => {
  it('of a quadratic form is the symmetric part of its matrix', async () => {
    const builder = new GraphBuilder(emptyModel());
    for (const name of ['x', 'v']) builder.addInput(name, floatType(2, 1));
    const a = builder.constant(float32Tensor([1, 2, 6, 3], [2, 2]), 'a');
    const turned = builder.node('Transpose', ['x'], { attributes: { perm: [1, 0] } });
    builder.node('MatMul', [builder.node('MatMul', [turned, a]), 'x'], { outputs: ['y'] });
    const cotangent = builder.constant(float32Tensor([1], [1, 1]));
    const model = builder.build();
    const { model: both, products } = hessianProduct(model, {
      seeds: [{ value: 'y', cotangent }],
      directions: [{ value: 'x', tangent: 'v' }],
      types: inferTypes(model),
    });
    const feeds = { x: float32Tensor([7, -1], [2, 1]), v: float32Tensor([1, 10], [2, 1]) };
    // (A + Aᵀ)·v = [[2, 8], [8, 6]]·[1, 10]
    assert.deepEqual(await runOne(both, products.get('x')!, feeds), [82, 68]);
  });

  it('leaves out values along which the gradient does not change', () => {
    const builder = new GraphBuilder(emptyModel());
    for (const name of ['x', 'z', 'v', 'u']) builder.addInput(name, floatType(2));
    builder.node('Add', [builder.node('Exp', ['x']), 'z'], { outputs: ['y'] });
    const model = builder.build();
    const seeds = [{ value: 'y', cotangent: 'u' }];
    const directions = [
      { value: 'x', tangent: 'v' },
      { value: 'z', tangent: 'v' },
    ];
    const { products } = hessianProduct(model, { seeds, directions, types: inferTypes(model) });
    assert.deepEqual([...products.keys()], ['x']);
  });
});

describe('pushForward', () => {
  it('keeps none of the nodes that only the reverse pass needs', () => {
    const builder = new GraphBuilder(denseModel([3, 4, 2], 'Tanh'));
    builder.addInput('v', floatType('N', 3));
    const model = builder.build();
    const request = {
      tangents: [{ value: 'x', tangent: 'v' }],
      outputs: ['logits'],
      types: inferTypes(model),
    };
    const forward = pushForward(model, request).model.graph.nodes.slice(model.graph.nodes.length);
    const products = forward.filter((node) => node.opType === 'Gemm' || node.opType === 'MatMul');
    assert.equal(products.length, 2, 'one product per layer, as in the model itself');
  });

  it('leaves out outputs that nothing moves', () => {
    const builder = new GraphBuilder(emptyModel());
    for (const name of ['x', 'z', 'v']) builder.addInput(name, floatType(2));
    builder.node('Exp', ['x'], { outputs: ['moving'] });
    builder.node('Exp', ['z'], { outputs: ['still'] });
    const model = builder.build();
    const tangents = [{ value: 'x', tangent: 'v' }];
    const result = pushForward(model, { tangents, outputs: ['moving', 'still'], types: inferTypes(model) });
    assert.deepEqual([...result.tangents.keys()], ['moving']);
  });
});

async function checkNetwork(model: Model, x: ReturnType<typeof normalTensor>): Promise<void> {
  const [output] = model.graph.outputs;
  const types = inferTypes(model, { keepsUnnamed: true });
  const graphs = {
    model,
    feeds: { x },
    wrt: ['x'],
    outputs: [output!.name],
    types,
    type: 'float32',
  } as const;
  await checkDerivatives(graphs, createRandom(9), 'network');
}

async function runOne(model: Model, value: string, feeds: Feeds): Promise<number[]> {
  const builder = new GraphBuilder(model);
  builder.setOutputs([value]);
  const session = await runtime.open(builder.build());
  const [result] = Object.values(await session.run(feeds));
  return Array.from(result!.data, Number);
}

/** Conv (stride 2) – BatchNormalization – Softplus – AveragePool – Flatten – Gemm – Softmax: smooth everywhere. */
function convolutional(): Model {
  const builder = new GraphBuilder(emptyModel());
  const random = createRandom(3);
  const weight = (dims: readonly number[]): string => builder.constant(normalTensor(random, dims, 0.4), 'w');
  const positive = (count: number): string =>
    builder.constant(float32Tensor(new Float32Array(count).fill(1.3), [count]), 'variance');
  builder.addInput('x', floatType('N', 2, 6, 6));
  const conv = builder.node('Conv', ['x', weight([3, 2, 3, 3])], {
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1] },
  });
  const normalized = builder.node('BatchNormalization', [
    conv,
    weight([3]),
    weight([3]),
    weight([3]),
    positive(3),
  ]);
  const active = builder.node('Softplus', [normalized]);
  const pooled = builder.node('AveragePool', [active], {
    attributes: { kernel_shape: [2, 2], strides: [1, 1] },
  });
  const flat = builder.node('Flatten', [pooled]);
  builder.node('Softmax', [builder.node('Gemm', [flat, weight([12, 3])])], { outputs: ['y'] });
  builder.addOutput('y');
  return builder.build();
}

/** x + Softmax(Q·Kᵀ)·V of a LayerNormalization, then a Gelu. */
function attention(): Model {
  const builder = new GraphBuilder(emptyModel(20));
  const random = createRandom(4);
  const weight = (dims: readonly number[]): string => builder.constant(normalTensor(random, dims, 0.5), 'w');
  builder.addInput('x', floatType('N', 'T', 4));
  const normal = builder.node('LayerNormalization', ['x', weight([4]), weight([4])]);
  const [q, k, v] = [0, 1, 2].map(() => builder.node('MatMul', [normal, weight([4, 4])])) as [
    string,
    string,
    string,
  ];
  const turned = builder.node('Transpose', [k], { attributes: { perm: [0, 2, 1] } });
  const scores = builder.node('Softmax', [builder.node('MatMul', [q, turned])]);
  const sum = builder.node('Add', ['x', builder.node('MatMul', [scores, v])]);
  builder.node('Gelu', [sum], { outputs: ['y'] });
  builder.addOutput('y');
  return builder.build();
}
