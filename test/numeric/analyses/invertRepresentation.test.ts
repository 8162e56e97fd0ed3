import assert from 'node:assert/strict';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { invertRepresentation } from '../../../src/analyses/representation/invert-representation.js';
import { Cancelled } from '../../../src/base/abort.js';
import { UserError } from '../../../src/base/errors.js';
import { createRandom } from '../../../src/base/random.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { imageModel } from '../../support/imageModel.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf } from '../../support/runAttribution.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';

const size = 6;

describe('invert-representation', function () {
  this.timeout(120_000);

  itHolds(
    93,
    'finds the input again behind an invertible linear layer, to within 0.1 % of its range',
    async () => {
      // Three samples of six numbers, seed 2; singular values between 0.6 and 1.4, so 600 steps are plenty.
      const feeds = { x: normalTensor(createRandom(2), [3, size]) };
      const settings = { steps: 600, alphaWeight: 0, variationWeight: 0 };
      for (const range of ['data', 'free']) {
        const draft = await runAnalysisOn(
          invertRepresentation,
          { model: invertibleModel(), feeds },
          { ...settings, range },
        );
        const found = toFloat64(arrayOf(draft, 'linear.inversion'));
        const expected = toFloat64(feeds.x);
        const spread = Math.max(...expected) - Math.min(...expected);
        for (const [i, number] of found.entries()) {
          assert.ok(Math.abs(number - expected[i]!) < 1e-3 * spread, `${range}: ${i}`);
        }
        assert.ok(draft.metrics['relativeError']! < 1e-3);
        assert.ok(draft.metrics['inputDistance']! < 1e-3);
      }
    },
  );

  itHolds(
    93,
    'leaves a channel that the layer drops to the priors: to its start without any, to the middle with the α-norm, flat with total variation',
    async () => {
      // 1 × 1 convolution of channels 0 and 1 only; two images of 3 × 5 × 5, seed 4.
      const data = { model: droppingModel(), feeds: { x: normalTensor(createRandom(4), [2, 3, 5, 5]) } };
      const free = async (settings: object): Promise<{ draft: ReportDraft; z: number[] }> => {
        const draft = await runAnalysisOn(invertRepresentation, data, {
          steps: 400,
          alphaWeight: 0,
          variationWeight: 0,
          ...settings,
        });
        return { draft, z: freeChannel(draft, data.feeds.x) };
      };
      const none = await free({});
      const start = createRandom(0);
      const noise = Array.from({ length: 150 }, () => Math.fround(0.1 * start.normal()));
      const expected = noise.filter((_, i) => Math.floor(i / 25) % 3 === 2);
      for (const [i, z] of none.z.entries()) {
        assert.ok(Math.abs(z - expected[i]!) < 1e-6, `no prior: ${z} at ${i}`);
      }
      const small = await free({ alphaWeight: 0.1, alpha: 2 });
      for (const z of small.z) assert.ok(Math.abs(z) < 0.01, `α-norm: ${z}`);
      const flat = await free({ variationWeight: 0.1 });
      for (const image of [flat.z.slice(0, 25), flat.z.slice(25)]) {
        assert.ok(Math.max(...image) - Math.min(...image) < 0.02, 'total variation');
      }
      for (const { draft } of [none, small, flat]) assert.ok(draft.metrics['relativeError']! < 0.05);
      assert.ok(none.draft.metrics['relativeError']! < 1e-3);
    },
  );

  it('measures errors, distances and objective by their definitions', async () => {
    const feeds = { x: normalTensor(createRandom(6), [2, size]) };
    const data = { model: invertibleModel(), feeds };
    const draft = await runAnalysisOn(invertRepresentation, data, {
      steps: 3,
      range: 'free',
      alpha: 4,
      alphaWeight: 0.3,
    });
    const [found, x] = [toFloat64(arrayOf(draft, 'linear.inversion')), toFloat64(feeds.x)];
    const [low, high] = [Math.min(...x), Math.max(...x)];
    const half = (high - low) / 2;
    for (const row of [0, 1]) {
      const rowOf = (numbers: Float64Array): Float64Array => numbers.subarray(row * size, (row + 1) * size);
      const [y, y0] = [applyInvertible(rowOf(found)), applyInvertible(rowOf(x))];
      const norm = (numbers: readonly number[]): number =>
        Math.sqrt(numbers.reduce((sum, each) => sum + each ** 2, 0));
      const error = norm(y.map((each, i) => each - y0[i]!)) / norm(y0);
      near(toFloat64(arrayOf(draft, 'linear.relativeError'))[row]!, error, 1e-5);
      const distance =
        norm([...rowOf(found)].map((each, i) => each - rowOf(x)[i]!)) / Math.sqrt(size) / (2 * half);
      near(toFloat64(arrayOf(draft, 'linear.inputDistance'))[row]!, distance, 1e-5);
      const alpha =
        [...rowOf(found)].reduce((sum, each) => sum + Math.abs((each - (low + high) / 2) / half) ** 4, 0) /
        size;
      near(toFloat64(arrayOf(draft, 'linear.objective'))[3 * 2 + row]!, error ** 2 + 0.3 * alpha, 1e-5);
    }
    assert.deepEqual(arrayOf(draft, 'linear.objective').dims, [4, 2]);
  });

  it('keeps what it finds in the range of the samples, unless told otherwise', async () => {
    const feeds = { x: normalTensor(createRandom(4), [2, 3, 5, 5]) };
    const data = { model: droppingModel(), feeds };
    const settings = { steps: 3, learningRate: 2, alphaWeight: 0, variationWeight: 0 };
    const inside = await runAnalysisOn(invertRepresentation, data, settings);
    const free = await runAnalysisOn(invertRepresentation, data, { ...settings, range: 'free' });
    const x = toFloat64(feeds.x);
    const isOutside = (draft: ReportDraft): boolean =>
      [...toFloat64(arrayOf(draft, 'mix.inversion'))].some((number, i) => {
        const channel = [...x].filter((_, j) => Math.floor(j / 25) % 3 === Math.floor(i / 25) % 3);
        return number < Math.min(...channel) - 1e-6 || number > Math.max(...channel) + 1e-6;
      });
    assert.equal(isOutside(inside), false);
    assert.equal(isOutside(free), true);
  });

  it('knows less of the input behind deeper layers of a network, and pictures each beside the original', async () => {
    const feeds = { x: normalTensor(createRandom(9), [2, 3, 8, 8]) };
    const draft = await runAnalysisOn(
      invertRepresentation,
      { model: imageModel(), feeds },
      { layers: 'conv,relu', steps: 300 },
    );
    const distances = ['conv', 'relu'].map(
      (layer) => toFloat64(arrayOf(draft, `${layer}.inputDistance`))[0]!,
    );
    assert.ok(distances[0]! < distances[1]!, distances.join());
    const grid = draft.blocks.find(({ type }) => type === 'image-grid');
    assert.ok(grid?.type === 'image-grid');
    assert.deepEqual(
      grid.images.map(({ caption }) => caption?.split(' · ').slice(0, 2).join(' ')),
      ['0 original', '0 from conv', '0 from relu', '1 original', '1 from conv', '1 from relu'],
    );
  });

  it('inverts chosen samples, with momentum too', async () => {
    const feeds = { x: normalTensor(createRandom(2), [5, size]) };
    const data = { model: invertibleModel(), feeds };
    const settings = { steps: 300, optimizer: 'momentum', alphaWeight: 0, range: 'free' };
    const draft = await runAnalysisOn(invertRepresentation, data, { ...settings, samples: '3,1' });
    const found = toFloat64(arrayOf(draft, 'linear.inversion'));
    const x = toFloat64(feeds.x);
    const expected = [...x.subarray(3 * size, 4 * size), ...x.subarray(size, 2 * size)];
    for (const [i, number] of found.entries()) near(number, expected[i]!, 0.01);
    assert.equal(draft.usedCount, 2);
  });

  it('spreads its layers over the depth where none are named', async () => {
    const model = denseModel([size, 8, 8, 8, 8, 3]);
    const feeds = { x: normalTensor(createRandom(1), [2, size]) };
    const draft = await runAnalysisOn(invertRepresentation, { model, feeds }, { steps: 2 });
    const layers = Object.keys(draft.arrays).filter((name) => name.endsWith('.inversion'));
    assert.equal(layers.length, 5);
    assert.equal(layers[0], 'fc1.inversion');
    assert.equal(layers[4], 'fc5.inversion');
    assert.match(draft.warnings.join(), /Total variation was left out/);
  });

  it('says when a layer is silent, and when the descent has not arrived', async () => {
    const feeds = { x: float32Tensor(new Float32Array(12).fill(-1), [2, 6]) };
    const builder = new GraphBuilder(emptyModel());
    const x = builder.addInput('x', floatType('N', 6));
    builder.addOutput(builder.node('Relu', [x], { name: '/act/Relu' }), floatType('N', 6));
    const silent = await runAnalysisOn(
      invertRepresentation,
      { model: builder.build(), feeds },
      { steps: 2, layers: 'act' },
    );
    assert.match(silent.findings[0]!.message, /2 of 2 samples are represented by zeros/);
    const data = { model: invertibleModel(), feeds: { x: normalTensor(createRandom(2), [3, size]) } };
    const early = await runAnalysisOn(invertRepresentation, data, { steps: 1 });
    assert.match(early.findings[0]!.message, /After 1 steps the representation is still \d+ % off/);
  });

  it('shows its trajectory while it runs, and stops when it is cancelled', async () => {
    const controller = new AbortController();
    const data = { model: invertibleModel(), feeds: { x: normalTensor(createRandom(2), [3, size]) } };
    let fraction = 0;
    const running = runAnalysisOn(
      invertRepresentation,
      data,
      { steps: 1000 },
      {
        signal: controller.signal,
        progress: ({ fractionDone }) => {
          fraction = fractionDone;
          if (fractionDone > 0.01) controller.abort();
        },
      },
    );
    await assert.rejects(running, Cancelled);
    assert.ok(fraction > 0.01 && fraction < 0.02);
  });

  it('refuses what cannot be inverted, naming it', async () => {
    const feeds = { x: normalTensor(createRandom(2), [3, size]) };
    const run = (model: Model, settings: object, given: object = feeds): Promise<ReportDraft> =>
      runAnalysisOn(invertRepresentation, { model, feeds: given as typeof feeds }, { steps: 1, ...settings });
    await assert.rejects(run(invertibleModel(), { samples: '7' }), isCode('no-such-sample'));
    await assert.rejects(run(invertibleModel(), { layers: 'linear[2]' }), isCode('layer-not-invertible'));
    await assert.rejects(run(invertibleModel(), { layers: 'nowhere' }), isCode('unknown-layer'));
    const nan = { x: float32Tensor(new Float32Array(6).fill(NaN), [1, 6]) };
    await assert.rejects(run(invertibleModel(), {}, nan), isCode('input-not-finite'));
    const builder = new GraphBuilder(emptyModel());
    const ids = builder.addInput('ids', { kind: 'tensor', elementType: 'int64', shape: ['N', 4] });
    const table = builder.constant(normalTensor(createRandom(1), [10, 3]), 'embedding.weight');
    builder.addOutput(builder.node('Gather', [table, ids]), floatType('N', 4, 3));
    await assert.rejects(
      run(builder.build(), {}, { ids: int64Tensor([1, 2, 3, 4], [1, 4]) }),
      isCode('nothing-to-move'),
    );
  });
});

