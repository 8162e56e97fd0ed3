import { attackRows } from './attacks.js';
import { type Curve, partOf } from './curve.js';
import type { AttackPlan, Prey } from './hunt.js';
import type { Victim } from './victim.js';

/** The largest ε that is tried, as a multiple of the curve's last. */
const farthest = 4;

/**
 * Returns the smallest perturbation per row that the attack could fool the model with, by bisection between an ε that held and
 * one that did not: 0 where the row is wrong as it is, ∞ where nothing up to four times the curve's end fooled it.
 *
 * An upper bound of the true distance to the boundary: a stronger attack may find a nearer point. All rows are bisected at once.
 */
export async function minimalPerturbations(
  victim: Victim,
  prey: Prey,
  at: {
    readonly plan: AttackPlan;
    readonly cleanGaps: Float64Array;
    readonly curve: Curve;
    readonly rounds: number;
  },
): Promise<Float64Array> {
  const low = at.curve.heldAt.slice();
  const high = at.curve.fooledAt.slice();
  const last = at.curve.points.at(-1)?.epsilon ?? 0;
  const attack = async (indices: readonly number[], epsilonOf: (i: number) => number): Promise<void> => {
    const part = { ...partOf(prey, indices, victim.size), epsilons: indices.map(epsilonOf) };
    const caught = await attackRows(victim, part, { ...at.plan, stopsWhenFooled: true });
    for (const [place, i] of indices.entries()) {
      const epsilon = part.epsilons[place] ?? 0;
      if ((caught.gaps[place] ?? NaN) > 0) {
        high[i] = Math.min(high[i] ?? Infinity, caught.distances[place] ?? epsilon);
      } else low[i] = Math.max(low[i] ?? 0, epsilon);
    }
  };
  const unfooled = [...high.keys()].filter((i) => high[i] === Infinity);
  await attack(unfooled, () => farthest * last);
  for (let round = 0; round < at.rounds; round++) {
    const open = [...high.keys()].filter((i) => Number.isFinite(high[i]) && (low[i] ?? 0) < (high[i] ?? 0));
    await attack(open, (i) => ((low[i] ?? 0) + (high[i] ?? 0)) / 2);
  }
  return high;
}
