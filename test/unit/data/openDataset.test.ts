import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cancelled } from '../../../src/base/abort.js';
import { writeNpy } from '../../../src/data/npy.js';
import { writeNpz } from '../../../src/data/npz.js';
import { openDataset } from '../../../src/data/openDataset.js';
import { syntheticDataset } from '../../../src/data/synthetic.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../../src/onnx/tensorValue.js';
import type { DataSpec, InputSpec } from '../../../src/protocol/inspectFile.js';
import { dataModel, readAll } from '../../support/dataModel.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';

/** 0, 1, 2 … in a shape. */
function ramp(...dims: number[]): TensorValue {
  const count = dims.reduce((a, b) => a * b, 1);
  return float32Tensor(
    Float32Array.from({ length: count }, (_, i) => i),
    dims,
  );
}

describe('openDataset', () => {
  const folder = useTemporaryFolder();

  async function planted(arrays: Record<string, TensorValue>): Promise<string> {
    const path = join(folder(), 'data.npz');
    await writeNpz(path, arrays);
    return path;
  }

  function described(data: DataSpec): string {
    const path = join(folder(), 'data.inspect.json');
    writeFileSync(path, JSON.stringify({ version: 1, data }));
    return path;
  }

  async function openedWith(
    arrays: Record<string, TensorValue>,
    spec: InputSpec,
    shape: (number | string)[],
  ) {
    await planted(arrays);
    return openDataset(described({ path: 'data.npz', inputs: { x: spec } }), dataModel({ x: shape }));
  }

  describe('batches', () => {
    it('hold every sample once, the last batch being what is left', async () => {
      const path = await planted({ x: ramp(5, 2), labels: int64Tensor([0, 1, 2, 3, 4], [5]) });
      const batches = await readAll(await openDataset(path, dataModel({ x: ['N', 2] })), { batchSize: 2 });
      assert.deepEqual(
        batches.map(({ firstIndex }) => firstIndex),
        [0, 2, 4],
      );
      assert.deepEqual(
        batches.map(({ feeds }) => feeds['x']!.dims),
        [
          [2, 2],
          [2, 2],
          [1, 2],
        ],
      );
      assert.deepEqual(
        batches.flatMap(({ labels }) => labels),
        [0, 1, 2, 3, 4],
      );
      assert.deepEqual(
        batches.flatMap(({ feeds }) => feeds['x']!.values),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      );
    });

    it('stop at the limit and follow an order', async () => {
      const data = await openDataset(await planted({ x: ramp(5, 1) }), dataModel({ x: ['N', 1] }));
      const limited = await readAll(data, { batchSize: 2, limit: 3 });
      assert.deepEqual(
        limited.map(({ ids }) => ids),
        [['0', '1'], ['2']],
      );
      const [shuffled] = await readAll(data, { batchSize: 9, order: Uint32Array.of(3, 0, 4) });
      assert.deepEqual(shuffled!.feeds['x']!.values, [3, 0, 4]);
      assert.deepEqual(shuffled!.ids, ['3', '0', '4']);
    });

    it('have exactly the size that a fixed batch prescribes', async () => {
      const data = await openDataset(await planted({ x: ramp(5, 3) }), dataModel({ x: [2, 3] }));
      assert.equal(data.sampleCount, 4);
      assert.match(data.warnings.join(), /exactly 2 samples at a time: the last 1 of 5/);
      const batches = await readAll(data, { batchSize: 100, limit: 3 });
      assert.deepEqual(
        batches.map(({ feeds }) => feeds['x']!.dims),
        [
          [2, 3],
          [2, 3],
        ],
      );
      await assert.rejects(openDataset(await planted({ x: ramp(1, 3) }), dataModel({ x: [2, 3] })), {
        code: 'data-empty',
      });
    });

    it('end when the run is cancelled', async () => {
      const data = await openDataset(await planted({ x: ramp(5, 1) }), dataModel({ x: ['N', 1] }));
      const controller = new AbortController();
      await assert.rejects(async () => {
        for await (const batch of data.batches({ batchSize: 1 }, controller.signal)) {
          assert.equal(batch.firstIndex, 0);
          controller.abort();
        }
      }, Cancelled);
    });

    it('feed scalars and initial states whole', async () => {
      const model = dataModel(
        { input: ['batch', 2], state: [2, 'batch', 3], sr: [] },
        { types: { sr: 'int64' } },
      );
      const path = await planted({ input: ramp(4, 2), state: ramp(2, 1, 3), sr: int64Tensor([16000], []) });
      const batches = await readAll(await openDataset(path, model), { batchSize: 4 });
      assert.equal(batches.length, 4);
      assert.deepEqual(batches[3]!.feeds['state']!.dims, [2, 1, 3]);
      assert.deepEqual(batches[3]!.feeds['sr'], { dims: [], values: [16000] });
      assert.deepEqual(batches[3]!.feeds['input'], { dims: [1, 2], values: [6, 7] });
    });
  });

  describe('shapes', () => {
    it('gain and lose axes of size 1 and may be flat', async () => {
      const cases: [TensorValue, (number | string)[], number[]][] = [
        [ramp(3, 2, 2), ['N', 1, 2, 2], [3, 1, 2, 2]],
        [ramp(3, 1, 2, 2), ['N', 2, 2], [3, 2, 2]],
        [ramp(3, 4), ['N', 1, 2, 2], [3, 1, 2, 2]],
        [ramp(3, 2, 2), ['N', 4], [3, 4]],
        [ramp(3, 5), ['N', 1, 1, 5], [3, 1, 1, 5]],
        [ramp(2, 2), ['N', 1, 2, 2], [1, 1, 2, 2]],
      ];
      for (const [value, shape, expected] of cases) {
        const data = await openDataset(await planted({ x: value }), dataModel({ x: shape }));
        const [batch] = await readAll(data);
        assert.deepEqual(batch!.feeds['x']!.dims, expected);
        assert.deepEqual(batch!.feeds['x']!.values, [...value.data].map(Number));
      }
    });

    it('may lack the batch axis of a single sample', async () => {
      const path = join(folder(), 'one.npy');
      await writeNpy(path, ramp(3, 4, 4));
      const data = await openDataset(path, dataModel({ x: ['N', 3, 4, 4] }));
      assert.equal(data.sampleCount, 1);
      assert.deepEqual((await readAll(data))[0]!.feeds['x']!.dims, [1, 3, 4, 4]);
    });

    it('in another order are a wrong layout, named with the remedy', async () => {
      const path = await planted({ x: ramp(2, 4, 4, 3) });
      await assert.rejects(openDataset(path, dataModel({ x: ['N', 3, 4, 4] })), {
        code: 'data-layout',
        message: /takes \[3, 4, 4\] per sample and the data has \[4, 4, 3\].*"layout": "HWC"/,
      });
    });

    it('of other sizes are refused with both shapes', async () => {
      const rejects = async (value: TensorValue, shape: (number | string)[], message: RegExp) => {
        await assert.rejects(openDataset(await planted({ x: value }), dataModel({ x: shape })), {
          code: 'data-shape',
          message,
        });
      };
      await rejects(ramp(2, 3, 4, 4), ['N', 1, 4, 4], /takes \[1, 4, 4\].*has \[3, 4, 4\].*"color"/);
      await rejects(ramp(2, 785), ['N', 1, 28, 28], /has \[785\]/);
      await rejects(ramp(2, 6), ['N', 5], /takes \[5\].*has \[6\]/);
    });
  });

  describe('preprocessing', () => {
    it('turns HWC into CHW', async () => {
      const data = await openedWith({ x: ramp(1, 2, 2, 3) }, { layout: 'NCHW', from: { layout: 'HWC' } }, [
        'N',
        3,
        2,
        2,
      ]);
      const [batch] = await readAll(data);
      assert.deepEqual(batch!.feeds['x']!.values, [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
    });

    it('cuts flat rows up as they were stored', async () => {
      const data = await openedWith({ x: ramp(1, 12) }, { layout: 'NCHW', from: { layout: 'HWC' } }, [
        'N',
        3,
        2,
        2,
      ]);
      const [batch] = await readAll(data);
      assert.deepEqual(batch!.feeds['x']!.values, [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
    });

    it('scales, subtracts and divides by channel', async () => {
      const data = await openedWith(
        { x: ramp(1, 2, 1, 2) },
        { layout: 'NCHW', scale: 0.5, mean: [0, 1], std: [1, 0.25] },
        ['N', 2, 1, 2],
      );
      // (v / 2 − mean) / std with v = 0, 1 in the first and 2, 3 in the second channel.
      assert.deepEqual((await readAll(data))[0]!.feeds['x']!.values, [0, 0.5, 0, 2]);
    });

    it('swaps rgb and bgr, weights grey, repeats grey', async () => {
      const pixels = { x: float32Tensor([10, 20, 30], [1, 1, 1, 3]) };
      const bgr = await openedWith(pixels, { layout: 'NHWC', color: 'bgr' }, ['N', 1, 1, 3]);
      assert.deepEqual((await readAll(bgr))[0]!.feeds['x']!.values, [30, 20, 10]);
      const gray = await openedWith(pixels, { layout: 'NHWC', color: 'gray' }, ['N', 1, 1, 1]);
      // BT.601: 0.299 · 10 + 0.587 · 20 + 0.114 · 30 = 18.15.
      assert.deepEqual((await readAll(gray))[0]!.feeds['x']!.values, [18]);
      const rgb = await openedWith(
        { x: float32Tensor([7], [1, 1, 1, 1]) },
        { layout: 'NHWC', color: 'rgb' },
        ['N', 1, 1, 3],
      );
      assert.deepEqual((await readAll(rgb))[0]!.feeds['x']!.values, [7, 7, 7]);
    });

    it('casts to the type that the model declares, and refuses what would be lost', async () => {
      const path = await planted({ x: float32Tensor([1, 2], [2, 1]) });
      for (const type of ['int64', 'int32', 'uint8', 'float16', 'float64', 'bool'] as const) {
        const model = dataModel({ x: ['N', 1] }, { types: { x: type } });
        if (type === 'bool') {
          await assert.rejects(openDataset(path, model), {
            code: 'data-dtype',
            message: /takes bool .*holds 2/,
          });
        } else {
          const [batch] = await readAll(await openDataset(path, model));
          assert.deepEqual(batch!.feeds['x']!.values, [1, 2]);
        }
      }
      const half = await planted({ x: float32Tensor([0.5], [1, 1]) });
      const whole = dataModel({ x: ['N', 1] }, { types: { x: 'int64' } });
      await assert.rejects(openDataset(half, whole), {
        code: 'data-dtype',
        message: /"x" takes int64.*sample 0 holds 0\.5/,
      });
    });
  });

  describe('warnings', () => {
    const warningsOf = async (value: TensorValue, labels?: TensorValue) => {
      const path = await planted({ x: value, ...(labels === undefined ? {} : { labels }) });
      const size = value.dims[1]!;
      return (await openDataset(path, dataModel({ x: ['N', size] }, { classCount: 3 }))).warnings.join('\n');
    };

    it('name NaN and infinity with the first sample that holds them', async () => {
      const value = ramp(3, 2);
      value.data[3] = NaN;
      value.data[4] = Infinity;
      assert.match(await warningsOf(value), /"x" holds 2 values that are NaN or infinite .* sample 1/);
    });

    it('name zeros and constants', async () => {
      assert.match(await warningsOf(float32Tensor(new Float32Array(6), [3, 2])), /only zeros/);
      assert.match(
        await warningsOf(float32Tensor(new Float32Array(6).fill(4), [3, 2])),
        /one value, 4, everywhere/,
      );
      assert.equal(await warningsOf(ramp(3, 2)), '');
    });

    it('name labels that the model has no class for', async () => {
      assert.match(
        await warningsOf(ramp(3, 2), int64Tensor([1, 2, 3], [3])),
        /from 1 to 3, .* 3 classes.*count from 1/,
      );
      assert.match(await warningsOf(ramp(3, 2), int64Tensor([0, 7, -1], [3])), /from -1 to 7/);
      assert.equal(await warningsOf(ramp(3, 2), int64Tensor([0, 2, 1], [3])), '');
    });

    it('name raw pixels and doubly scaled ones', async () => {
      assert.match(await warningsOf(ramp(12, 20)), /looks like pixels 0–255/);
      const scaled = float32Tensor(
        Float32Array.from({ length: 40 }, (_, i) => i / 40),
        [2, 20],
      );
      assert.equal(await warningsOf(scaled), '');
      const twice = await openedWith({ x: scaled }, { layout: 'NC', scale: 1 / 255 }, ['N', 20]);
      assert.match(twice.warnings.join(), /seems to be scaled already/);
      const right = await openedWith({ x: ramp(12, 20) }, { layout: 'NC', scale: 1 / 255 }, ['N', 20]);
      assert.deepEqual(right.warnings, []);
      const written = await openedWith({ x: ramp(12, 20) }, { layout: 'NC', scale: 1 }, ['N', 20]);
      assert.deepEqual(written.warnings, []);
    });
  });

  describe('labels', () => {
    it('may be one-hot, but not too many and not fractions', async () => {
      const model = dataModel({ x: ['N', 1] }, { classCount: 3 });
      const hot = await openDataset(
        await planted({ x: ramp(2, 1), labels: float32Tensor([0, 0, 1, 1, 0, 0], [2, 3]) }),
        model,
      );
      assert.deepEqual((await readAll(hot))[0]!.labels, [2, 0]);
      assert.match(hot.warnings.join(), /one-hot/);
      await assert.rejects(openDataset(await planted({ x: ramp(2, 1), labels: ramp(3) }), model), {
        code: 'data-labels',
      });
      const regression = await openDataset(
        await planted({ x: ramp(2, 1), labels: float32Tensor([0.5, 1], [2]) }),
        model,
      );
      assert.equal(regression.hasLabels, false);
      assert.match(regression.warnings.join(), /no classes \(0\.5 at 0\)/);
    });
  });

  it('names missing arrays and the ones there are', async () => {
    const path = await planted({ a: ramp(2, 1), b: ramp(2, 1) });
    await assert.rejects(openDataset(path, dataModel({ x: ['N', 1] })), {
      code: 'data-field-missing',
      message: /no array "x" for the input "x"; it has a, b/,
    });
    const uneven = await planted({ a: ramp(2, 1), b: ramp(3, 1) });
    await assert.rejects(openDataset(uneven, dataModel({ a: ['N', 1], b: ['N', 1] })), {
      code: 'data-shape',
      message: /2 samples in "a".*3 in "b"/,
    });
    await assert.rejects(openDataset(await planted({ x: ramp(0, 2) }), dataModel({ x: ['N', 2] })), {
      code: 'data-empty',
    });
  });
});

describe('syntheticDataset', () => {
  it('fits the inputs and repeats from its seed, whatever the batch size', async () => {
    const model = dataModel({ x: ['N', 3, 'T'], ids: ['N', 4] }, { types: { ids: 'int64' } });
    const data = syntheticDataset(model, { sampleCount: 5, seed: 3, openSize: 2, integerBound: 7 });
    const [whole] = await readAll(data);
    assert.deepEqual(whole!.feeds['x']!.dims, [5, 3, 2]);
    assert.ok(whole!.feeds['ids']!.values.every((id) => Number.isInteger(id) && id >= 0 && id < 7));
    const parts = await readAll(data, { batchSize: 2 });
    assert.deepEqual(
      parts.flatMap(({ feeds }) => feeds['x']!.values),
      whole!.feeds['x']!.values,
    );
    const other = await readAll(syntheticDataset(model, { sampleCount: 5, seed: 4, openSize: 2 }));
    assert.notDeepEqual(other[0]!.feeds['x']!.values, whole!.feeds['x']!.values);
  });

  it('keeps a fixed batch', async () => {
    const batches = await readAll(syntheticDataset(dataModel({ x: [3, 2] }), { sampleCount: 4, seed: 1 }), {
      batchSize: 100,
    });
    assert.deepEqual(
      batches.map(({ feeds }) => feeds['x']!.dims),
      [
        [3, 2],
        [3, 2],
      ],
    );
  });
});
