import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { featureVisualization } from '../../../src/analyses/neuron/feature-visualization.js';
import type { VisualizationSettings } from '../../../src/analyses/neuron/visualization/settings.js';
import { Cancelled } from '../../../src/base/abort.js';
import { UserError } from '../../../src/base/errors.js';
import { createRandom } from '../../../src/base/random.js';
import { writeNpz } from '../../../src/data/npz.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import type { Feeds } from '../../../src/engine/runtime/session.js';
import type { Model } from '../../../src/onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { itHolds } from '../../support/papers.js';
import { arrayOf, attributionContext, type RunOptions } from '../../support/runAttribution.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

/** What a run of a test differs in. */
interface Given extends RunOptions {
  readonly model?: Model;
  readonly feeds?: Feeds;
}

// Pictures of 10 × 10 and a convolution of two 6 × 6 templates, a bar and a ring, with a rectifier behind it.
const [side, kernel] = [10, 6];

describe('feature-visualization', function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder('suite');
  const images = { x: normalTensor(createRandom(3), [40, 1, side, side], 0.5) };
  const run = (
    settings: Partial<VisualizationSettings>,
    { model = templateModel(), feeds = images, ...options }: Given = {},
  ): Promise<ReportDraft> => runAnalysisOn(featureVisualization, { model, feeds }, settings, options);

  itHolds(
    229,
    'finds the image of a planted template filter (cosine > 0.9) and excites it more than the best data-set example, with the priors as they are, by waves or by pixels',
    async () => {
      // 40 images of N(0, 0.25), seed 3; two starts a unit, noise of seed 0, 150 steps.
      const units = 'conv[0]@2,2,relu[1]@1,3';
      for (const parameterization of ['fourier', 'pixels'] as const) {
        const draft = await run({ units, parameterization });
        for (const [index, [name, y, x]] of (
          [
            ['conv[0]@2,2', 2, 2],
            ['relu[1]@1,3', 1, 3],
          ] as const
        ).entries()) {
          const found = arrayOf(draft, `${name}.visualization`);
          assert.deepEqual(found.dims, [2, 1, side, side]);
          for (const row of [0, 1]) {
            const patch = patchOf(found, { row, y, x });
            const likeness = cosine(patch, template(index));
            assert.ok(likeness > 0.9, `${parameterization} ${name}: ${likeness}`);
          }
          const best = Math.max(...images40(index, y, x));
          const reached = Math.min(...toFloat64(arrayOf(draft, `${name}.activation`)));
          assert.ok(reached > best, `${name}: ${reached}, best example ${best}`);
        }
        assert.equal(draft.metrics['exceedingCount'], 2);
      }
    },
  );

  itHolds(
    93,
    'finds a planted template with the α-norm and total variation (cosine > 0.9), above the best example',
    async () => {
      const settings = featureVisualization.rows.find(({ line }) => line === 93)?.settings ?? {};
      const numbers = Object.entries(settings).map(([key, text]) => [key, Number(text)] as const);
      const given = Object.fromEntries(
        numbers.map(([key, value]) => [key, Number.isNaN(value) ? settings[key] : value]),
      );
      const draft = await run({ ...given, units: 'conv[1]@2,2' });
      const found = arrayOf(draft, 'conv[1]@2,2.visualization');
      for (const row of [0, 1]) assert.ok(cosine(patchOf(found, { row, y: 2, x: 2 }), template(1)) > 0.9);
      assert.ok(draft.metrics['lowestRatio']! > 1);
    },
  );

  itHolds(
    229,
    'excites logits, directions and layers: what they weigh, the sum along the direction, the first singular vector',
    async () => {
      // Three logits of 8 features: orthogonal rows of length 1, 3 and 2, seed 5; nothing is bounded.
      const rows = orthogonalRows();
      const data = { model: denseOf(rows), feeds: { x: normalTensor(createRandom(6), [30, 8]) } };
      const path = join(folder(), 'direction.npz');
      await writeNpz(path, { concept: float32Tensor([1, 0, -1], [3]) });
      const logit = await run({ units: 'fc[2]', images: 1, range: 'free' }, data);
      const along = await run({ units: 'fc', direction: path, images: 1, range: 'free' }, data);
      const layer = await run({ units: 'fc', images: 1, range: 'free', alphaWeight: 4 }, data);
      const foundOf = (draft: ReportDraft, name: string): Float64Array =>
        toFloat64(arrayOf(draft, `${name}.visualization`));
      assert.ok(cosine(moved(foundOf(logit, 'fc[2]'), data.feeds.x), rows[2]!) > 0.99);
      const difference = rows[0]!.map((value, i) => value - rows[2]![i]!);
      assert.ok(cosine(moved(foundOf(along, 'fc along concept'), data.feeds.x), difference) > 0.99);
      assert.ok(Math.abs(cosine(moved(foundOf(layer, 'fc'), data.feeds.x), rows[1]!)) > 0.95);
    },
  );

  itHolds(
    229,
    'goes on from an earlier run, shows its trajectory, and stops when it is cancelled',
    async () => {
      const first = await run({ units: 'conv[0]@2,2', steps: 20, jitter: 1, rotation: 5, zoom: 0.1 });
      const path = join(folder(), 'start.npz');
      const name = 'conv[0]@2,2';
      await writeNpz(path, { start: arrayOf(first, `${name}.visualization`) });
      const reached = toFloat64(arrayOf(first, `${name}.activation`));
      for (const parameterization of ['fourier', 'pixels'] as const) {
        const again = await run({ units: name, steps: 5, start: path, parameterization });
        const trajectory = arrayOf(again, `${name}.trajectory`);
        assert.deepEqual(trajectory.dims, [6, 2]);
        // What is moved starts where the first run ended; waves of the ends of the range are cut at 0.99.
        for (const image of [0, 1]) {
          assert.ok(Math.abs(toFloat64(trajectory)[image]! / reached[image]! - 1) < 0.02, parameterization);
        }
        assert.ok(toFloat64(arrayOf(again, `${name}.activation`))[0]! > reached[0]!);
      }
      const controller = new AbortController();
      const progress = ({ fractionDone }: { fractionDone: number }): void => {
        if (fractionDone > 0.01) controller.abort();
      };
      const cancelled = run({ steps: 1000 }, { progress, signal: controller.signal });
      await assert.rejects(cancelled, Cancelled);
    },
  );

  describe('priors', () => {
    const unit = 'conv[0]@2,2';
    const options = { units: unit, images: 1, parameterization: 'pixels', alphaWeight: 0.5 } as const;
    let plain: Float64Array;
    const zOf = async (settings: Partial<VisualizationSettings>): Promise<Float64Array> =>
      moved(toFloat64(arrayOf(await run({ ...options, ...settings }), `${unit}.visualization`)), images.x);
    before(async () => {
      plain = await zOf({});
    });

    itHolds(229, 'has L2 decay whose optimum is the template over 2 λ, by its closed form', async () => {
      // d/dz (half · t · z / a₀ − λ mean z²) = 0 at z = n · half · t / (2 λ a₀), n = 100 elements.
      const [alphaWeight, [low, high]] = [4, ends(images.x)];
      const z = await zOf({ alphaWeight, range: 'free', steps: 400, learningRate: 0.1 });
      const best = Math.max(...images40(0, 2, 2));
      const expected = patched(template(0)).map(
        (t) => (100 * ((high - low) / 2) * t) / (2 * alphaWeight * best),
      );
      for (const [i, value] of z.entries()) {
        assert.ok(Math.abs(value - expected[i]!) < 0.01, `${i}: ${value}`);
      }
    });

    itHolds(229, 'has blur and total variation, under which neighbours are more alike', async () => {
      const rough = roughness(plain);
      for (const settings of [{ blur: 0.7 }, { variationWeight: 5 }]) {
        const smooth = roughness(await zOf(settings));
        assert.ok(smooth < 0.7 * rough, `${JSON.stringify(settings)}: ${smooth} of ${rough}`);
      }
    });

    itHolds(229, 'has a centre bias, under which the border fades', async () => {
      const borderOf = (z: Float64Array): number =>
        z.reduce((sum, value, at) => sum + (isBorder(at) ? value ** 2 : 0), 0) /
        z.reduce((s, v) => s + v ** 2, 0);
      // The bar of the second unit reaches the border, seen from position 0, 2.
      const atBorder = { units: 'conv[1]@0,2' };
      const z = async (centre: number): Promise<Float64Array> => {
        const draft = await run({ ...options, ...atBorder, centre });
        return moved(toFloat64(arrayOf(draft, 'conv[1]@0,2.visualization')), images.x);
      };
      const [free, faded] = [await z(0), await z(0.2)];
      assert.ok(borderOf(faded) < 0.3 * borderOf(free), `${borderOf(faded)} of ${borderOf(free)}`);
    });

    itHolds(
      229,
      'has jitter, rotation and zoom, under which less is lost when the input is moved',
      async () => {
        const lossOf = (z: Float64Array): number => {
          const at = (dx: number): number => dot(patchOfZ(z, 2, 2 + dx), template(0));
          return 1 - (at(1) + at(-1)) / 2 / at(0);
        };
        const [fixed, loose] = [lossOf(plain), lossOf(await zOf({ jitter: 2 }))];
        assert.ok(loose < 0.7 * fixed, `${loose} of ${fixed}`);
        const turned = await run({ ...options, rotation: 30, zoom: 0.2 });
        assert.ok(
          cosine(patchOf(arrayOf(turned, `${unit}.visualization`), { row: 0, y: 2, x: 2 }), template(0)) >
            0.6,
        );
      },
    );
  });

  it('compares with noise and takes the range from settings where there are no data', async () => {
    const context = { ...attributionContext(templateModel(), images), data: undefined };
    const defaults = Object.entries(featureVisualization.settings).map(([key, { default: value }]) => [
      key,
      value,
    ]);
    const settings: Record<string, unknown> = {
      ...(Object.fromEntries(defaults) as Record<string, unknown>),
      units: 'conv[0]@2,2',
      low: 0,
      high: 3,
      steps: 30,
    };
    const draft = await featureVisualization.run(context, settings as unknown as VisualizationSettings);
    const found = toFloat64(arrayOf(draft, 'conv[0]@2,2.visualization'));
    assert.ok(Math.min(...found) >= 0 && Math.max(...found) <= 3 && Math.max(...found) > 2);
    assert.equal(draft.evidence['sampleCount']?.kind, 'not-captured');
    assert.match(draft.warnings.join(), /No data were given: the input is taken to reach from 0 to 3/);
  });

  it('shows pictures of what was found beside the best sample, all in one scale', async () => {
    const draft = await run({ units: 'conv[0]', steps: 3 });
    const grid = draft.blocks.find(({ type }) => type === 'image-grid');
    assert.ok(grid?.type === 'image-grid');
    assert.match(grid.title ?? '', /^What excites /);
    const captions = grid.images.map(({ caption }) => caption?.split(' · ')[1]);
    assert.match(captions.join('; '), /^found 1; found 2; best of 40 samples: \d+$/);
  });

  it('says when a unit never wakes, and when the ascent has not arrived', async () => {
    const dead = await run({ units: 'relu[0]', steps: 3 }, { model: templateModel(-1000) });
    assert.match(dead.findings[0]!.message, /relu\[0\] is 0 wherever the ascent went/);
    const early = await run({ units: 'conv[0]@2,2', steps: 1 });
    assert.match(early.findings[0]!.message, /After 1 steps conv\[0\]@2,2 is excited to .* best sample/);
  });

  it('refuses what it cannot excite, naming it', async () => {
    const refuses = (
      settings: Partial<VisualizationSettings>,
      code: string,
      given: Given = {},
    ): Promise<void> =>
      assert.rejects(
        run({ steps: 1, ...settings }, given),
        (error) => error instanceof UserError && error.code === code,
      );
    await refuses({ units: 'nowhere[0]' }, 'unknown-layer');
    await refuses({ low: 3, high: 3 }, 'range-empty');
    await refuses({ low: 30 }, 'range-empty');
    await refuses({ start: join(folder(), 'none.npy') }, 'start-unreadable');
    await refuses({ direction: join(folder(), 'none.npy') }, 'direction-unreadable');
    const path = join(folder(), 'wrong.npz');
    await writeNpz(path, { wrong: float32Tensor([1, 2, 3], [1, 3]) });
    await refuses({ units: 'conv', direction: path }, 'direction-unreadable');
    await refuses({ start: path }, 'start-unreadable');
    const nan = { x: float32Tensor(new Float32Array(100).fill(NaN), [1, 1, side, side]) };
    await refuses({}, 'input-not-finite', { feeds: nan });
    await refuses({}, 'nothing-to-move', {
      model: embeddingModel(),
      feeds: { ids: int64Tensor([1, 2], [1, 2]) },
    });
  });

  /** What a unit of the convolution says to each image at a position. */
  function images40(index: number, y: number, x: number): number[] {
    return Array.from({ length: 40 }, (_, row) => dot(patchOf(images.x, { row, y, x }), template(index)));
  }
});

