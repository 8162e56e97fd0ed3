/** Infimum and supremum. */
export interface Extremes {
  readonly low: number;
  readonly high: number;
}

/** Where functions are looked at: every 1/64 to ±20, off the round numbers too, then 40 a decade to ±10⁸. */
export const samplePlaces: readonly number[] = places();

function places(): number[] {
  const near = Array.from({ length: 64 * 20 + 1 }, (_, i) => i / 64);
  // Not on the grid of the others, so that what oscillates is seen at all phases.
  const far = Array.from({ length: 40 * 6.7 }, (_, i) => 20 * 10 ** ((i + 0.37) / 40));
  const right = [...near, ...far];
  return [...right.map((x) => -x).reverse(), 0, ...right].filter(
    (x, i, all) => i === 0 || x > (all[i - 1] ?? 0),
  );
}

/** Golden-section steps: each narrows by 0.618. */
const refinements = 60;

/** Least growth from one pair of decades to the next, as a share of the one before, of what has no bound: ln x has 1. */
const unboundedGrowth = 0.5;

/** Growth below this over the last decades is convergence, or peaks of what oscillates that the grid hits better. */
const leastGrowth = 1e-3;
const leastGrowthShare = 0.05;

/** What is closer to 0 is the rounding of values at 10⁸. */
const zero = 1e-7;

/** Returns infimum and supremum of a function over all numbers, as far as a grid shows them. */
export function extremesOf(value: (x: number) => number): Extremes {
  const values = samplePlaces.map(value);
  const low = -supremum(
    (x) => -value(x),
    values.map((y) => -y),
  );
  const snapped = (bound: number): number => (Math.abs(bound) < zero ? 0 : bound);
  return { low: snapped(low), high: snapped(supremum(value, values)) };
}

function supremum(value: (x: number) => number, values: readonly number[]): number {
  if (values.includes(Infinity)) return Infinity;
  if (growsForever(values, 1) || growsForever(values, -1)) return Infinity;
  let best = -Infinity;
  let at = 0;
  for (const [i, y] of values.entries()) if (y > best) [best, at] = [y, i];
  const [left, right] = [samplePlaces[at - 1], samplePlaces[at + 1]];
  return left === undefined || right === undefined ? best : Math.max(best, refined(value, left, right));
}

/** Tells whether the largest value of a decade goes on growing as x does, to the right or to the left. */
function growsForever(values: readonly number[], side: 1 | -1): boolean {
  const peak = (decade: number): number => {
    let largest = -Infinity;
    for (const [i, x] of samplePlaces.entries()) {
      const distance = side * x;
      const y = values[i] ?? NaN;
      if (distance >= 10 ** decade && distance < 10 ** (decade + 1) && y > largest) largest = y;
    }
    return largest;
  };
  const [early, middle, late] = [peak(3), peak(5), peak(7)];
  const growth = late - middle;
  const isGrowing = growth > Math.max(leastGrowth, leastGrowthShare * Math.abs(middle));
  return isGrowing && growth >= unboundedGrowth * (middle - early);
}

/** The largest value between two places, where it has one peak there. */
function refined(value: (x: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [from, to];
  let best = -Infinity;
  for (let step = 0; step < refinements; step++) {
    const [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
    const [left, right] = [value(a), value(b)];
    best = Math.max(best, left, right);
    if (left > right) high = b;
    else low = a;
  }
  return best;
}