/** y = x · (Q₁ · diag · Q₂), rotations in planes with stretches of 0.6 to 1.4 between. */
function invertibleMatrix(): Float64Array {
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * size + i] = 0.6 + (0.8 * i) / (size - 1);
  const random = createRandom(11);
  for (let turn = 0; turn < 12; turn++) {
    const [a, b] = random.permutation(size);
    const angle = 2 * Math.PI * random.next();
    for (let k = 0; k < size; k++) {
      // Rows and columns turn by turn: rotations on both sides.
      const at = (i: number): number => (turn % 2 === 0 ? i * size + k : k * size + i);
      const [p, q] = [matrix[at(a!)]!, matrix[at(b!)]!];
      matrix[at(a!)] = Math.cos(angle) * p - Math.sin(angle) * q;
      matrix[at(b!)] = Math.sin(angle) * p + Math.cos(angle) * q;
    }
  }
  return matrix;
}

function applyInvertible(x: Float64Array): number[] {
  const matrix = invertibleMatrix();
  return Array.from({ length: size }, (_, j) =>
    x.reduce((sum, each, i) => sum + each * matrix[i * size + j]!, 0),
  );
}

function invertibleModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', size));
  const weight = builder.constant(
    float32Tensor(Float32Array.from(invertibleMatrix()), [size, size]),
    'linear.weight',
  );
  const y = builder.node('MatMul', [x, weight], { name: '/linear/MatMul', outputs: ['y'] });
  builder.addOutput(y, floatType('N', size));
  return builder.build();
}

/** Two outputs of two of three channels: [[1, 0.5, 0], [−0.5, 1, 0]]. */
function droppingModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 3, 5, 5));
  const weight = builder.constant(float32Tensor([1, 0.5, 0, -0.5, 1, 0], [2, 3, 1, 1]), 'mix.weight');
  const y = builder.node('Conv', [x, weight], { name: '/mix/Conv', outputs: ['y'] });
  builder.addOutput(y, floatType('N', 2, 5, 5));
  return builder.build();
}

/** The dropped channel of what was found, in halves of its range from the middle. */
function freeChannel(draft: ReportDraft, x: ReturnType<typeof normalTensor>): number[] {
  const isFree = (_: number, i: number): boolean => Math.floor(i / 25) % 3 === 2;
  const range = toFloat64(x).filter(isFree);
  const [low, high] = [Math.min(...range), Math.max(...range)];
  return [...toFloat64(arrayOf(draft, 'mix.inversion')).filter(isFree)].map(
    (number) => (number - (low + high) / 2) / ((high - low) / 2),
  );
}

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, expected ${expected}`);
}

function isCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof UserError && error.code === code;
}
