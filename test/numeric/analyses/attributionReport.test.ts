import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pictureOf } from '../../../src/data/picture.js';
import { createRandom } from '../../../src/base/random.js';
import { UserError } from '../../../src/base/errors.js';
import { writeNpz } from '../../../src/data/npz.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { float32Tensor, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { firstProblem } from '../../../src/protocol/report.js';
import { denseModel, emptyModel, floatType, normalTensor } from '../../support/modelBuilder.js';
import { arrayOf, runAttribution } from '../../support/runAttribution.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { assertClose, elementwise, isCode, linearModel, range, sum } from '../../support/tensors.js';

const methodNames = ['gradient', 'input-x-gradient', 'integrated-gradients', 'occlusion'];

describe('attribution', function () {
  this.timeout(30_000);
  const random = createRandom(11);
  const weight = normalTensor(random, [5, 3]);
  const x = normalTensor(random, [4, 5]);

  describe('against a background', () => {
    const folder = useTemporaryFolder();

    it('averages over its rows, and adds up against their mean prediction', async () => {
      const background = normalTensor(createRandom(31), [3, 5]);
      const path = join(folder(), 'background.npz');
      await writeNpz(path, { x: background });
      const meanOf = (feature: number): number =>
        sum(3, (row) => background.data[row * 5 + feature] as number) / 3;
      const expected = elementwise(x, (xi, i) => (xi - meanOf(i % 5)) * (weight.data[(i % 5) * 3] as number));
      for (const method of ['integrated-gradients', 'occlusion']) {
        const settings = { method, target: '0', background: path };
        const draft = await runAttribution(linearModel(weight), { x }, settings);
        assertClose(arrayOf(draft, 'attribution'), expected, 2e-6);
        if (method === 'integrated-gradients') assert.ok(draft.metrics['maxCompletenessError']! < 1e-5);
      }
      const unread = { method: 'occlusion', background: join(folder(), 'none.npz') };
      await assert.rejects(runAttribution(linearModel(weight), { x }, unread), isCode('baseline-unreadable'));
    });
  });

  describe('of images', () => {
    const side = 7;
    const image = normalTensor(createRandom(21), [2, 1, side, side]);
    const pixelWeight = normalTensor(createRandom(22), [side * side, 1]);

    it('finds what each window is worth in a planted additive model, the cut ones too', async () => {
      const builder = new GraphBuilder(emptyModel());
      const input = builder.addInput('x', floatType('N', 1, side, side));
      // A 1×1 convolution that changes nothing says that axis 1 holds the channels.
      const same = builder.node('Conv', [input, builder.constant(float32Tensor([1], [1, 1, 1, 1]))]);
      const flat = builder.node('Reshape', [same, builder.int64s([-1, side * side])]);
      builder.addOutput(builder.node('MatMul', [flat, builder.constant(pixelWeight)]));
      const settings = { method: 'occlusion', window: '3', stride: '2', baseline: '0.5' };
      const draft = await runAttribution(builder.build(), { x: image }, settings, { batchSize: 5 });
      const expected = new Float32Array(image.data.length);
      for (let row = 0; row < 2; row++) {
        const drop: number[][] = Array.from({ length: side * side }, () => []);
        for (const top of [0, 2, 4]) {
          for (const left of [0, 2, 4]) {
            const covered = range(top, Math.min(side, top + 3)).flatMap((i) =>
              range(left, Math.min(side, left + 3)).map((j) => i * side + j),
            );
            const worth = covered.reduce(
              (total, p) =>
                total +
                (pixelWeight.data[p] as number) * ((image.data[row * side * side + p] as number) - 0.5),
              0,
            );
            for (const p of covered) drop[p]!.push(worth);
          }
        }
        for (const [p, drops] of drop.entries()) {
          expected[row * side * side + p] = sum(drops.length, (k) => drops[k]!) / drops.length;
        }
      }
      assertClose(arrayOf(draft, 'attribution'), float32Tensor(expected, image.dims), 1e-5);
    });

    it('weights a layer’s maps by the head after global average pooling, as class activation maps do', async () => {
      const builder = new GraphBuilder(emptyModel());
      const kernel = normalTensor(createRandom(23), [4, 1, 3, 3]);
      const head = normalTensor(createRandom(24), [4, 2]);
      const input = builder.addInput('x', floatType('N', 1, side, side));
      const conv = builder.node('Conv', [input, builder.constant(kernel, 'conv.weight')], {
        outputs: ['maps'],
        name: '/conv/Conv',
      });
      const pooled = builder.node('Flatten', [builder.node('GlobalAveragePool', [conv])]);
      builder.addOutput(builder.node('MatMul', [pooled, builder.constant(head, 'head.weight')]));
      builder.addOutput('maps');
      const draft = await runAttribution(
        builder.build(),
        { x: image },
        { method: 'grad-cam', target: '1', relu: false, output: builder.build().graph.outputs[0]!.name },
      );
      const maps = await runAttribution(
        builder.build(),
        { x: image },
        { method: 'input-x-gradient', neuron: 'conv[0]', layer: 'conv' },
      );
      assert.equal(arrayOf(maps, 'attribution').dims.join(), '2,4,5,5');
      const map = toFloat64(arrayOf(draft, 'attribution'));
      assert.deepEqual(arrayOf(draft, 'attribution').dims, [2, 1, 5, 5]);
      for (let row = 0; row < 2; row++) {
        for (let i = 0; i < 5; i++) {
          for (let j = 0; j < 5; j++) {
            const value = sum(4, (c) => {
              const activation = sum(9, (k) => {
                const pixel = (i + Math.floor(k / 3)) * side + j + (k % 3);
                return (kernel.data[c * 9 + k] as number) * (image.data[row * side * side + pixel] as number);
              });
              return ((head.data[c * 2 + 1] as number) / 25) * activation;
            });
            assert.ok(Math.abs(map[row * 25 + i * 5 + j]! - value) < 1e-5);
          }
        }
      }
      assert.deepEqual(arrayOf(draft, 'attributionUpsampled').dims, [2, 1, side, side]);
    });

    it('draws PNG files of the right size that an image library reads back', async () => {
      const values = Float64Array.from([0, 1, 2, 3, 4, 5]);
      const picture = pictureOf({ width: 3, height: 2, channelCount: 1, values }, 'digit');
      const bytes = Buffer.from(picture.source.replace('data:image/png;base64,', ''), 'base64');
      const { default: sharp } = await import('sharp');
      const { data, info } = await sharp(bytes).greyscale().raw().toBuffer({ resolveWithObject: true });
      assert.deepEqual([info.width, info.height], [3, 2]);
      assert.deepEqual([...data.subarray(0, 6)], [0, 51, 102, 153, 204, 255]);
    });
  });

  describe('as a report', () => {
    it('stops at the first 16 rows by default and says so', async () => {
      const many = normalTensor(createRandom(2), [20, 5]);
      const draft = await runAttribution(linearModel(weight), { x: many }, { method: 'gradient' });
      assert.equal(arrayOf(draft, 'attribution').dims[0], 16);
      assert.match(draft.summary, /first 16 of 20 rows/);
      assert.equal(draft.usedCount, 16);
      assert.equal(draft.evidence['output']?.kind, 'sampled');
      const all = await runAttribution(
        linearModel(weight),
        { x: many },
        { method: 'gradient' },
        { limit: 20 },
      );
      assert.equal(arrayOf(all, 'attribution').dims[0], 20);
    });

    it('warns when the path is too coarse, when a row is its baseline, and when the prediction is wrong', async () => {
      const model = denseModel([5, 32, 3], 'Tanh', 4);
      const strong = elementwise(x, (value) => 4 * value);
      const coarse = await runAttribution(model, { x: strong }, { quadrature: 'left', steps: 2 });
      assert.ok(coarse.findings.some(({ message }) => message.includes('too coarsely')));
      const zeros = elementwise(x, () => 0);
      const same = await runAttribution(model, { x: zeros });
      assert.ok(same.findings.some(({ message }) => message.includes('equal their baseline')));
      const labels = [9, 9, 9, 9];
      const wrong = await runAttribution(model, { x }, {}, { labels });
      assert.ok(wrong.findings.some(({ message }) => message.includes('another class')));
    });

    it('tells mean scores below and above 0 apart by name, and leaves their colours to whoever draws', async () => {
      // With one row of ones, input × gradient is the column of the weight.
      const ones = elementwise(normalTensor(random, [1, 5]), () => 1);
      const draft = await runAttribution(
        linearModel(weight),
        { x: ones },
        { method: 'input-x-gradient', target: '1' },
      );
      const chart = draft.blocks.find(
        (block) => block.type === 'chart' && block.title === 'What x contributes most',
      );
      assert.ok(chart?.type === 'chart');
      const { values } = chart.spec['data'] as { readonly values: readonly Record<string, unknown>[] };
      const signs = new Map(values.map(({ element, sign }) => [element, sign]));
      for (let feature = 0; feature < 5; feature++) {
        const isBelow = (weight.data[feature * 3 + 1] as number) < 0;
        assert.equal(signs.get(`x[${feature}]`), isBelow ? 'below 0' : '0 or above');
      }
      assert.equal(new Set(signs.values()).size, 2, 'the weights were planted with both signs');
      assert.doesNotMatch(JSON.stringify(chart.spec), /#[0-9a-f]{6}/i);
    });

    it('has only valid blocks, whatever the method', async () => {
      for (const method of methodNames) {
        const draft = await runAttribution(linearModel(weight), { x }, { method });
        assert.equal(problemWith(draft.blocks), undefined);
      }
    });

    it('refuses settings that the method cannot follow, and places that are not there', async () => {
      const model = denseModel([5, 4, 3], 'Relu');
      const run = (settings: Record<string, unknown>) => runAttribution(model, { x }, settings);
      await assert.rejects(run({ method: 'occlusion', layer: 'fc1' }), isCode('setting-not-used'));
      await assert.rejects(run({ method: 'gradient', window: '3' }), isCode('setting-not-used'));
      await assert.rejects(run({ layer: 'fc1', through: 'fc1[0]' }), isCode('settings-exclude'));
      await assert.rejects(run({ output: 'nothing' }), isCode('unknown-output'));
      await assert.rejects(run({ target: '3' }), isCode('unknown-target'));
      await assert.rejects(run({ quadrature: 'trapezoid', steps: 1 }), isCode('too-few-steps'));
      await assert.rejects(run({ method: 'grad-cam' }), isCode('no-positions'));
      await assert.rejects(run({ layer: 'nowhere' }), (error) => error instanceof UserError);
      await assert.rejects(run({ neuron: 'fc1[99]' }), (error) => error instanceof UserError);
    });

    it('reports progress that never goes back and ends at one', async () => {
      const seen: number[] = [];
      const progress = ({ fractionDone }: { fractionDone: number }): void => void seen.push(fractionDone);
      await runAttribution(linearModel(weight), { x }, {}, { progress, batchSize: 16 });
      assert.ok(seen.length > 5);
      for (let i = 1; i < seen.length; i++) assert.ok(seen[i]! >= seen[i - 1]!);
      assert.equal(seen.at(-1), 1);
    });
  });
});

/** Checks blocks alone, in an otherwise valid report. */
function problemWith(blocks: readonly unknown[]): string | undefined {
  return firstProblem({
    schemaVersion: 1,
    analysis: 'attribution',
    question: 'prediction',
    title: '',
    summary: '',
    status: 'complete',
    model: { path: '', name: '', sizeBytes: 0 },
    data: null,
    settings: {},
    seed: 0,
    provider: 'cpu',
    batchSize: 1,
    tool: { version: '', runtime: '' },
    createdAt: '',
    durationMs: 0,
    metrics: {},
    evidence: {},
    findings: [],
    arrays: {},
    blocks,
    papers: [],
    warnings: [],
  });
}
