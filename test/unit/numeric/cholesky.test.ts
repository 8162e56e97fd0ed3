import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import { addOuter, cholesky } from '../../../src/engine/numeric/cholesky.js';

describe('cholesky', () => {
  it('solves random systems: A x gives b back', () => {
    const random = createRandom(3);
    for (const n of [1, 2, 5, 17]) {
      const matrix = new Float64Array(n * n);
      for (let k = 0; k < n + 3; k++) {
        addOuter(
          matrix,
          Float64Array.from({ length: n }, () => random.normal()),
          0.5,
        );
      }
      const b = Float64Array.from({ length: n }, () => random.normal());
      const x = cholesky(matrix, n)!.solve(b);
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += matrix[Math.max(i, j) * n + Math.min(i, j)]! * x[j]!;
        assert.ok(Math.abs(sum - b[i]!) < 1e-8, `${n}: ${sum} ${b[i]!}`);
      }
    }
  });

  it('says that a matrix is singular, indefinite or not finite', () => {
    const outer = new Float64Array(9);
    addOuter(outer, Float64Array.from([1, 2, 3]), 1);
    assert.equal(cholesky(outer, 3), undefined);
    assert.equal(cholesky(Float64Array.from([1, 2, 2, 1]), 2), undefined);
    assert.equal(cholesky(Float64Array.from([NaN]), 1), undefined);
  });
});
