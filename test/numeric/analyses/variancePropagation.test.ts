import assert from 'node:assert/strict';
import { variancePropagation } from '../../../src/analyses/health/variance-propagation.js';
import { gaussianMoments } from '../../../src/engine/numeric/gaussianMoments.js';
import { openActivation } from '../../../src/analyses/shared/scalarFunction.js';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { createRandom } from '../../../src/base/random.js';
import {
  activationFunctions,
  type ActivationFunction,
} from '../../../src/engine/interventions/activationFunctions.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { meanErrorOf, momentsOf } from '../../../src/engine/numeric/moments.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { memoryDataset } from '../../support/memoryDataset.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, runOn } from '../../support/runHealth.js';

const runtime = createRuntime({ provider: 'cpu', threadCount: 2 });

const ten: readonly ActivationFunction[] = [
  ...([
    'relu',
    'leaky-relu',
    'elu',
    'selu',
    'softplus',
    'tanh',
    'softsign',
    'hard-swish',
    'silu',
    'gelu',
  ] as const),
];

/** z → f(z) with no weights. */
function functionModel(append: (builder: GraphBuilder, z: string) => string): Model {
  const builder = new GraphBuilder(emptyModel());
  const z = builder.addInput('z', floatType('N', 4));
  builder.addOutput(builder.node('Identity', [append(builder, z)], { outputs: ['y'] }));
  return builder.build();
}

async function momentsOfModel(model: Model, mean: number, deviation: number) {
  const f = await openActivation(model, { input: 'z', output: 'y' }, runtime);
  assert.ok(typeof f !== 'string');
  try {
    return await gaussianMoments((points) => f.at(points), { mean, deviation });
  } finally {
    await f.close();
  }
}

const named = (name: ActivationFunction): Model =>
  functionModel((builder, z) => activationFunctions[name](builder, z, (value) => builder.scalar(value)));

const width = 1024;
const outputCount = 256;
const netCount = 64;

/**
 * One graph that draws a random net of width 1,024 on every run: z = W₁ x with W₁ ~ N(0, 1.5/64), then for each of ten
 * activations y = W₂ f(z) with W₂ ~ N(0, 1/1,024), and backwards δ = f′(z) ⊙ W₂ᵀ g with g ~ N(0, 1). Slopes are central
 * differences of the activation itself, so that nothing of what is tested is in the reference.
 */
function drawingModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType(1, 64));
  const draw = (shape: readonly number[], deviation: number, seed: number): string =>
    builder.node('RandomNormal', [], {
      attributes: {
        shape,
        scale: { kind: 'float', value: deviation },
        seed: { kind: 'float', value: seed },
      },
    });
  const z = builder.node('MatMul', [x, draw([64, width], Math.sqrt(1.5 / 64), 1)]);
  const w2 = draw([width, outputCount], Math.sqrt(1 / width), 2);
  const back = builder.node('MatMul', [draw([1, outputCount], 1, 3), builder.node('Transpose', [w2])]);
  const step = builder.scalar(1e-2);
  const mean = (value: string): string =>
    builder.node('ReduceMean', [builder.node('Mul', [value, value])], { attributes: { keepdims: 0 } });
  for (const name of ten) {
    const f = (at: string): string =>
      activationFunctions[name](builder, at, (value) => builder.scalar(value));
    const rise = builder.node('Sub', [f(builder.node('Add', [z, step])), f(builder.node('Sub', [z, step]))]);
    const slope = builder.node('Div', [rise, builder.scalar(2e-2)]);
    const outputs = [mean(builder.node('MatMul', [f(z), w2])), mean(builder.node('Mul', [slope, back]))];
    for (const [i, output] of outputs.entries()) {
      builder.addOutput(builder.node('Identity', [output], { outputs: [`${name}.${i}`] }));
    }
  }
  return builder.build();
}