/** A slanted bar, and a ring around a dark middle. */
function template(index: number): Float64Array {
  return Float64Array.from({ length: kernel * kernel }, (_, at) => {
    const [y, x] = [Math.floor(at / kernel) - 2.5, (at % kernel) - 2.5];
    if (index === 0) return Math.abs(y - x / 2) < 1 ? 0.8 : -0.4;
    return Math.abs(Math.hypot(y, x) - 2.3) < 0.8 ? 0.6 : -0.6;
  });
}

function templateModel(bias = 0): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 1, side, side));
  const numbers = Float32Array.from([...template(0), ...template(1)]);
  const weight = builder.constant(float32Tensor(numbers, [2, 1, kernel, kernel]), 'conv.weight');
  const offsets = builder.constant(float32Tensor([bias, bias], [2]), 'conv.bias');
  const conv = builder.node('Conv', [x, weight, offsets], { name: '/conv/Conv' });
  const relu = builder.node('Relu', [conv], { name: '/relu/Relu' });
  builder.addOutput(relu, floatType('N', 2, side - kernel + 1, side - kernel + 1));
  return builder.build();
}

/** Three orthogonal rows of length 1, 3 and 2. */
function orthogonalRows(): Float64Array[] {
  const numbers = toFloat64(normalTensor(createRandom(5), [3, 8]));
  const rows: Float64Array[] = [];
  for (const [index, length] of [1, 3, 2].entries()) {
    let row = numbers.slice(index * 8, (index + 1) * 8);
    for (const other of rows) {
      const share = dot(row, other) / dot(other, other);
      row = row.map((value, i) => value - share * other[i]!);
    }
    const norm = Math.sqrt(dot(row, row));
    rows.push(row.map((value) => (length * value) / norm));
  }
  return rows;
}

