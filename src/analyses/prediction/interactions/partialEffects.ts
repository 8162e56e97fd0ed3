import type { Change, RowFunction } from '../functions/rowFunction.js';

/** An interaction of two features or more. */
export interface Interaction {
  readonly features: readonly number[];
  /**
   * Friedman’s H: root of the share of the features’ joint effect that no smaller set of them has, 0 … 1; NaN where they
   * have no effect.
   */
  readonly h: number;
  /** Share of the variance of f that is theirs together and of no smaller set: a component of the functional ANOVA. */
  readonly anovaShare: number;
}

/** What the features of a function do together. */
export interface Effects {
  /** H of each feature with all others together; NaN where f does not vary. */
  readonly overall: Float64Array;
  /** Share of the variance of f that each feature has alone. */
  readonly mainShare: Float64Array;
  /** Features whose interactions were measured. */
  readonly candidates: readonly number[];
  readonly interactions: readonly Interaction[];
}

/** Returns how many points the effects take. */
export function effectPoints(
  rowCount: number,
  featureCount: number,
  { candidateCount, order }: { readonly candidateCount: number; readonly order: number },
): number {
  const count = Math.min(candidateCount, featureCount);
  let sets = 2 * featureCount;
  for (let size = 2; size <= order; size++) sets += binomial(count, size);
  return rowCount + sets * rowCount ** 2;
}

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 0; i < k; i++) result = (result * (n - i)) / (i + 1);
  return Math.max(0, Math.round(result));
}

/**
 * Measures interactions by partial dependence functions over the rows, each centred: F_S(x) is the mean of f over rows with
 * the features S taken from x.
 *
 * What the features S do together is f_S = Σ_{T ⊆ S} (−1)^{|S|−|T|} F_T. H² = Σ f_S² / Σ F_S², and for one feature with all
 * others Σ (F − F_j − F_{−j})² / Σ F². Where the rows hold every combination equally often, the f_S are the orthogonal
 * components of the functional ANOVA and their shares sum to 1. Costs rows² runs for each set.
 */
export async function measureEffects(
  f: RowFunction,
  { candidateCount, order }: { readonly candidateCount: number; readonly order: number },
): Promise<Effects> {
  const featureCount = f.features.maxCount;
  f.expect(effectPoints(f.rowCount, featureCount, { candidateCount, order }));
  const whole = centred(await f.evaluate({ count: f.rowCount, rowOf: (row) => row, changesOf: () => [] }));
  const variance = meanSquare(whole);
  const partial = new Map<string, Float64Array>();
  const left = new Float64Array(featureCount);
  for (let feature = 0; feature < featureCount; feature++) {
    const own = await partialDependence(f, [feature]);
    const others = await dependenceOnOthers(f, feature);
    partial.set(String(feature), own);
    left[feature] = meanSquare(whole.map((value, row) => value - (own[row] ?? NaN) - (others[row] ?? NaN)));
  }
  const candidates = [...left.keys()]
    .sort((a, b) => (left[b] ?? 0) - (left[a] ?? 0) || a - b)
    .slice(0, candidateCount)
    .sort((a, b) => a - b);
  const interactions: Interaction[] = [];
  for (const features of subsets(candidates, order)) {
    partial.set(features.join(), await partialDependence(f, features));
    interactions.push(interactionOf(features, partial, variance));
  }
  const mainShare = Float64Array.from(left, (_, feature) =>
    variance === 0 ? 0 : meanSquare(partial.get(String(feature)) ?? new Float64Array()) / variance,
  );
  return { overall: left.map((value) => Math.sqrt(value / variance)), mainShare, candidates, interactions };
}

/** Mean over rows of f with some features taken from each row in turn, centred. */
function partialDependence(f: RowFunction, features: readonly number[]): Promise<Float64Array> {
  return meanOverOthers(f, {
    rowOf: (_, other) => other,
    changesOf: (row) => features.map((feature) => ({ feature, from: row })),
  });
}

/** The same with all features but one taken from each row. */
function dependenceOnOthers(f: RowFunction, feature: number): Promise<Float64Array> {
  return meanOverOthers(f, { rowOf: (row) => row, changesOf: (_, other) => [{ feature, from: other }] });
}

async function meanOverOthers(
  f: RowFunction,
  pairing: {
    readonly rowOf: (row: number, other: number) => number;
    readonly changesOf: (row: number, other: number) => readonly Change[];
  },
): Promise<Float64Array> {
  const { rowCount } = f;
  const values = await f.evaluate({
    count: rowCount ** 2,
    rowOf: (point) => pairing.rowOf(Math.floor(point / rowCount), point % rowCount),
    changesOf: (point) => pairing.changesOf(Math.floor(point / rowCount), point % rowCount),
  });
  const means = new Float64Array(rowCount);
  for (const [point, value] of values.entries()) {
    const row = Math.floor(point / rowCount);
    means[row] = (means[row] ?? 0) + value / rowCount;
  }
  return centred(means);
}

/** Sets of two to `order` of the features, smaller ones first. */
function subsets(features: readonly number[], order: number): number[][] {
  let level = features.map((_, at) => [at]);
  const all: number[][] = [];
  for (let size = 2; size <= order; size++) {
    level = level.flatMap((set) =>
      features.flatMap((_, at) => (at > (set.at(-1) ?? -1) ? [[...set, at]] : [])),
    );
    all.push(...level);
  }
  return all.map((set) => set.map((at) => features[at] ?? 0));
}

function interactionOf(
  features: readonly number[],
  partial: ReadonlyMap<string, Float64Array>,
  variance: number,
): Interaction {
  const joint = partial.get(features.join()) ?? new Float64Array();
  const own = new Float64Array(joint.length);
  for (let bits = 1; bits < 2 ** features.length; bits++) {
    const chosen = features.filter((_, at) => (bits >> at) % 2 === 1);
    const sign = (features.length - chosen.length) % 2 === 0 ? 1 : -1;
    const part = partial.get(chosen.join());
    for (const row of own.keys()) own[row] = (own[row] ?? 0) + sign * (part?.[row] ?? NaN);
  }
  const square = meanSquare(own);
  const whole = meanSquare(joint);
  return {
    features,
    h: whole === 0 ? NaN : Math.sqrt(square / whole),
    anovaShare: variance === 0 ? 0 : square / variance,
  };
}

function centred(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

function meanSquare(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
}