/** x [N, 64] through dense layers of width 128 and SELU, weights N(0, variance/fan-in), to 4 outputs. */
function seluModel(variance: number, hasDropout = false): Model {
  const random = createRandom(43);
  const builder = new GraphBuilder(emptyModel());
  let value = builder.addInput('x', floatType('N', 64));
  let fanIn = 64;
  for (const [i, size] of [128, 128, 128, 128, 4].entries()) {
    const weight = normalTensor(random, [fanIn, size], Math.sqrt(variance / fanIn));
    value = builder.node('MatMul', [value, builder.constant(weight, `fc${i}.weight`)], {
      name: `/fc${i}/MatMul`,
    });
    if (size !== 4) value = builder.node('Selu', [value], { name: `/act${i}/Selu` });
    if (hasDropout && i === 1) value = builder.node('Dropout', [value], { name: '/drop/Dropout' });
    fanIn = size;
  }
  builder.addOutput(builder.node('Identity', [value], { outputs: ['logits'] }), floatType('N', 4));
  return builder.build();
}

function seluRun(variance: number, hasDropout = false): Promise<ReportDraft> {
  const x = normalTensor(createRandom(44), [128, 64]);
  return runOn(variancePropagation, seluModel(variance, hasDropout), memoryDataset({ x }), {
    settings: { view: 'self-normalizing' },
  });
}

