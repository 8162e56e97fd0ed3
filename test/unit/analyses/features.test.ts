import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  aboutFeatureCount,
  type FeatureChoice,
  type Features,
  openFeatures,
} from '../../../src/analyses/prediction/features/features.js';
import type { FeatureInput } from '../../../src/analyses/prediction/features/partition.js';
import { createRandom } from '../../../src/base/random.js';
import { writeNpy } from '../../../src/data/npy.js';
import { writeNpz } from '../../../src/data/npz.js';
import { slic } from '../../../src/engine/numeric/slic.js';
import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';
import { useTemporaryFolder } from '../../support/temporaryFolder.js';
import { isCode, range } from '../../support/tensors.js';

const nothing: FeatureChoice = {
  features: 'auto',
  featureCount: null,
  patch: null,
  groups: null,
  featureMask: null,
};

function input(dims: readonly number[], channelAxis?: number, name = 'x'): FeatureInput {
  const size = dims.reduce((a, b) => a * b, 1);
  return { name, dims, channelAxis, elements: new Float32Array(2 * size) };
}

async function featuresOf(
  inputs: FeatureInput | readonly FeatureInput[],
  choice: Partial<FeatureChoice> = {},
  columnNames: Record<string, readonly string[]> = {},
): Promise<Features> {
  const list = 'name' in inputs ? [inputs] : inputs;
  return openFeatures(list, { ...nothing, ...choice }, { rowCount: 2, columnNames });
}

describe('features', () => {
  const folder = useTemporaryFolder();

  it('are the columns of a table, the tokens of a sequence and patches of an image when nobody says', async () => {
    const table = await featuresOf(input([3]), {}, { x: ['age', 'sex', 'height'] });
    assert.deepEqual([...table.idsOf(0, 0)], [0, 1, 2]);
    assert.equal(table.nameOf(2), 'height');
    assert.ok(table.areElements);

    const sequence = await featuresOf(input([4, 2], 2));
    assert.deepEqual([...sequence.idsOf(1, 0)], [0, 0, 1, 1, 2, 2, 3, 3]);
    assert.equal(sequence.nameOf(3), 'token 3');

    const image = await featuresOf(input([2, 4, 4], 1), { featureCount: 4 });
    const patches = [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3];
    assert.deepEqual([...image.idsOf(0, 0)], [...patches, ...patches]);
    assert.equal(image.nameOf(3), 'patch (1, 1)');
  });

  it('make at most as many patches as asked for, of any size of image', async () => {
    const random = createRandom(5);
    for (let trial = 0; trial < 60; trial++) {
      const sides = [1 + random.integer(40), 1 + random.integer(40)];
      const count = 1 + random.integer(80);
      const found = await featuresOf(input([1, ...sides], 1), { featureCount: count });
      assert.ok(found.maxCount <= count, `${sides.join('×')} ${count}: ${found.maxCount}`);
      assert.equal(new Set(found.idsOf(0, 0)).size, found.maxCount);
      const about = { features: 'auto', patch: null, groups: null, count } as const;
      assert.equal(aboutFeatureCount(input([1, ...sides], 1), about), found.maxCount);
    }
  });

  it('take the patch as it is given, cut at the edge', async () => {
    const found = await featuresOf(input([3, 5, 1], 3), { patch: '2,3' });
    assert.deepEqual([...found.idsOf(0, 0)], [0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 2, 2, 2, 3, 3]);
    for (const patch of ['4', '0', '1,1,1']) {
      await assert.rejects(featuresOf(input([3, 5, 1], 3), { patch }), isCode('patch-does-not-fit'));
    }
  });

  it('are groups of columns by name and number, the rest alone', async () => {
    const names = { x: ['age', 'sex', 'left', 'right', 'score'] };
    const found = await featuresOf(input([5]), { groups: 'brain: left, right; 0,sex' }, names);
    assert.deepEqual([...found.idsOf(0, 0)], [1, 1, 0, 0, 2]);
    assert.deepEqual(
      range(0, 3).map((feature) => found.nameOf(feature)),
      ['brain', 'age + sex', 'score'],
    );
    const groups = featuresOf(input([5]), { groups: 'a: agee' }, names);
    await assert.rejects(groups, /"agee".*Did you mean "age"/s);
    const twice = featuresOf(input([5]), { groups: 'age, sex; age' }, names);
    await assert.rejects(twice, isCode('column-in-two-groups'));
  });

  it('are what a mask numbers, by element or by position, one mask or one per row', async () => {
    const path = join(folder(), 'mask.npy');
    await writeNpy(path, int64Tensor([7, -1, 3, 7], [4]));
    const tokens = await featuresOf(input([4, 2], 2), { featureMask: path });
    assert.deepEqual([...tokens.idsOf(1, 0)], [1, 1, -1, -1, 0, 0, 1, 1]);
    assert.equal(tokens.nameOf(1), 'feature 7');

    const both = join(folder(), 'masks.npz');
    await writeNpz(both, { a: int64Tensor([0, 1, 1, 0], [2, 2]), b: int64Tensor([5, 5], [2]) });
    const inputs = [input([2], undefined, 'a'), input([2], undefined, 'b')];
    const found = await featuresOf(inputs, { featureMask: both });
    assert.deepEqual(
      [0, 1].map((row) => [0, 1].map((at) => [...found.idsOf(row, at)])),
      [
        [
          [0, 1],
          [2, 2],
        ],
        [
          [1, 0],
          [2, 2],
        ],
      ],
    );
    assert.equal(found.nameOf(2), 'b feature 5');
  });

  it('refuse masks that are not there, not whole, or of another shape', async () => {
    const path = join(folder(), 'bad.npy');
    await writeNpy(path, float32Tensor([0.5, 1], [2]));
    await assert.rejects(featuresOf(input([2]), { featureMask: path }), isCode('mask-not-whole'));
    await assert.rejects(featuresOf(input([3]), { featureMask: path }), isCode('mask-shape'));
    const gone = join(folder(), 'gone.npy');
    await assert.rejects(featuresOf(input([2]), { featureMask: gone }), isCode('feature-mask-unreadable'));
    const two = [input([2]), input([2], undefined, 'y')];
    await assert.rejects(featuresOf(two, { featureMask: path }), isCode('mask-is-npy'));
    const npz = join(folder(), 'one.npz');
    await writeNpz(npz, { x: int64Tensor([0, 1], [2]) });
    await assert.rejects(featuresOf(two, { featureMask: npz }), isCode('mask-missing'));
  });

  it('refuse settings that say twice what the features are, and superpixels of what is no image', async () => {
    await assert.rejects(featuresOf(input([2]), { patch: '1', groups: '0' }), isCode('settings-exclude'));
    const tokens = featuresOf(input([2]), { features: 'tokens', groups: '0' });
    await assert.rejects(tokens, isCode('settings-exclude'));
    await assert.rejects(featuresOf(input([4, 2], 2), { features: 'superpixels' }), isCode('not-an-image'));
  });

  it('number the superpixels of every row from zero, those of a second image after the first', async () => {
    const random = createRandom(2);
    const noise = (name: string): FeatureInput => ({
      ...input([3, 8, 8], 1, name),
      elements: Float32Array.from({ length: 384 }, () => random.next()),
    });
    const found = await featuresOf([noise('a'), noise('b')], { features: 'superpixels', featureCount: 6 });
    for (const row of [0, 1]) {
      const first = new Set(found.idsOf(row, 0));
      const both = new Set([...first, ...found.idsOf(row, 1)]);
      assert.deepEqual(
        [...first].sort((a, b) => a - b),
        range(0, first.size),
      );
      assert.deepEqual(
        [...both].sort((a, b) => a - b),
        range(0, found.countOf(row)),
      );
      assert.ok(both.size > first.size);
    }
    assert.equal(found.areSameInAllRows, false);
  });
});

