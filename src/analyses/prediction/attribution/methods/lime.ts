import { UserError } from '../../../../base/errors.js';
import { addOuter, cholesky } from '../../../../engine/numeric/cholesky.js';
import { addScaled, sumOf } from '../../../../engine/numeric/vectors.js';
import { float32Tensor } from '../../../../onnx/tensorValue.js';
import type { Finding } from '../../../../protocol/report.js';
import { type Coalitions, playGame } from '../game.js';
import type { AttributionMethod } from '../problem.js';
import { featuresOf, spreadShares } from '../shares.js';

/** Perturbed rows drawn for each row unless said otherwise. */
const defaultSampleCount = 1000;

/**
 * LIME: the coefficients w of the linear model g(z) = w₀ + Σ wᵢ zᵢ over present features z ∈ {0, 1}ⁿ that minimises
 * Σ π(z) (f(z) − g(z))² / Σ π(z) + ridge · ‖w‖², with π(z) = exp(−D² / width²) and D = 1 − √(|z| / n), the cosine distance
 * from the whole row.
 *
 * Assumes that f is nearly linear in the presence of features around the row: `fidelity`, the weighted R² of the fit, says
 * how nearly. Below 0.5 the scores describe little of the model. High: present, the feature raises the explained value
 * nearby. Scores need not add up; they depend on the kernel's width, which no principle chooses.
 *
 * Source: Ribeiro, Singh & Guestrin (2016), "Why Should I Trust You?: Explaining the Predictions of Any Classifier",
 * https://arxiv.org/abs/1602.04938. Differs: ridge regression over all features in place of K-LASSO, and columns of
 * tables are present or absent like superpixels, not binned.
 */
export const lime: AttributionMethod = {
  title: 'LIME',
  scoresAre: 'shares',
  reading:
    'Each score is the coefficient of the feature of this element in a linear model that imitates the network for rows like this one with some features absent.',
  paperIds: ['ribeiro2016'],
  usesBaseline: true,
  passesPerRow: ({ samples }) => samples ?? defaultSampleCount,
  async attribute(problem) {
    const { rows, settings, random } = problem;
    const sampleCount = settings.samples ?? defaultSampleCount;
    const features = await featuresOf(problem);
    const draws = rows.ids.map((_, row) => {
      const count = features.countOf(row);
      const sizes = Uint32Array.from({ length: sampleCount }, (_unused, i) =>
        i === 0 ? count : random.integer(count),
      );
      return { count, sizes, orders: Array.from(sizes, () => random.permutation(count)) };
    });
    const values = await playGame(
      problem,
      features,
      draws.map((draw, row) => perturbed(row, draw)),
    );
    const fits = values.map((value, row) => fit(draws[row] ?? emptyDraw, value, settings));
    const fidelity = Float64Array.from(fits, ({ r2 }) => r2);
    const evidence = {
      kind: 'estimated',
      n: rows.count,
      how: `${sampleCount.toLocaleString('en-US')} perturbed rows for each row`,
    } as const;
    const spread = spreadShares(problem, features, {
      shares: fits.map(({ coefficients }) => coefficients),
      evidence,
      isComplete: false,
    });
    return {
      ...spread,
      metrics: { fidelity: sumOf(fidelity) / fidelity.length },
      arrays: {
        ...spread.arrays,
        fidelity: { value: float32Tensor(Float32Array.from(fidelity), [fidelity.length]), evidence },
      },
      findings: fidelityFindings(fidelity, rows.ids),
    };
  },
};

/** Perturbed rows: how many features are present in each, the first of a random order. The first row is whole. */
interface Draw {
  readonly count: number;
  readonly sizes: Uint32Array;
  readonly orders: readonly Uint32Array[];
}

const emptyDraw: Draw = { count: 0, sizes: new Uint32Array(), orders: [] };

function perturbed(row: number, draw: Draw): Coalitions {
  return {
    row,
    count: draw.sizes.length,
    members: (sample, present) => {
      writeMembers(draw, sample, present);
    },
  };
}

