import assert from 'node:assert/strict';
import { createRandom } from '../../../src/base/random.js';
import {
  fitTree,
  type FittedNode,
  leafFor,
  leafPaths,
  refitTree,
} from '../../../src/engine/trees/fitTree.js';

/** Wrong answers of the best stump there is, by trying every threshold of every feature with every pair of classes. */
function leastGini(features: readonly Float64Array[], classes: readonly number[]): number {
  let best = Infinity;
  for (let feature = 0; feature < features[0]!.length; feature++) {
    for (const { [feature]: threshold = NaN } of features) {
      const sides = [0, 1].map((side) =>
        classes.filter((_, row) => Number(features[row]![feature]! > threshold) === side),
      );
      if (sides.some(({ length }) => length === 0)) continue;
      best = Math.min(
        best,
        sides.reduce((sum, side) => sum + gini(side), 0),
      );
    }
  }
  return best;
}

function gini(classes: readonly number[]): number {
  const counts = [0, 1, 2].map((label) => classes.filter((each) => each === label).length);
  return classes.length - counts.reduce((sum, count) => sum + count ** 2, 0) / classes.length;
}

describe('fitTree', () => {
  it('splits where the Gini impurity of brute force is least', () => {
    const random = createRandom(8);
    for (let round = 0; round < 20; round++) {
      const features = Array.from({ length: 15 }, () =>
        Float64Array.from({ length: 3 }, () => Math.round(4 * random.normal())),
      );
      const classes = features.map(() => random.integer(3));
      const rows = [...features.keys()];
      const tree = fitTree({ features, classes, classCount: 3, rows }, { depth: 1, leafRows: 1 });
      if (tree.kind === 'leaf') continue;
      const sides = [0, 1].map((side) =>
        classes.filter((_, row) => Number(features[row]![tree.feature]! > tree.threshold) === side),
      );
      const own = sides.reduce((sum, side) => sum + gini(side), 0);
      assert.ok(Math.abs(own - leastGini(features, classes)) < 1e-9);
    }
  });

  const features = [-3, -2, -1, 1, 2, 3].map((value) => Float64Array.of(value, 7));
  const classes = [0, 0, 1, 1, 1, 0];
  const rows = [0, 1, 2, 3, 4, 5];

  it('gives every row its class when it may grow, and names conditions once a feature', () => {
    const tree = fitTree({ features, classes, classCount: 2, rows }, { depth: 3, leafRows: 1 });
    assert.deepEqual(
      features.map((row) => leafFor(tree, row).class),
      classes,
    );
    assert.deepEqual(
      leafPaths(tree).map(({ conditions }) => conditions),
      [
        [{ feature: 0, above: -Infinity, upTo: -1.5 }],
        [{ feature: 0, above: -1.5, upTo: 2.5 }],
        [{ feature: 0, above: 2.5, upTo: Infinity }],
      ],
    );
  });

  it('keeps leaves as large as asked, and leaves out splits that say one class', () => {
    const pure = fitTree(
      { features, classes: [1, 1, 1, 1, 1, 1], classCount: 2, rows },
      { depth: 3, leafRows: 1 },
    );
    assert.equal(pure.kind, 'leaf');
    const coarse = fitTree({ features, classes, classCount: 2, rows }, { depth: 3, leafRows: 2 });
    for (const { leaf } of leafPaths(coarse)) {
      assert.ok(leaf.counts.reduce((sum, count) => sum + count, 0) >= 2);
    }
  });

  it('moves thresholds and keeps features when it is fitted again, and what no row reaches as it is', () => {
    const tree: FittedNode = fitTree(
      { features, classes: [0, 0, 0, 1, 1, 1], classCount: 2, rows },
      { depth: 1, leafRows: 1 },
    );
    const moved = refitTree(tree, { features, classes: [0, 0, 0, 0, 0, 1], classCount: 2, rows });
    assert.ok(moved.kind === 'split' && moved.feature === 0 && moved.threshold === 2.5);
    assert.equal(refitTree(tree, { features, classes, classCount: 2, rows: [] }), tree);
  });
});