describe('variance-propagation', function () {
  this.timeout(30_000);

  itHolds(
    41,
    'for 10 activations the predicted mean square, forward and backward, lies within 3 standard errors of the mean over 64 random nets of width 1,024',
    async () => {
      const x = float32Tensor(
        Float32Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 1 : -1)),
        [1, 64],
      );
      const session = await runtime.open(drawingModel());
      const found = new Map<string, number[]>();
      for (let net = 0; net < netCount; net++) {
        for (const [name, value] of Object.entries(await session.run({ x }))) {
          found.set(name, [...(found.get(name) ?? []), Number(value.data[0])]);
        }
      }
      await session.close();
      for (const name of ten) {
        // Var z = 1.5/64 · ‖x‖² = 1.5; fan-in 1,024 · E w² = 1; backward 256 outputs · E w² = 1/4.
        const { square, slopeSquare } = await momentsOfModel(named(name), 0, Math.sqrt(1.5));
        for (const [i, predicted] of [square, slopeSquare * (outputCount / width)].entries()) {
          const moments = momentsOf(found.get(`${name}.${i}`)!);
          assert.equal(moments.count, netCount);
          const apart = Math.abs(moments.mean - predicted) / meanErrorOf(moments);
          assert.ok(apart < 3, `${name} ${['forward', 'backward'][i]!}: ${apart} standard errors`);
          assert.ok(meanErrorOf(moments) < 0.03 * predicted, 'the reference is sharp');
        }
      }
    },
  );

  itHolds(
    41,
    'quadrature equals closed forms: ReLU off centre, sine, a Gaussian far narrower than σ, a step of slope',
    async () => {
      const sigma = 1.3;
      const relu = await momentsOfModel(named('relu'), 0, sigma);
      close(relu.mean, sigma / Math.sqrt(2 * Math.PI));
      close(relu.square, sigma ** 2 / 2);
      close(relu.slopeSquare, 0.5);
      const sine = await momentsOfModel(
        functionModel((builder, z) => builder.node('Sin', [builder.node('Mul', [z, builder.scalar(3)])])),
        0,
        sigma,
      );
      close(sine.square, (1 - Math.exp(-2 * 9 * sigma ** 2)) / 2);
      close(sine.slopeSquare, (9 * (1 + Math.exp(-2 * 9 * sigma ** 2))) / 2);
      // exp(−z²/2s²), s = 0.01: E f² = 1/√(1 + 2σ²/s²).
      const narrow = await momentsOfModel(
        functionModel((builder, z) =>
          builder.node('Exp', [
            builder.node('Mul', [builder.node('Mul', [z, z]), builder.scalar(-0.5 / 1e-4)]),
          ]),
        ),
        0,
        sigma,
      );
      close(narrow.square, 1 / Math.sqrt(1 + (2 * sigma ** 2) / 1e-4));
      // Of |z − 0.7|, whose kink no list holds: E f² = σ² + (μ − 0.7)², E f′² = 1.
      const shifted = await momentsOfModel(
        functionModel((builder, z) => builder.node('Abs', [builder.node('Sub', [z, builder.scalar(0.7)])])),
        0.2,
        sigma,
      );
      close(shifted.square, sigma ** 2 + 0.25);
      close(shifted.slopeSquare, 1);
    },
  );

  itHolds(43, 'quadrature maps mean 0 and variance 1 to themselves under SELU', async () => {
    const { mean, square } = await momentsOfModel(named('selu'), 0, 1);
    close(mean, 0);
    close(square, 1);
  });

  itHolds(
    43,
    'an MLP of SELU with LeCun weights converges to (0, 1); with He weights every layer is flagged (4 × 128, 128 rows, seeds 43, 44)',
    async () => {
      const lecun = await seluRun(1);
      assert.equal(lecun.metrics['inconsistentCount'], 0);
      assert.ok(Math.abs(arrayOf(lecun, 'leavingMean').at(-1)!) < 0.1);
      assert.ok(Math.abs(arrayOf(lecun, 'leavingVariance').at(-1)! - 1) < 0.2);
      assert.ok(lecun.findings.every(({ severity }) => severity === 'info'));
      const he = await seluRun(2);
      assert.equal(he.metrics['inconsistentCount'], 4);
      assert.equal(he.findings.filter(({ message }) => message.includes('He’s')).length, 4);
      assert.ok(arrayOf(he, 'leavingVariance').at(-1)! > 1.2);
    },
  );

  itHolds(43, 'a plain Dropout behind SELU is flagged where the graph still has it', async () => {
    const found = (await seluRun(1, true)).findings.filter(({ message }) => message.includes('Dropout'));
    assert.deepEqual(
      found.map(({ address }) => address),
      ['act1'],
    );
  });

  it('measures moments and gradients as brute force does, and predicts those of random layers within 15 and 30 %', async () => {
    const model = denseModel([8, 300, 200, 3], 'Tanh', 7);
    const x = normalTensor(createRandom(3), [64, 8]);
    const draft = await runOn(variancePropagation, model, memoryDataset({ x }));
    const builder = new GraphBuilder(model);
    builder.setOutputs(['fc1_out', 'act1_out']);
    const session = await runtime.open(builder.build());
    const outputs = await session.run({ x });
    await session.close();
    const entering = momentsOf(toFloat64(outputs['fc1_out']!));
    const leaving = momentsOf(toFloat64(outputs['act1_out']!));
    close(arrayOf(draft, 'enteringMean')[0]!, entering.mean);
    close(arrayOf(draft, 'enteringVariance')[0]!, entering.squaredDeviations / entering.count);
    close(arrayOf(draft, 'leavingVariance')[0]!, leaving.squaredDeviations / leaving.count);
    const [next] = arrayOf(draft, 'predictedNextSquare');
    const after = arrayOf(draft, 'enteringVariance')[1]! + arrayOf(draft, 'enteringMean')[1]! ** 2;
    assert.ok(Math.abs(next! / after - 1) < 0.15, `${next} for ${after}`);
    const [gradient, predicted] = [
      arrayOf(draft, 'gradientSquare'),
      arrayOf(draft, 'predictedGradientSquare'),
    ];
    for (const i of [0, 1]) {
      assert.ok(Math.abs(predicted[i]! / gradient[i]! - 1) < 0.3, `${predicted[i]} for ${gradient[i]}`);
    }
    assert.ok(draft.blocks.some(({ title }) => title === 'Backward: mean square of the gradient'));
  });
});

function close(actual: number, expected: number): void {
  assert.ok(
    Math.abs(actual - expected) < 2e-5 * Math.max(1, Math.abs(expected)),
    `${actual}, expected ${expected}`,
  );
}
