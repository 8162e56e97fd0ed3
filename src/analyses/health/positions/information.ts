import type { PositionCounts } from './measure.js';

/**
 * Returns the mutual information of (active, position) of each unit, in nats:
 * I = Σ_p P(p) [f_p ln(f_p / f) + (1 − f_p) ln((1 − f_p) / (1 − f))], where f_p is the share of rows with the unit active at
 * position p and f its mean over positions by P(p), the share of rows that position p has.
 */
export function informationOf({ rowCounts, activeCounts, target }: PositionCounts): Float64Array {
  const all = rowCounts.reduce((sum, count) => sum + count, 0);
  return Float64Array.from({ length: target.unitCount }, (_, unit) => {
    const activeAt = (position: number): number => activeCounts[position]?.[unit] ?? 0;
    const share = rowCounts.reduce((sum, _count, position) => sum + activeAt(position), 0) / all;
    return rowCounts.reduce((sum, count, position) => {
      if (count === 0) return sum;
      const own = activeAt(position) / count;
      return sum + (count / all) * (term(own, share) + term(1 - own, 1 - share));
    }, 0);
  });
}

/** a ln(a / b), 0 for a = 0. */
function term(a: number, b: number): number {
  return a === 0 ? 0 : a * Math.log(a / b);
}

/** Returns the share of rows that a unit is active in at each position; NaN where no row reaches. */
export function curveOf({ rowCounts, activeCounts }: PositionCounts, unit: number): number[] {
  return rowCounts.map((count, position) => (activeCounts[position]?.[unit] ?? 0) / count);
}
