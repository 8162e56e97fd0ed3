import { UserError } from '../../../../base/errors.js';
import type { Random } from '../../../../base/random.js';
import { addOuter, type Cholesky, cholesky } from '../../../../engine/numeric/cholesky.js';
import { addScaled, sumOf } from '../../../../engine/numeric/vectors.js';
import { featureCountOf } from '../featureCount.js';
import { type Coalitions, playGame } from '../game.js';
import type { AttributionMethod } from '../problem.js';
import { featuresOf, spreadShares } from '../shares.js';

/**
 * KernelSHAP: the shares φ that minimise Σ_S π(S) · (v(S) − v(∅) − Σ_{i ∈ S} φᵢ)² under Σ φᵢ = v(all) − v(∅), with
 * π(S) = (n − 1) / (C(n, |S|) · |S| · (n − |S|)), which are the Shapley values when all coalitions are in the sum.
 *
 * Assumes what exact Shapley values do. Where all 2ⁿ − 2 coalitions fit into `samples` they are taken and the shares are
 * exact; otherwise coalitions are drawn by π, each with its complement, and weigh the same. The constraint is met exactly
 * either way. The standard error is that of least squares whose residuals may differ in size (HC3, a pair being one
 * observation); the estimate has a bias that falls faster than it.
 *
 * Source: Lundberg & Lee (2017), "A Unified Approach to Interpreting Model Predictions",
 * https://arxiv.org/abs/1705.07874; Covert & Lee (2021), "Improving KernelSHAP: Practical Shapley Value Estimation Using
 * Linear Regression", http://proceedings.mlr.press/v130/covert21a, for paired sampling. Differs: the constraint is solved
 * for, not given a large weight, and all sizes are sampled, none enumerated on its own.
 */
export const kernelShap: AttributionMethod = {
  title: 'KernelSHAP',
  scoresAre: 'shares',
  reading:
    'Each score estimates the Shapley value of the feature of this element, by a weighted linear fit to the explained value of random coalitions.',
  paperIds: ['lundberg2017', 'covert2021', 'alzheimerWorkflow'],
  usesBaseline: true,
  passesPerRow: (settings, workload) => {
    const count = featureCountOf(settings, workload);
    return Math.min(2 ** count, 2 + sampleCountOf(settings.samples, count));
  },
  async attribute(problem) {
    const { rows, settings, random } = problem;
    const features = await featuresOf(problem);
    const designs = rows.ids.map((_, row) => {
      const count = features.countOf(row);
      return designOf(count, sampleCountOf(settings.samples, count), random);
    });
    const plays = designs.map((design, row) => coalitionsOf(design, row));
    const values = await playGame(problem, features, plays);
    const fits = values.map((value, row) => fit(designs[row] ?? emptyDesign, value));
    const isExact = designs.every(({ isEnumerated }) => isEnumerated);
    const sampleCount = Math.max(0, ...designs.map(({ weights }) => weights.length));
    const drawn = `${sampleCount.toLocaleString('en-US')} coalitions for each row`;
    return spreadShares(problem, features, {
      shares: fits.map(({ shares }) => shares),
      standardErrors: fits.map(({ standardErrors }) => standardErrors),
      ...(isExact ? {} : { evidence: { kind: 'estimated', n: rows.count, how: drawn } as const }),
      isComplete: true,
      notes: [isExact ? 'All coalitions were run: the shares are exact Shapley values.' : `Drawn: ${drawn}.`],
    });
  },
};

function sampleCountOf(samples: number | null, featureCount: number): number {
  return samples ?? 2048 + 2 * featureCount;
}

/** Coalitions of n features that are neither empty nor whole; drawn ones stand in pairs with their complements. */
interface Design {
  readonly count: number;
  /** 1 where a feature is present, `[coalitions, n]`. */
  readonly members: Uint8Array;
  readonly weights: Float64Array;
  readonly isEnumerated: boolean;
}

const emptyDesign: Design = {
  count: 0,
  members: new Uint8Array(),
  weights: new Float64Array(),
  isEnumerated: true,
};

function designOf(count: number, sampleCount: number, random: Random): Design {
  return 2 ** count - 2 <= sampleCount ? enumerated(count) : drawn(count, sampleCount, random);
}

function enumerated(count: number): Design {
  const total = Math.max(0, 2 ** count - 2);
  const members = new Uint8Array(total * count);
  const weights = new Float64Array(total);
  for (let i = 0; i < total; i++) {
    let size = 0;
    for (let feature = 0; feature < count; feature++) {
      const isPresent = ((i + 1) >> feature) & 1;
      members[i * count + feature] = isPresent;
      size += isPresent;
    }
    weights[i] = (count - 1) / (binomial(count, size) * size * (count - size));
  }
  return { count, members, weights, isEnumerated: true };
}

