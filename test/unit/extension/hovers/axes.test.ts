import assert from 'node:assert/strict';
import fc from 'fast-check';
import { unitChosen } from '../../../../src/extension/hovers/axes.js';
import type { AxisIndex } from '../../../../src/extension/hovers/reference.js';

type Nested = number | readonly Nested[];

/** An array whose elements say their own position on an axis. */
function positions(shape: readonly number[], axis: number, at: readonly number[] = []): Nested {
  const [size, ...rest] = shape;
  if (size === undefined) return at[axis] ?? NaN;
  return Array.from({ length: size }, (_, index) => positions(rest, axis, [...at, index]));
}

/** Indexes as NumPy does, one index after the other; the oracle. */
function index(array: Nested, group: readonly AxisIndex[], rank: number): Nested {
  const [first, ...rest] = group;
  if (first === undefined) return array;
  const each = (from: readonly Nested[]): Nested => from.map((inner) => index(inner, rest, rank - 1));
  switch (first.kind) {
    case 'number': {
      if (typeof array === 'number') throw new Error('too many indices');
      const found = array.at(first.value);
      if (found === undefined) throw new Error('out of range');
      return index(found, rest, rank - 1);
    }
    case 'slice':
      if (typeof array === 'number') throw new Error('too many indices');
      return each(array);
    case 'new-axis':
      return [index(array, rest, rank)];
    case 'ellipsis': {
      const taken = rest.filter(({ kind }) => kind === 'number' || kind === 'slice').length;
      if (rank <= taken) return index(array, rest, rank);
      if (typeof array === 'number') throw new Error('too many indices');
      return array.map((inner) => index(inner, group, rank - 1));
    }
    case 'unknown':
      throw new Error('not in the oracle');
  }
}

const rankOf = (array: Nested): number => (typeof array === 'number' ? 0 : 1 + rankOf(array[0] ?? 0));
const valuesOf = (array: Nested): Set<number> =>
  typeof array === 'number' ? new Set([array]) : new Set(array.flatMap((inner) => [...valuesOf(inner)]));

const number = (value: number): AxisIndex => ({ kind: 'number', value });
const slice: AxisIndex = { kind: 'slice' };

describe('the unit that indices choose', () => {
  it('is the one that NumPy would leave, over all brackets, ellipses, slices and added axes', () => {
    const anyIndex = fc.oneof(
      fc.integer({ min: -2, max: 1 }).map(number),
      fc.constant(slice),
      fc.constant<AxisIndex>({ kind: 'ellipsis' }),
      fc.constant<AxisIndex>({ kind: 'new-axis' }),
    );
    const groups = fc.array(fc.array(anyIndex, { minLength: 1, maxLength: 4 }), {
      minLength: 1,
      maxLength: 3,
    });
    let decided = 0;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.nat(), groups, (rank, seed, brackets) => {
        const axis = seed % rank;
        // Two elements on every axis: −2 … 1 are all there.
        let array = positions(
          Array.from({ length: rank }, () => 2),
          axis,
        );
        fc.pre(brackets.every((group) => group.filter(({ kind }) => kind === 'ellipsis').length <= 1));
        try {
          for (const group of brackets) array = index(array, group, rankOf(array));
        } catch {
          return;
        }
        const left = valuesOf(array);
        const chosen = unitChosen(brackets, { rank, axis, size: 2 });
        const fromEnd = unitChosen(brackets, { rank, axis: axis - rank, size: 2 });
        assert.deepEqual(fromEnd, chosen);
        if (chosen !== undefined) {
          decided++;
          assert.deepEqual([...left], [chosen.kind === 'unit' ? chosen.unit : NaN]);
        } else assert.equal(left.size, 2);
      }),
      { numRuns: 3000 },
    );
    assert.ok(decided > 300, `${String(decided)} were decided`);
  });

  it('is not told where a variable, a list or a mask stands before it is chosen', () => {
    const unknown: AxisIndex = { kind: 'unknown' };
    assert.equal(unitChosen([[unknown, number(1)]], { rank: 2, axis: 1, size: 4 }), undefined);
    assert.equal(unitChosen([[slice, unknown]], { rank: 2, axis: 1, size: 4 }), undefined);
    // What was chosen before stays chosen.
    assert.deepEqual(unitChosen([[number(1)], [unknown]], { rank: 2, axis: 0, size: 4 }), {
      kind: 'unit',
      unit: 1,
    });
  });

  it('counts from the end only where the size is known', () => {
    assert.deepEqual(unitChosen([[number(-1)]], { rank: 1, axis: 0, size: 4 }), { kind: 'unit', unit: 3 });
    assert.equal(unitChosen([[number(-1)]], { rank: 1, axis: 0, size: null }), undefined);
    assert.deepEqual(unitChosen([[number(9)]], { rank: 1, axis: 0, size: null }), { kind: 'unit', unit: 9 });
  });

  it('is missing beyond the axis, as it was written', () => {
    assert.deepEqual(unitChosen([[number(4)]], { rank: 1, axis: 0, size: 4 }), { kind: 'missing', index: 4 });
    assert.deepEqual(unitChosen([[number(-5)]], { rank: 1, axis: 0, size: 4 }), {
      kind: 'missing',
      index: -5,
    });
  });

  it('is told without a rank only from the side that the axis is counted from', () => {
    const ellipsis: AxisIndex = { kind: 'ellipsis' };
    assert.deepEqual(unitChosen([[ellipsis, number(2)]], { rank: null, axis: -1, size: 4 }), {
      kind: 'unit',
      unit: 2,
    });
    assert.equal(unitChosen([[slice, number(2)]], { rank: null, axis: -1, size: 4 }), undefined);
    assert.deepEqual(unitChosen([[slice, number(2)]], { rank: null, axis: 1, size: 4 }), {
      kind: 'unit',
      unit: 2,
    });
    assert.equal(unitChosen([[ellipsis, number(2)]], { rank: null, axis: 1, size: 4 }), undefined);
  });
});
