import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ReportDraft } from '../../../src/analyses/analysis.js';
import { networkDissection } from '../../../src/analyses/neuron/network-dissection.js';
import { UserError } from '../../../src/base/errors.js';
import { writeNpz } from '../../../src/data/npz.js';
import { GraphBuilder } from '../../../src/engine/graph/graphBuilder.js';
import { createRuntime } from '../../../src/engine/runtime/ortRuntime.js';
import { type TensorValue, toFloat64 } from '../../../src/onnx/tensorValue.js';
import { denseModel, normalTensor } from '../../support/modelBuilder.js';
import { createRandom } from '../../../src/base/random.js';
import { rowsOf } from '../../support/memoryDataset.js';
import { itHolds } from '../../support/papers.js';
import { colourModel, colourScenes, plantedColours, sceneSide } from '../../support/plantedConcepts.js';
import { arrayOf } from '../../support/runAttribution.js';
import { runAnalysisOn } from '../../support/runAnalysisOn.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

const sampleCount = 40;
const names = [...plantedColours, 'nothing'];

describe('network-dissection', function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();
  const model = colourModel();
  const scenes = colourScenes(sampleCount);
  const data = { model, feeds: { x: scenes.x } };
  let fileCount = 0;

  async function maskFile(masks: Readonly<Record<string, TensorValue>> = scenes.masks): Promise<string> {
    const path = join(folder(), `masks${String(fileCount++)}.npz`);
    await writeNpz(path, masks);
    return path;
  }

  async function dissect(
    settings: object,
    options: { readonly batchSize?: number } = {},
  ): Promise<ReportDraft> {
    return runAnalysisOn(networkDissection, data, { concepts: await maskFile(), ...settings }, options);
  }

  itHolds(
    93,
    'finds planted colour units: each has its best IoU with the masks of its own colour, equal to a recount pixel by pixel',
    async () => {
      // 40 scenes of 16 × 16 pixels, seed 1, maps of 8 × 8; about 3 % of the pixels show each colour.
      const maps = await unitMaps();
      for (const quantile of [0.005, 0.03, 0.1]) {
        const draft = await dissect({ quantile });
        const ious = toFloat64(arrayOf(draft, 'colours.act.iou'));
        const expected = bruteIous(maps, quantile);
        // Counts of pixels are whole numbers: equal but for the division.
        for (const [i, iou] of ious.entries()) {
          assert.ok(Math.abs(iou - expected[i]!) < 1e-12, `${quantile}: ${i}`);
        }
        const best = toFloat64(arrayOf(draft, 'colours.act.bestConcept'));
        assert.deepEqual([...best.subarray(0, 3)], [0, 1, 2], `quantile ${quantile}`);
      }
      const draft = await dissect({ quantile: 0.03 });
      const ious = toFloat64(arrayOf(draft, 'colours.act.iou'));
      for (const unit of [0, 1, 2]) {
        const row = ious.subarray(unit * 4, unit * 4 + 4);
        // The maps are half as fine as the masks, which costs the edges.
        assert.ok(row[unit]! > 0.4, `unit ${unit}: ${row[unit]!}`);
        for (const [concept, iou] of row.entries()) if (concept !== unit) assert.ok(iou < row[unit]! / 5);
      }
      assert.equal(draft.metrics['uniqueDetectorCount'], 3);
    },
  );

  it('takes the largest activations over all samples for its thresholds', async () => {
    const maps = await unitMaps();
    const draft = await dissect({ quantile: 0.01 });
    const thresholds = toFloat64(arrayOf(draft, 'colours.act.threshold'));
    for (const [unit, threshold] of thresholds.entries()) {
      const all = maps.flatMap((sample) => sample[unit]!).sort((a, b) => b - a);
      assert.equal(threshold, all[Math.floor(0.01 * all.length)]);
    }
  });

  it('gives the same at any batch size', async () => {
    const drafts = await Promise.all(
      [1, 7, 64].map((batchSize) => dissect({ quantile: 0.03 }, { batchSize })),
    );
    const [first] = drafts;
    for (const draft of drafts) {
      assert.deepEqual(draft.metrics, first!.metrics);
      assert.deepEqual(draft.arrays, first!.arrays);
      assert.deepEqual(draft.blocks, first!.blocks);
    }
  });

  it('reads one array of class numbers as the masks of its classes', async () => {
    const classes = new Uint8Array(sampleCount * sceneSide * sceneSide);
    for (const [index, colour] of plantedColours.entries()) {
      toFloat64(scenes.masks[colour]!).forEach((value, i) => {
        if (value === 1) classes[i] = index + 1;
      });
    }
    const dims = [sampleCount, sceneSide, sceneSide];
    const concepts = await maskFile({ segmentation: { dtype: 'uint8', dims, data: classes } });
    const draft = await runAnalysisOn(networkDissection, data, {
      concepts,
      conceptNames: 'red, green,blue',
      quantile: 0.03,
    });
    const masks = { ...scenes.masks };
    delete masks['nothing'];
    const separate = await dissect({ concepts: await maskFile(masks), quantile: 0.03 });
    assert.deepEqual(draft.arrays, separate.arrays);
    assert.deepEqual(draft.blocks, separate.blocks);
  });

  it('says when units overlap no better than chance, the bar being low for the areas', async () => {
    // Above its threshold at 45 % of the positions, a unit overlaps with a third of them at random by about a quarter.
    const noise = { model, feeds: { x: normalTensor(createRandom(8), [60, 3, sceneSide, sceneSide]) } };
    const labels = Array.from({ length: 60 }, (_, i) => i % 3);
    const draft = await runAnalysisOn(networkDissection, noise, { quantile: 0.45 }, { labels });
    assert.match(draft.findings[0]!.message, /4 of 4 detectors overlap .* less than twice as well/);
    const table = draft.blocks.find(({ title }) => title === 'Units and their concepts');
    assert.ok(table?.type === 'table');
    for (const { iou, chance, area } of table.rows) {
      const expected = Number(area) / 3 / (Number(area) + 1 / 3 - Number(area) / 3);
      assert.ok(Math.abs(Number(chance) - expected) < 1e-12);
      assert.ok(Math.abs(Number(iou) - expected) < 0.05);
    }
  });

  it('takes classes of the data, or masks of whole samples, as marked everywhere', async () => {
    const { labels } = scenes;
    const settings = { quantile: 0.2 };
    const byLabel = await runAnalysisOn(networkDissection, data, settings, { labels });
    const whole = plantedColours.map((name, colour) => {
      const flags = Uint8Array.from(labels, (label) => (label === colour ? 1 : 0));
      return [name, { dtype: 'uint8', dims: [sampleCount], data: flags }] as const;
    });
    const byMask = await dissect({ ...settings, concepts: await maskFile(Object.fromEntries(whole)) });
    assert.deepEqual(arrayOf(byLabel, 'colours.act.iou'), arrayOf(byMask, 'colours.act.iou'));
    assert.match(byLabel.warnings.join(' '), /class of the data stands for a concept/);
    assert.match(byLabel.summary, /for class [012] /);
  });

  it('dissects dense layers, whose units have no positions', async () => {
    const feeds = { x: normalTensor(createRandom(5), [30, 6]) };
    const labels = Array.from({ length: 30 }, (_, i) => i % 3);
    const draft = await runAnalysisOn(
      networkDissection,
      { model: denseModel([6, 8, 3]), feeds },
      { quantile: 0.1 },
      { labels },
    );
    // Three of thirty activations are above; the union with ten samples of a class has 13 − shared.
    const ious = toFloat64(arrayOf(draft, 'act1.iou'));
    for (const iou of ious) {
      assert.ok(
        [0, 1 / 12, 2 / 11, 3 / 10].some((each) => Math.abs(each - iou) < 1e-12),
        `${iou}`,
      );
    }
  });

  it('reads maps whose channels come last', async () => {
    const builder = new GraphBuilder(model);
    const last = builder.node('Transpose', ['maps'], { attributes: { perm: [0, 2, 3, 1] } });
    const relu = builder.node('Relu', [last], { name: '/last/Relu' });
    builder.setOutputs([relu]);
    const turned = { ...data, model: builder.build() };
    const draft = await runAnalysisOn(networkDissection, turned, {
      concepts: await maskFile(),
      layer: 'last',
      quantile: 0.03,
    });
    const straight = await dissect({ quantile: 0.03 });
    assert.deepEqual(arrayOf(draft, 'last.iou').data, arrayOf(straight, 'colours.act.iou').data);
  });

  it('shows the best detectors over their samples, each where it is above its threshold', async () => {
    const draft = await dissect({ quantile: 0.01, topExamples: 2 });
    const overlay = draft.blocks.find(({ type }) => type === 'overlay');
    assert.ok(overlay?.type === 'overlay');
    assert.equal(overlay.items.length % 2, 0);
    const maps = await unitMaps();
    const best = maps
      .map((sample, index) => ({ index, value: Math.max(...sample[0]!) }))
      .sort((a, b) => b.value - a.value)[0]!;
    const item = overlay.items.find(({ caption }) => caption.startsWith('colours.act[0] · red'))!;
    assert.ok(item.caption.endsWith(` · ${best.index}`), item.caption);
    assert.ok(item.base !== undefined);
    const red = toFloat64(rowsOf(scenes.masks['red']!, best.index, best.index + 1));
    const shown = item.values.flatMap((value, pixel) => (Number(value) > 0 ? [pixel] : []));
    assert.ok(shown.length > 0);
    assert.ok(shown.filter((pixel) => red[pixel] === 1).length > 0.8 * shown.length);
  });

  it('says when concepts are too large for the quantile, absent, or nothing can be above a threshold', async () => {
    const { labels } = scenes;
    const whole = await runAnalysisOn(networkDissection, data, {}, { labels });
    assert.match(whole.findings[0]!.message, /3 of 3 concepts cover more than 12\.5 %/);
    const none = { dtype: 'bool', dims: [sampleCount], data: new Uint8Array(sampleCount) } as const;
    const absent = await dissect({ concepts: await maskFile({ ...scenes.masks, none }) });
    assert.match(absent.findings.map(({ message }) => message).join(), /1 of 5 concepts are on none/);
    const few = { model: denseModel([6, 8, 3]), feeds: { x: normalTensor(createRandom(5), [8, 6]) } };
    const draft = await runAnalysisOn(networkDissection, few, {}, { labels: [0, 1, 0, 1, 0, 1, 0, 1] });
    assert.match(draft.findings[0]!.message, /8 activations here, and 0\.5 % of that is less than one/);
    assert.equal(draft.metrics['bestIou'], 0);
  });

  it('refuses masks that do not fit, naming array, sample and value', async () => {
    const { red, green } = scenes.masks;
    const cut = rowsOf(red!, 0, 3);
    const bad = Uint8Array.from(toFloat64(green!));
    bad[7 * sceneSide * sceneSide] = 3;
    const small = { ...red!, dims: [sampleCount, 8, 32] };
    const flat = { ...red!, dims: [sampleCount, sceneSide * sceneSide] };
    const cases: readonly [object, Readonly<Record<string, TensorValue>>, RegExp][] = [
      [{}, { red: red!, cut }, /"cut" has shape \[3, 16, 16\], and there are 40 samples/],
      [{}, { red: red!, green: { ...green!, data: bad } }, /"green" holds 3 at sample 7\. .*0 and 1/],
      [{}, { red: red!, small }, /"small" has shape \[40, 8, 32\], and others have \[40, 16, 16\]/],
      [{}, { flat }, /"flat" has shape \[40, 256\].* is 8 × 8: give \[N, H, W\]/],
      [{ conceptNames: 'a,b' }, { red: red!, green: green! }, /conceptNames is for one array/],
      [{ conceptNames: 'a' }, { only: { ...green!, data: bad } }, /gives 1 names.*go up to 3/],
      [
        {},
        { only: { ...red!, dtype: 'float32', data: new Float32Array(red!.data.length).fill(0.5) } },
        /"only" holds 0\.5/,
      ],
      [{}, {}, /holds no array/],
    ];
    for (const [settings, masks, message] of cases) {
      const concepts = await maskFile(masks);
      await assert.rejects(dissect({ ...settings, concepts }), (error: Error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, message);
        return true;
      });
    }
    await assert.rejects(dissect({ concepts: join(folder(), 'missing.npz') }), isCode('concepts-unreadable'));
    await assert.rejects(runAnalysisOn(networkDissection, data), isCode('concepts-missing'));
    await assert.rejects(dissect({ layer: 'colours[1]' }), isCode('layer-is-unit'));
  });

  it('passes over activations that are NaN, and says so', async () => {
    const pixels = Float32Array.from(toFloat64(scenes.x));
    pixels[0] = NaN;
    const feeds = { x: { ...scenes.x, data: pixels } };
    const draft = await runAnalysisOn(networkDissection, { model, feeds }, { concepts: await maskFile() });
    assert.match(draft.findings[0]!.message, /activations are NaN/);
    assert.ok(Number.isFinite(draft.metrics['bestIou']));
  });

  /** Maps of the layer by sample and unit, from one plain run. */
  async function unitMaps(): Promise<number[][][]> {
    const builder = new GraphBuilder(model);
    builder.setOutputs(['maps']);
    const session = await createRuntime({ provider: 'cpu' }).open(builder.build());
    const { maps } = await session.run({ x: scenes.x });
    await session.close();
    const numbers = toFloat64(maps!);
    return Array.from({ length: sampleCount }, (_, sample) =>
      Array.from({ length: 4 }, (_, unit) => [
        ...numbers.subarray((sample * 4 + unit) * 64, (sample * 4 + unit + 1) * 64),
      ]),
    );
  }

  /** IoU pixel by pixel: maps of 8 × 8 read at the centres of 16 × 16 pixels. */
  function bruteIous(maps: readonly (readonly number[][])[], quantile: number): number[] {
    const masks = names.map((name) => toFloat64(scenes.masks[name]!));
    const at = (map: readonly number[], y: number, x: number): number => {
      const place = (pixel: number): [number, number, number] => {
        const position = Math.min(7, Math.max(0, (pixel + 0.5) / 2 - 0.5));
        const low = Math.floor(position);
        return [low, Math.min(7, low + 1), position - low];
      };
      const [[top, bottom, dy], [left, right, dx]] = [place(y), place(x)];
      const row = (line: number): number => map[line * 8 + left]! * (1 - dx) + map[line * 8 + right]! * dx;
      return row(top) * (1 - dy) + row(bottom) * dy;
    };
    return [0, 1, 2, 3].flatMap((unit) => {
      const sorted = maps.flatMap((sample) => sample[unit]!).sort((a, b) => b - a);
      const threshold = sorted[Math.floor(quantile * sorted.length)]!;
      return masks.map((mask) => {
        let both = 0;
        let either = 0;
        for (let sample = 0; sample < sampleCount; sample++) {
          for (let pixel = 0; pixel < sceneSide * sceneSide; pixel++) {
            const fires =
              at(maps[sample]![unit]!, Math.floor(pixel / sceneSide), pixel % sceneSide) > threshold;
            const shows = mask[sample * sceneSide * sceneSide + pixel] === 1;
            if (fires && shows) both++;
            if (fires || shows) either++;
          }
        }
        return both / either;
      });
    });
  }
});

function isCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof UserError && error.code === code;
}
