import { quadrature } from './quadrature.js';

/** Values and slopes of a function of one number at some points. */
export interface FunctionValues {
  readonly values: Float64Array;
  readonly slopes: Float64Array;
}

/** Moments of f(z) and f′(z) with z normal. */
export interface GaussianMoments {
  /** E f(z). */
  readonly mean: number;
  /** E f(z)². */
  readonly square: number;
  /** E f′(z)². */
  readonly slopeSquare: number;
}

const rule = quadrature('gauss-legendre', 10);

/** Standard deviations on either side; what lies beyond has a probability of 1e-19. */
const reach = 9;

/** Pieces to start with, so that a function narrow against σ is not stepped over. */
const firstPieces = 64;

/** Halvings of a piece at most: a kink is then within σ · 2⁻²⁶. */
const maxHalvings = 24;

/** Where common activations have a kink: pieces end there. */
const kinks = [-3, -2.5, -1, 0, 1, 2.5, 3, 6];

/**
 * Returns the moments by adaptive piecewise quadrature: Gauss–Legendre on pieces that are halved until both halves together
 * agree with the whole, so that pieces close in on kinks and narrow peaks, where a rule for the whole line fails. Points are
 * asked for a whole generation of pieces at a time. With σ = 0, the values at the mean.
 */
export async function gaussianMoments(
  at: (points: Float64Array) => Promise<FunctionValues>,
  { mean, deviation }: { readonly mean: number; readonly deviation: number },
): Promise<GaussianMoments> {
  if (deviation === 0) {
    const { values, slopes } = await at(Float64Array.of(mean));
    const [value = NaN, slope = NaN] = [values[0], slopes[0]];
    return { mean: value, square: value * value, slopeSquare: slope * slope };
  }
  const integrate = (pieces: readonly Piece[]): Promise<Sums[]> => integrals(at, pieces, { mean, deviation });
  const total: Sums = [0, 0, 0];
  let open = startingPieces(mean, deviation);
  let wholes = await integrate(open);
  for (let halving = 0; open.length > 0; halving++) {
    const halves = await integrate(
      open.flatMap(([low, high]): Piece[] => [
        [low, (low + high) / 2],
        [(low + high) / 2, high],
      ]),
    );
    const next: Piece[] = [];
    const nextWholes: Sums[] = [];
    for (const [i, [low, high]] of open.entries()) {
      const [left, right] = [halves[2 * i] ?? total, halves[2 * i + 1] ?? total];
      const both = add(left, right);
      if (halving === maxHalvings || agree(both, wholes[i] ?? total)) {
        for (const k of [0, 1, 2] as const) total[k] += both[k];
      } else {
        const middle = (low + high) / 2;
        next.push([low, middle], [middle, high]);
        nextWholes.push(left, right);
      }
    }
    [open, wholes] = [next, nextWholes];
  }
  return { mean: total[0], square: total[1], slopeSquare: total[2] };
}

type Piece = readonly [low: number, high: number];

/** ∫ f, ∫ f² and ∫ f′² against the density. */
type Sums = [number, number, number];

function startingPieces(mean: number, deviation: number): Piece[] {
  const [low, high] = [mean - reach * deviation, mean + reach * deviation];
  const edges = Array.from({ length: firstPieces + 1 }, (_, i) => low + ((high - low) * i) / firstPieces);
  const all = [...edges, ...kinks.filter((kink) => kink > low && kink < high)].sort((a, b) => a - b);
  return all.slice(1).map((edge, i): Piece => [all[i] ?? low, edge]);
}

async function integrals(
  at: (points: Float64Array) => Promise<FunctionValues>,
  pieces: readonly Piece[],
  { mean, deviation }: { readonly mean: number; readonly deviation: number },
): Promise<Sums[]> {
  const points = Float64Array.from(
    pieces.flatMap(([low, high]) => Array.from(rule.points, (point) => low + (high - low) * point)),
  );
  const { values, slopes } = await at(points);
  return pieces.map(([low, high], piece) => {
    const sums: Sums = [0, 0, 0];
    for (const [i, weight] of rule.weights.entries()) {
      const place = piece * rule.points.length + i;
      const z = ((points[place] ?? NaN) - mean) / deviation;
      const density = (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI) / deviation) * weight * (high - low);
      const [value, slope] = [values[place] ?? NaN, slopes[place] ?? NaN];
      sums[0] += density * value;
      sums[1] += density * value * value;
      sums[2] += density * slope * slope;
    }
    return sums;
  });
}

function add(a: Sums, b: Sums): Sums {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

/** Values are float32: closer than this is rounding. NaN agrees, so that it ends and shows. */
function agree(a: Sums, b: Sums): boolean {
  return !a.some((value, k) => Math.abs(value - (b[k] ?? NaN)) > 1e-9 + 1e-6 * Math.abs(value));
}
