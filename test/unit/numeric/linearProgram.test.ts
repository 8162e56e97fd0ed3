import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { maximise } from '../../../src/engine/numeric/linearProgram.js';

/** Solves a 2 × 2 system; undefined when it has no single solution. */
function intersection(a: readonly number[], b: readonly number[]): [number, number] | undefined {
  const [a0 = 0, a1 = 0, ra = 0] = a;
  const [b0 = 0, b1 = 0, rb = 0] = b;
  const det = a0 * b1 - a1 * b0;
  return Math.abs(det) < 1e-9 ? undefined : [(ra * b1 - a1 * rb) / det, (a0 * rb - ra * b0) / det];
}

describe('maximise', () => {
  it('finds the best corner that enumeration finds, in two dimensions', () => {
    const random = createRandom(4);
    for (let trial = 0; trial < 200; trial++) {
      const rows = Array.from({ length: 5 }, () => [random.normal(), random.normal()]);
      const limits = rows.map(() => random.next());
      // A wall far out keeps the program bounded.
      rows.push([1, 1]);
      limits.push(10);
      const objective = [random.normal(), random.normal()];
      const lines = [...rows.map((row, i) => [...row, limits[i]!]), [1, 0, 0], [0, 1, 0]];
      let best = 0;
      for (const a of lines) {
        for (const b of lines) {
          const corner = intersection(a, b);
          if (corner === undefined || corner.some((x) => x < -1e-9)) continue;
          const isInside = rows.every(
            (row, i) => row[0]! * corner[0] + row[1]! * corner[1] <= limits[i]! + 1e-9,
          );
          if (isInside) best = Math.max(best, objective[0]! * corner[0] + objective[1]! * corner[1]);
        }
      }
      const solved = maximise({ objective, rows, limits });
      assert(solved.kind === 'optimal');
      assert.ok(Math.abs(solved.value - best) < 1e-8, `${trial}: ${solved.value}, expected ${best}`);
      for (const [i, row] of rows.entries()) {
        assert.ok(row[0]! * solved.point[0]! + row[1]! * solved.point[1]! <= limits[i]! + 1e-9);
      }
    }
  });

  it('says when the objective grows without end, and takes degenerate corners', () => {
    assert.equal(maximise({ objective: [1, 0], rows: [[-1, 1]], limits: [1] }).kind, 'unbounded');
    const rows = [
      [1, 1],
      [1, -1],
      [1, 0],
    ];
    const solved = maximise({ objective: [1, 1], rows, limits: [0, 0, 0] });
    assert.deepEqual(solved.kind === 'optimal' && solved.value, 0);
    assert.throws(() => maximise({ objective: [1], rows: [[1]], limits: [-1] }), /Limit 0/);
  });
});