describe('SLIC', () => {
  it('follows the edge of two halves exactly', () => {
    const width = 12;
    const image = Float64Array.from({ length: width * width }, (_, i) => (i % width < 5 ? 0 : 1));
    const labels = slic(image, { height: width, width, channelCount: 1, count: 9 });
    const sides = new Map<number, Set<number>>();
    for (const [pixel, label] of labels.entries()) {
      sides.set(label, (sides.get(label) ?? new Set()).add(image[pixel]!));
    }
    for (const values of sides.values()) assert.equal(values.size, 1);
  });

  it('is the grid on an image without edges', () => {
    const labels = slic(new Float64Array(64), { height: 8, width: 8, channelCount: 1, count: 4 });
    const expected = range(0, 64).map((i) => 2 * Number(i >= 32) + Number(i % 8 >= 4));
    assert.deepEqual([...labels], expected);
  });

  it('makes connected pieces of about the number asked for', () => {
    const random = createRandom(9);
    const [height, width] = [20, 30];
    const image = Float64Array.from({ length: height * width * 3 }, () => random.next());
    const labels = slic(image, { height, width, channelCount: 3, count: 24 });
    const count = Math.max(...labels) + 1;
    assert.ok(count >= 12 && count <= 48, `${count}`);
    for (const label of range(0, count)) {
      const pixels = new Set(range(0, labels.length).filter((pixel) => labels[pixel] === label));
      const reached = [Math.min(...pixels)];
      pixels.delete(reached[0]!);
      for (let next = 0; next < reached.length; next++) {
        const [y, x] = [Math.floor(reached[next]! / width), reached[next]! % width];
        for (const [dy, dx] of [
          [-1, 0],
          [1, 0],
          [0, -1],
          [0, 1],
        ] as const) {
          const beside = (y + dy) * width + x + dx;
          if (x + dx < 0 || x + dx >= width || !pixels.has(beside)) continue;
          pixels.delete(beside);
          reached.push(beside);
        }
      }
      assert.equal(pixels.size, 0, `superpixel ${label} is not connected`);
    }
  });
});
