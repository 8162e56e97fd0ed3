import assert from 'node:assert/strict';
import { UserError } from '../../../src/base/errors.js';
import { createRandom } from '../../../src/base/random.js';
import {
  backgroundFromArrays,
  baselineFromArrays,
  constantBaseline,
  parseConstant,
} from '../../../src/analyses/prediction/attribution/baselines.js';
import { methods } from '../../../src/analyses/prediction/attribution/methods/methods.js';
import { attributionSettings, methodNames } from '../../../src/analyses/prediction/attribution/settings.js';
import { chooseTargets } from '../../../src/analyses/prediction/attribution/targets.js';
import {
  forEachInWindow,
  windowGrid,
  windowsAlong,
  windowShape,
} from '../../../src/analyses/prediction/attribution/windows.js';
import { float32Tensor, int64Tensor } from '../../../src/onnx/tensorValue.js';
import { settingApplies } from '../../../src/protocol/settings.js';

const isCode = (code: string) => (error: unknown) => error instanceof UserError && error.code === code;

describe('the settings of attribution', () => {
  it('hold a baseline for the methods whose scores depend on one, and for any removal curve', () => {
    for (const method of methodNames) {
      const applies = settingApplies(attributionSettings, 'baseline', { method });
      assert.equal(applies, methods[method].usesBaseline, method);
      assert(settingApplies(attributionSettings, 'baseline', { method, removal: true }), method);
    }
  });

  it('hold steps for smoothed scores only where integrated gradients are smoothed', () => {
    const applies = (around: string): boolean =>
      settingApplies(attributionSettings, 'steps', { method: 'smoothgrad', around });
    assert(applies('integrated-gradients'));
    assert(!applies('gradient'));
  });
});

describe('occlusion windows', () => {
  it('start at multiples of the stride until the edge is covered, the last one cut there', () => {
    assert.deepEqual(
      windowsAlong(28, 5, 2).map(({ start, end }) => [start, end]),
      [...Array.from({ length: 12 }, (_, i) => [2 * i, 2 * i + 5]), [24, 28]],
    );
    assert.deepEqual(windowsAlong(6, 3, 3), [
      { start: 0, end: 3 },
      { start: 3, end: 6 },
    ]);
    assert.deepEqual(windowsAlong(4, 4, 1), [{ start: 0, end: 4 }]);
  });

  it('cover every position at least once, whatever the sizes', () => {
    const random = createRandom(7);
    for (let trial = 0; trial < 200; trial++) {
      const length = 1 + random.integer(40);
      const size = 1 + random.integer(length);
      const stride = 1 + random.integer(size);
      const covered = new Set<number>();
      const windows = windowsAlong(length, size, stride);
      for (const [i, { start, end }] of windows.entries()) {
        assert.equal(start, i * stride);
        assert.ok(end <= length && end > start);
        for (let k = start; k < end; k++) covered.add(k);
      }
      assert.equal(covered.size, length);
      // The one before the last does not reach the edge: no window is superfluous.
      assert.ok(windows.length === 1 || windows[windows.length - 2]!.end < length);
    }
  });

  it('visit all channels of the covered positions and nothing else', () => {
    const seen: number[] = [];
    const [window] = windowGrid([[{ start: 1, end: 3 }], [{ start: 0, end: 1 }]]);
    forEachInWindow([2, 3, 2], [1, 2], window!, (i) => seen.push(i));
    // Index = (c · 3 + y) · 2 + x for c in 0..1, y in 1..2, x = 0.
    assert.deepEqual(seen, [2, 4, 8, 10]);
  });

  it('refuse sizes that do not fit, and strides that leave gaps', () => {
    const positions = [8, 8];
    assert.throws(
      () => windowShape(positions, { window: '9', stride: null, hasChannels: true }),
      isCode('window-too-large'),
    );
    assert.throws(
      () => windowShape(positions, { window: '3', stride: '4', hasChannels: true }),
      isCode('stride-leaves-gaps'),
    );
    assert.throws(
      () => windowShape(positions, { window: '3,3,3', stride: null, hasChannels: true }),
      isCode('wrong-axis-count'),
    );
    assert.throws(
      () => windowShape(positions, { window: 'big', stride: null, hasChannels: true }),
      isCode('not-a-size'),
    );
    assert.deepEqual(windowShape([28, 28], { window: '5,3', stride: '2', hasChannels: true }), {
      sizes: [5, 3],
      strides: [2, 2],
    });
  });
});