function drawn(count: number, sampleCount: number, random: Random): Design {
  const pairCount = Math.floor(sampleCount / 2);
  // C(n, s) · π(s) is proportional to 1 / (s (n − s)).
  const sizes = Array.from({ length: count - 1 }, (_, i) => 1 / ((i + 1) * (count - 1 - i)));
  const total = sumOf(sizes);
  const members = new Uint8Array(2 * pairCount * count);
  for (let pair = 0; pair < pairCount; pair++) {
    let rest = random.next() * total;
    let size = 1;
    while (size < count - 1 && rest >= (sizes[size - 1] ?? 0)) rest -= sizes[size++ - 1] ?? 0;
    const order = random.permutation(count);
    for (const [place, feature] of order.entries()) {
      members[2 * pair * count + feature] = place < size ? 1 : 0;
      members[(2 * pair + 1) * count + feature] = place < size ? 0 : 1;
    }
  }
  return { count, members, weights: new Float64Array(2 * pairCount).fill(1), isEnumerated: false };
}

/** The empty and the whole coalition, then those of the design. */
function coalitionsOf({ count, members, weights }: Design, row: number): Coalitions {
  return {
    row,
    count: weights.length + 2,
    members: (coalition, present) => {
      if (coalition < 2) present.fill(coalition);
      else present.set(members.subarray((coalition - 2) * count, (coalition - 1) * count));
    },
  };
}

interface Fit {
  readonly shares: Float64Array;
  readonly standardErrors: Float64Array;
}

function fit(design: Design, values: Float64Array): Fit {
  const { count, weights, isEnumerated } = design;
  const standardErrors = new Float64Array(count);
  const [empty = NaN, whole = NaN] = values;
  if (count < 2) return { shares: new Float64Array(count).fill(whole - empty), standardErrors };
  const regression = regressionOf(design, values);
  const { free, regressors } = regression;
  const normal = new Float64Array(free * free);
  const right = new Float64Array(free);
  for (const [i, weight] of weights.entries()) {
    addScaled(right, regressors, weight * regression.read(i));
    addOuter(normal, regressors, weight);
  }
  const factored = cholesky(normal, free);
  if (factored === undefined) throw tooFewSamples(count, weights.length);
  const head = factored.solve(right);
  const shares = new Float64Array(count);
  shares.set(head);
  shares[free] = whole - empty - sumOf(head);
  if (isEnumerated) return { shares, standardErrors };
  return { shares, standardErrors: pairedErrors(regression, factored, head) };
}

/** The constraint solved for: with the last share Δ − Σ of the others, v(S) − v(∅) − z_n Δ is regressed on z_i − z_n. */
interface Regression {
  /** Shares that are free, n − 1. */
  readonly free: number;
  readonly rowCount: number;
  /** Filled by `read`. */
  readonly regressors: Float64Array;
  /** Fills the regressors of a coalition and returns what they are to give. */
  read(coalition: number): number;
}

function regressionOf({ count, members, weights }: Design, values: Float64Array): Regression {
  const [empty = NaN, whole = NaN] = values;
  const free = count - 1;
  const regressors = new Float64Array(free);
  return {
    free,
    rowCount: weights.length,
    regressors,
    read: (coalition) => {
      const z = members.subarray(coalition * count, (coalition + 1) * count);
      const last = z[free] ?? 0;
      for (let j = 0; j < free; j++) regressors[j] = (z[j] ?? 0) - last;
      return (values[coalition + 2] ?? NaN) - empty - last * (whole - empty);
    },
  };
}

/**
 * Returns the roots of the diagonal of A⁻¹ (Σ g gᵀ) A⁻¹ over pairs, with g = x · (r − r′) / (1 − h).
 *
 * A complement's regressors are those of its coalition negated, so a pair is one observation; 1 − h, with leverage
 * h = 2 xᵀ A⁻¹ x, makes up for residuals being smaller where the fit was drawn to them (HC3).
 */
function pairedErrors(regression: Regression, factored: Cholesky, head: Float64Array): Float64Array {
  const { free, rowCount, regressors } = regression;
  const variances = new Float64Array(free + 1);
  for (let coalition = 0; coalition < rowCount; coalition += 2) {
    const complement = regression.read(coalition + 1) - dot(regressors, head);
    const residual = regression.read(coalition) - dot(regressors, head) - complement;
    const effect = factored.solve(regressors);
    const scale = residual / Math.max(smallestSlack, 1 - 2 * dot(regressors, effect));
    for (let j = 0; j < free; j++) variances[j] = (variances[j] ?? 0) + (scale * (effect[j] ?? 0)) ** 2;
    // The last share is Δ − Σ of the others, so its error is that of their sum.
    variances[free] = (variances[free] ?? 0) + (scale * sumOf(effect)) ** 2;
  }
  return variances.map((variance) => Math.sqrt(variance));
}

/** A pair that decides a share alone has leverage 1: its residual is zero, and so must its part of the error be. */
const smallestSlack = 1e-9;

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return result;
}

function tooFewSamples(featureCount: number, sampleCount: number): UserError {
  return new UserError(
    'too-few-samples',
    `${sampleCount.toLocaleString('en-US')} coalitions do not tell ${featureCount.toLocaleString('en-US')} features apart. Raise samples to at least ${(4 * featureCount).toLocaleString('en-US')}, or put features together.`,
    { detail: { featureCount, sampleCount } },
  );
}