function writeMembers({ sizes, orders }: Draw, sample: number, present: Uint8Array | Float64Array): void {
  present.fill(0);
  const order = orders[sample] ?? [];
  for (let place = 0; place < (sizes[sample] ?? 0); place++) present[order[place] ?? 0] = 1;
}

/** Weighted ridge regression about the weighted means, so that the intercept is not shrunk. */
function fit(
  draw: Draw,
  values: Float64Array,
  { kernelWidth, ridge }: { readonly kernelWidth: number; readonly ridge: number },
): { readonly coefficients: Float64Array; readonly r2: number } {
  const { count } = draw;
  const centred = centredDraw(draw, values, kernelWidth);
  const { weights, regressors } = centred;
  const normal = new Float64Array(count * count);
  const right = new Float64Array(count);
  for (const [i, weight] of weights.entries()) {
    addScaled(right, regressors, centred.read(i) * weight);
    addOuter(normal, regressors, weight);
  }
  for (let i = 0; i < count; i++) normal[i * count + i] = (normal[i * count + i] ?? 0) + ridge;
  const coefficients = cholesky(normal, count)?.solve(right);
  if (coefficients === undefined) throw notDetermined(count, values.length);
  let left = 0;
  let all = 0;
  for (const [i, weight] of weights.entries()) {
    const deviation = centred.read(i);
    let residual = deviation;
    for (let j = 0; j < count; j++) residual -= (regressors[j] ?? 0) * (coefficients[j] ?? 0);
    left += weight * residual ** 2;
    all += weight * deviation ** 2;
  }
  // A model that does not react at all is described perfectly by zeros.
  return { coefficients, r2: all === 0 ? 1 : 1 - left / all };
}

/** Samples with their kernel weights, members and values less their weighted means. */
interface CentredDraw {
  /** They sum to one. */
  readonly weights: Float64Array;
  /** Filled by `read`. */
  readonly regressors: Float64Array;
  /** Fills the regressors of a sample and returns its value. */
  read(sample: number): number;
}

function centredDraw(draw: Draw, values: Float64Array, kernelWidth: number): CentredDraw {
  const { count, sizes } = draw;
  const kernel = Float64Array.from(sizes, (size) =>
    Math.exp(-(((1 - Math.sqrt(size / count)) / kernelWidth) ** 2)),
  );
  const total = sumOf(kernel);
  const weights = kernel.map((weight) => weight / total);
  const regressors = new Float64Array(count);
  const means = new Float64Array(count);
  let meanValue = 0;
  for (const [i, weight] of weights.entries()) {
    writeMembers(draw, i, regressors);
    addScaled(means, regressors, weight);
    meanValue += (values[i] ?? NaN) * weight;
  }
  return {
    weights,
    regressors,
    read: (sample) => {
      writeMembers(draw, sample, regressors);
      addScaled(regressors, means, -1);
      return (values[sample] ?? NaN) - meanValue;
    },
  };
}

function fidelityFindings(fidelity: Float64Array, ids: readonly string[]): Finding[] {
  const poor = ids.filter((_, row) => (fidelity[row] ?? 0) < 0.5);
  if (poor.length === 0) return [];
  return [
    {
      severity: 'warning',
      message: `The linear model explains less than half of what the network does around ${String(poor.length)} of ${String(ids.length)} rows (R² < 0.5).`,
      advice:
        'Use method=kernel-shap, whose shares add up whatever the model does, or a smaller kernelWidth.',
    },
  ];
}

function notDetermined(featureCount: number, sampleCount: number): UserError {
  return new UserError(
    'too-few-samples',
    `${sampleCount.toLocaleString('en-US')} perturbed rows do not determine the coefficients of ${featureCount.toLocaleString('en-US')} features. Raise samples, or set ridge above 0.`,
    { detail: { featureCount, sampleCount } },
  );
}
