import { maximise } from '../../../engine/numeric/linearProgram.js';

/** A box that inputs lie in; features whose ends are equal are fixed. */
export interface Box {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** Inputs with weights · x + bias ≤ 0. */
export interface HalfSpace {
  readonly weights: Float64Array;
  readonly bias: number;
}

/** The middle of a region, and how far the nearest wall is; both in the box scaled to sides of one. */
export interface Centre {
  readonly point: Float64Array;
  readonly radius: number;
}

/**
 * Regions thinner than this share of the box are taken for empty: the network is continuous, so what it gives there is what it
 * gives across the wall, up to its slope times this.
 */
export const thinnest = 1e-7;

/**
 * Returns the centre of the largest ball in a part of the box cut out by half spaces (its Chebyshev centre), a linear program;
 * a radius below 0 says by how much the part is empty.
 */
export function centreOf(box: Box, walls: readonly HalfSpace[]): Centre {
  const free = [...box.low.keys()].filter((i) => (box.high[i] ?? 0) > (box.low[i] ?? 0));
  const rows: Float64Array[] = [];
  const limits: number[] = [];
  for (const wall of walls) {
    const scaled = scaledWall(box, wall, free);
    if (scaled === undefined) {
      if (constantSide(box, wall) > 0) return { point: new Float64Array(box.low.length), radius: -Infinity };
      continue;
    }
    rows.push(scaled.row);
    limits.push(scaled.limit);
  }
  for (const [place] of free.entries()) {
    const [upper, lower] = [new Float64Array(free.length + 1), new Float64Array(free.length + 1)];
    [upper[place], lower[place]] = [1, -1];
    [upper[free.length], lower[free.length]] = [1, 1];
    rows.push(upper, lower);
    limits.push(1, 0);
  }
  // The radius may be negative and variables may not: lifted by `lift`, the corner of the box at radius −lift is allowed.
  const lift = Math.max(0, ...limits.map((limit) => -limit));
  const objective = new Float64Array(free.length + 1);
  objective[free.length] = 1;
  const solved = maximise({ objective, rows, limits: limits.map((limit) => limit + lift) });
  const point = new Float64Array(box.low.length);
  if (solved.kind === 'unbounded') return { point, radius: Infinity };
  for (const [place, feature] of free.entries()) point[feature] = solved.point[place] ?? 0;
  return { point, radius: (solved.point[free.length] ?? 0) - lift };
}

/** A wall in the scaled box, its normal of length one and the radius as last coordinate; undefined when no free feature matters. */
function scaledWall(
  box: Box,
  { weights, bias }: HalfSpace,
  free: readonly number[],
): { readonly row: Float64Array; readonly limit: number } | undefined {
  const row = new Float64Array(free.length + 1);
  let size = 0;
  for (const [place, feature] of free.entries()) {
    const slope = (weights[feature] ?? 0) * ((box.high[feature] ?? 0) - (box.low[feature] ?? 0));
    row[place] = slope;
    size += slope * slope;
  }
  size = Math.sqrt(size);
  if (size === 0) return undefined;
  for (let place = 0; place < free.length; place++) row[place] = (row[place] ?? 0) / size;
  row[free.length] = 1;
  return { row, limit: -constantSide(box, { weights, bias }) / size };
}

/** weights · low + bias. */
function constantSide(box: Box, { weights, bias }: HalfSpace): number {
  let sum = bias;
  for (const [i, low] of box.low.entries()) sum += (weights[i] ?? 0) * low;
  return sum;
}

/** Returns the least and greatest of weights · x + bias over the box. */
export function rangeOver(box: Box, { weights, bias }: HalfSpace): readonly [number, number] {
  let [least, greatest] = [bias, bias];
  for (const [i, weight] of weights.entries()) {
    const [a, b] = [weight * (box.low[i] ?? 0), weight * (box.high[i] ?? 0)];
    least += Math.min(a, b);
    greatest += Math.max(a, b);
  }
  return [least, greatest];
}