describe('default occlusion windows', () => {
  const sizesOf = (positions: readonly number[], hasChannels: boolean): readonly number[] =>
    windowShape(positions, { window: null, stride: null, hasChannels }).sizes;

  it('are one column of a table, 1/256 of a long sequence and an eighth of an image side', () => {
    assert.deepEqual(sizesOf([1000], false), [1]);
    assert.deepEqual(sizesOf([200], true), [1]);
    assert.deepEqual(sizesOf([2048], true), [8]);
    assert.deepEqual(sizesOf([224, 160], true), [28, 20]);
  });
});

describe('attribution targets', () => {
  it('take the class axis last, with the last unmasked token as position of [N, T, C]', () => {
    const output = float32Tensor([0, 1, 5, 2, 9, 8, /* row 1 */ 4, 3, 1, 2, 0, 7], [2, 3, 2]);
    const feeds = { attention_mask: int64Tensor([1, 1, 0, 1, 1, 1], [2, 3]) };
    const targets = chooseTargets(output, { target: 'argmax', position: null }, { feeds });
    assert.deepEqual(targets.indices, [
      [1, 0],
      [2, 1],
    ]);
    const first = chooseTargets(output, { target: '0', position: '-3' }, { feeds });
    assert.deepEqual(first.indices, [
      [0, 0],
      [0, 0],
    ]);
    assert.deepEqual(first.predicted, [1, 0]);
  });

  it('take axis 1 of [N, C, H, W], where a position is required', () => {
    const output = float32Tensor(
      Float32Array.from({ length: 12 }, (_, i) => i),
      [1, 3, 2, 2],
    );
    assert.throws(
      () => chooseTargets(output, { target: '1', position: null }, { feeds: {} }),
      isCode('position-missing'),
    );
    const { indices } = chooseTargets(output, { target: '1', position: '1,0' }, { feeds: {} });
    assert.deepEqual(indices, [[1, 1, 0]]);
  });

  it('refuse classes and positions that are not there', () => {
    const output = float32Tensor([1, 2, 3], [1, 3]);
    assert.throws(
      () => chooseTargets(output, { target: '3', position: null }, { feeds: {} }),
      isCode('unknown-target'),
    );
    assert.throws(
      () => chooseTargets(output, { target: '-1', position: null }, { feeds: {} }),
      isCode('unknown-target'),
    );
    assert.throws(
      () => chooseTargets(output, { target: 'cat', position: null }, { feeds: {} }),
      isCode('unknown-target'),
    );
    assert.throws(
      () => chooseTargets(output, { target: '0', position: '1' }, { feeds: {} }),
      isCode('wrong-position'),
    );
  });
});

describe('baselines', () => {
  const inputs = [{ name: 'x', value: 'x', elementType: 'float32' as const, dims: [2] }];

  it('are zeros, a number, or an array per input with one row or one per explained row', () => {
    assert.equal(parseConstant('zeros'), 0);
    assert.equal(parseConstant('0.5'), 0.5);
    assert.equal(parseConstant('mean.npz'), undefined);
    assert.deepEqual([...constantBaseline(inputs, 2).read(0, 0, 0)], [2, 2]);
    const arrays = new Map([['x', float32Tensor([1, 2, 3, 4, 5, 6], [3, 2])]]);
    const perRow = baselineFromArrays(arrays, inputs, { path: 'b.npz', rowCount: 3 });
    assert.deepEqual([...perRow.read(0, 2, 0)], [5, 6]);
    const one = baselineFromArrays(new Map([['x', float32Tensor([7, 8], [2])]]), inputs, {
      path: 'b.npz',
      rowCount: 3,
    });
    assert.deepEqual([...one.read(0, 2, 0)], [7, 8]);
    const many = backgroundFromArrays(arrays, inputs, 'b.npz');
    assert.equal(many.count, 3);
    assert.deepEqual([...many.read(1, 0, 0)], [3, 4]);
  });

  it('name the array that is missing or misshapen', () => {
    const source = { path: 'b.npz', rowCount: 2 };
    assert.throws(() => baselineFromArrays(new Map(), inputs, source), isCode('baseline-missing'));
    const wrong = new Map([['x', float32Tensor([1, 2, 3], [3])]]);
    assert.throws(() => baselineFromArrays(wrong, inputs, source), isCode('baseline-shape'));
    const rows = new Map([['x', float32Tensor([1, 2, 3, 4, 5, 6], [3, 2])]]);
    assert.throws(() => baselineFromArrays(rows, inputs, source), isCode('baseline-shape'));
  });
});
