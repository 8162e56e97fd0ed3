/** A table to learn from: rows of features, and for each row what the outputs should move towards. */
export interface BoostingData {
  readonly rowCount: number;
  readonly featureCount: number;
  /** Row-major. */
  readonly features: Float32Array;
}

/** A node of a grown tree: a leaf, or `feature ≤ threshold` with its branches. */
export type GrownNode =
  | { readonly kind: 'leaf'; readonly weights: readonly number[]; readonly cover: number }
  | {
      readonly kind: 'split';
      readonly feature: number;
      readonly threshold: number;
      readonly yes: GrownNode;
      readonly no: GrownNode;
      readonly cover: number;
    };

/** How trees are grown. */
export interface BoostingOptions {
  readonly roundCount: number;
  readonly depth: number;
  readonly leastLeafRows: number;
  /** Candidate thresholds of a feature, at its quantiles. */
  readonly thresholdCount: number;
  /** Step by output: heads that share trees may learn at rates of their own. */
  readonly learningRates: readonly number[];
  /** Negative gradient of the loss of a row by its outputs. */
  pull(row: number, outputs: Float64Array): readonly number[];
}

/**
 * Grows gradient-boosted trees whose leaves add to all outputs at once: every round fits one tree to the negative gradients
 * of all outputs, its splits chosen by the squared error of all of them together.
 *
 * Source: Friedman (2001), "Greedy function approximation: a gradient boosting machine",
 * https://doi.org/10.1214/aos/1013203451.
 */
export function growTrees(data: BoostingData, options: BoostingOptions): GrownNode[] {
  const { rowCount } = data;
  const outputCount = options.learningRates.length;
  const outputs = new Float64Array(rowCount * outputCount);
  const thresholds = thresholdsOf(data, options.thresholdCount);
  const trees: GrownNode[] = [];
  for (let round = 0; round < options.roundCount; round++) {
    const pulls = new Float64Array(rowCount * outputCount);
    for (let row = 0; row < rowCount; row++) {
      const own = outputs.subarray(row * outputCount, (row + 1) * outputCount);
      pulls.set(options.pull(row, own), row * outputCount);
    }
    const all = Uint32Array.from({ length: rowCount }, (_, row) => row);
    const tree = grow({ data, options, pulls, outputCount, thresholds, outputs }, all, 0);
    trees.push(tree);
  }
  return trees;
}

interface Growth {
  readonly data: BoostingData;
  readonly options: BoostingOptions;
  readonly pulls: Float64Array;
  readonly outputCount: number;
  readonly thresholds: readonly Float32Array[];
  readonly outputs: Float64Array;
}

interface Split {
  readonly feature: number;
  readonly threshold: number;
  readonly gain: number;
}

function grow(growth: Growth, rows: Uint32Array, depth: number): GrownNode {
  const split = depth < growth.options.depth ? bestSplit(growth, rows) : undefined;
  if (split === undefined) return leafOf(growth, rows);
  const { featureCount, features } = growth.data;
  const isYes = (row: number): boolean =>
    (features[row * featureCount + split.feature] ?? NaN) <= split.threshold;
  return {
    kind: 'split',
    feature: split.feature,
    threshold: split.threshold,
    yes: grow(growth, rows.filter(isYes), depth + 1),
    no: grow(
      growth,
      rows.filter((row) => !isYes(row)),
      depth + 1,
    ),
    cover: rows.length,
  };
}

/** Adds the leaf's step to the outputs of its rows, in float32 as it will be stored. */
function leafOf({ options, pulls, outputCount, outputs }: Growth, rows: Uint32Array): GrownNode {
  const weights = options.learningRates.map((rate, output) => {
    let sum = 0;
    for (const row of rows) sum += pulls[row * outputCount + output] ?? 0;
    return Math.fround((rate * sum) / rows.length);
  });
  for (const row of rows) {
    for (const [output, weight] of weights.entries()) {
      const at = row * outputCount + output;
      outputs[at] = (outputs[at] ?? 0) + weight;
    }
  }
  return { kind: 'leaf', weights, cover: rows.length };
}

/** The split with the largest Σ over sides and outputs of (sum of pulls)² / rows. */
function bestSplit(growth: Growth, rows: Uint32Array): Split | undefined {
  const { data, thresholds, outputCount, options } = growth;
  let best: Split | undefined;
  for (let feature = 0; feature < data.featureCount; feature++) {
    const cuts = thresholds[feature] ?? new Float32Array();
    const { counts, sums } = binned(growth, rows, { feature, cuts });
    const total = new Float64Array(outputCount);
    for (const [i, sum] of sums.entries()) {
      const output = i % outputCount;
      total[output] = (total[output] ?? 0) + sum;
    }
    const below = new Float64Array(outputCount);
    let belowCount = 0;
    for (const [cut, threshold] of cuts.entries()) {
      belowCount += counts[cut] ?? 0;
      let gain = 0;
      for (let output = 0; output < outputCount; output++) {
        const sum = (below[output] ?? 0) + (sums[cut * outputCount + output] ?? 0);
        below[output] = sum;
        const whole = total[output] ?? 0;
        gain +=
          sum ** 2 / belowCount + (whole - sum) ** 2 / (rows.length - belowCount) - whole ** 2 / rows.length;
      }
      const isLarge =
        belowCount >= options.leastLeafRows && rows.length - belowCount >= options.leastLeafRows;
      if (isLarge && gain > Math.max(best?.gain ?? 0, 1e-9)) best = { feature, threshold, gain };
    }
  }
  return best;
}

/** Counts and sums of pulls of the rows that each threshold is the first not below. */
function binned(
  { data, pulls, outputCount }: Growth,
  rows: Uint32Array,
  { feature, cuts }: { readonly feature: number; readonly cuts: Float32Array },
): { readonly counts: Float64Array; readonly sums: Float64Array } {
  const counts = new Float64Array(cuts.length + 1);
  const sums = new Float64Array((cuts.length + 1) * outputCount);
  for (const row of rows) {
    const value = data.features[row * data.featureCount + feature] ?? NaN;
    let bin = 0;
    while (bin < cuts.length && value > (cuts[bin] ?? NaN)) bin++;
    counts[bin] = (counts[bin] ?? 0) + 1;
    for (let output = 0; output < outputCount; output++) {
      const at = bin * outputCount + output;
      sums[at] = (sums[at] ?? 0) + (pulls[row * outputCount + output] ?? 0);
    }
  }
  return { counts, sums };
}

function thresholdsOf({ rowCount, featureCount, features }: BoostingData, count: number): Float32Array[] {
  return Array.from({ length: featureCount }, (_, feature) => {
    const column = Float32Array.from(
      { length: rowCount },
      (_, row) => features[row * featureCount + feature] ?? NaN,
    ).sort();
    const cuts = Array.from({ length: count }, (_, i) => {
      const at = Math.floor(((i + 1) * rowCount) / (count + 1));
      // Half-way between two values, and rounded, so that no row stands at a threshold and files read well.
      return Math.fround(Number((((column[at - 1] ?? 0) + (column[at] ?? 0)) / 2).toPrecision(4)));
    });
    return Float32Array.from([...new Set(cuts)]);
  });
}
