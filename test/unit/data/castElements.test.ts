import assert from 'node:assert/strict';
import { castElements, numberToFloat16 } from '../../../src/data/castElements.js';
import { fitShape } from '../../../src/data/fitShape.js';
import { reorderAxes } from '../../../src/data/pixels.js';
import { float16ToNumber } from '../../../src/onnx/tensorValue.js';

const origin = { input: 'x', sample: '0' };

describe('numberToFloat16', () => {
  it('gives back every half that there is', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = float16ToNumber(bits);
      if (Number.isNaN(value)) assert.ok(Number.isNaN(float16ToNumber(numberToFloat16(value))));
      else if (value !== 0) assert.equal(numberToFloat16(value), bits, String(value));
    }
  });

  it('rounds to nearest, ties to even, and to infinity half a step above the largest', () => {
    assert.equal(numberToFloat16(1 + 2 ** -11), 0x3c00);
    assert.equal(numberToFloat16(1 + 3 * 2 ** -11), 0x3c02);
    assert.equal(numberToFloat16(1 + 2 ** -11 + 2 ** -30), 0x3c01);
    assert.equal(numberToFloat16(65519.99), 0x7bff);
    assert.equal(numberToFloat16(65520), 0x7c00);
    assert.equal(numberToFloat16(-Infinity), 0xfc00);
    assert.equal(numberToFloat16(2 ** -25), 0);
    assert.equal(numberToFloat16(2 ** -25 + 2 ** -40), 1);
    assert.equal(numberToFloat16(1 - 2 ** -13), 0x3c00);
  });
});

describe('castElements', () => {
  it('keeps the bounds of integers', () => {
    assert.deepEqual(castElements(Float64Array.of(-128, 127), 'int8', origin), Int8Array.of(-128, 127));
    assert.deepEqual(castElements(Float64Array.of(5), 'int64', origin), BigInt64Array.of(5n));
    for (const [value, type] of [
      [128, 'int8'],
      [-1, 'uint8'],
      [NaN, 'int32'],
      [2 ** 31, 'int32'],
    ] as const) {
      assert.throws(() => castElements(Float64Array.of(value), type, origin), { code: 'data-dtype' });
    }
  });
});

describe('fitShape', () => {
  it('tells fitting, permuted and different sizes apart', () => {
    const kind = (have: number[], want: (number | string | null)[] | null) => fitShape(have, want).kind;
    assert.equal(kind([7], null), 'fits');
    assert.equal(kind([3, 5], ['T', 5]), 'fits');
    assert.equal(kind([28, 28], [1, 28, 28]), 'fits');
    assert.equal(kind([784], [1, 28, 28]), 'fits');
    assert.equal(kind([28, 28, 1], [784]), 'fits');
    assert.equal(kind([32, 32, 3], [3, 32, 32]), 'permuted');
    assert.equal(kind([100, 80, 3], [3, 'H', 'W']), 'permuted');
    assert.equal(kind([3, 32], [32, 4]), 'differs');
    assert.equal(kind([2, 392], [1, 28, 28]), 'differs');
    assert.equal(kind([28, 28], ['N', 3, 28, 28]), 'differs');
  });
});

describe('reorderAxes', () => {
  it('moves every element to its place', () => {
    const dims = [2, 3, 4];
    const numbers = Float64Array.from({ length: 24 }, (_, i) => i);
    const moved = reorderAxes({ axes: 'HWC', dims, numbers }, 'CHW');
    assert.deepEqual(moved.dims, [4, 2, 3]);
    for (let h = 0; h < 2; h++) {
      for (let w = 0; w < 3; w++) {
        for (let c = 0; c < 4; c++) {
          assert.equal(moved.numbers[c * 6 + h * 3 + w], numbers[h * 12 + w * 4 + c]);
        }
      }
    }
  });

  it('adds axes of size 1 and refuses to lose larger ones', () => {
    const plane = { axes: 'HW', dims: [2, 2], numbers: Float64Array.of(1, 2, 3, 4) };
    assert.deepEqual(reorderAxes(plane, 'CHW').dims, [1, 2, 2]);
    assert.throws(() => reorderAxes(plane, 'CH'), RangeError);
  });
});