function denseOf(rows: readonly Float64Array[]): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 8));
  const weight = builder.constant(
    float32Tensor(Float32Array.from(rows.flatMap((row) => [...row])), [3, 8]),
    'fc.weight',
  );
  const y = builder.node('Gemm', [x, weight], { name: '/fc/Gemm', attributes: { transB: 1 } });
  builder.addOutput(y, floatType('N', 3));
  return builder.build();
}

function embeddingModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const ids = builder.addInput('ids', { kind: 'tensor', elementType: 'int64', shape: ['N', 2] });
  const table = builder.constant(normalTensor(createRandom(1), [10, 3]), 'embedding.weight');
  builder.addOutput(builder.node('Gather', [table, ids]), floatType('N', 2, 3));
  return builder.build();
}

function ends(value: TensorValue): [number, number] {
  const numbers = toFloat64(value);
  return [Math.min(...numbers), Math.max(...numbers)];
}

/** Inputs as z: from the middle of the data's range, in halves of it. */
function moved(values: Float64Array, data: TensorValue): Float64Array {
  const [low, high] = ends(data);
  return values.map((value) => (value - (low + high) / 2) / ((high - low) / 2));
}

function patchOf(value: TensorValue, { row, y, x }: { row: number; y: number; x: number }): Float64Array {
  return patchOfZ(toFloat64(value).subarray(row * side * side, (row + 1) * side * side), y, x);
}

function patchOfZ(picture: Float64Array, y: number, x: number): Float64Array {
  return Float64Array.from(
    { length: kernel * kernel },
    (_, at) => picture[(y + Math.floor(at / kernel)) * side + x + (at % kernel)]!,
  );
}

/** A template as a picture, at position 2, 2. */
function patched(patch: Float64Array): Float64Array {
  return Float64Array.from({ length: side * side }, (_, at) => {
    const [y, x] = [Math.floor(at / side) - 2, (at % side) - 2];
    return y < 0 || x < 0 || y >= kernel || x >= kernel ? 0 : patch[y * kernel + x]!;
  });
}

function isBorder(at: number): boolean {
  const [y, x] = [Math.floor(at / side), at % side];
  return Math.min(y, x, side - 1 - y, side - 1 - x) < 2;
}

/** Mean squared difference to the right neighbour over the mean square. */
function roughness(z: Float64Array): number {
  const steps = [...z].flatMap((value, at) => (at % side === side - 1 ? [] : [(z[at + 1]! - value) ** 2]));
  return steps.reduce((sum, step) => sum + step, 0) / z.reduce((sum, value) => sum + value ** 2, 0);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
