import { attackRows } from './attacks.js';
import { distance, project } from './ball.js';
import { type AttackPlan, gapsOf, joined, type Prey } from './hunt.js';
import type { Victim } from './victim.js';

/** How rows fare within one ε. */
export interface CurvePoint {
  readonly epsilon: number;
  /** Share of rows that are still right (or not yet of the class wanted). */
  readonly accuracy: number;
  /** The same when every element moves by ±ε (or to a random point on the sphere of L2) at random: harm without intent. */
  readonly noiseAccuracy: number;
}

/** A curve, and what it says of each row. */
export interface Curve {
  readonly points: readonly CurvePoint[];
  /** Largest ε that held, 0 where the row is wrong as it is. */
  readonly heldAt: Float64Array;
  /** Smallest perturbation that fooled; ∞ where none did. */
  readonly fooledAt: Float64Array;
}

/**
 * Attacks the rows within growing ε; a row that is fooled within one is fooled within all larger, since their balls hold the
 * same point, and is not attacked again.
 */
export async function measureCurve(
  victim: Victim,
  prey: Prey,
  at: { readonly plan: AttackPlan; readonly cleanGaps: Float64Array; readonly epsilons: readonly number[] },
): Promise<Curve> {
  const { plan, cleanGaps } = at;
  const count = prey.rows.length;
  const heldAt = new Float64Array(count);
  const fooledAt = Float64Array.from(cleanGaps, (gap) => (gap > 0 ? 0 : Infinity));
  const share = (isRight: (row: number) => boolean): number =>
    prey.rows.filter((_, i) => isRight(i)).length / count;
  const right = share((i) => fooledAt[i] === Infinity);
  const points: CurvePoint[] = [{ epsilon: 0, accuracy: right, noiseAccuracy: right }];
  for (const epsilon of at.epsilons) {
    const open = [...prey.rows.keys()].filter((i) => fooledAt[i] === Infinity);
    const part = partOf(prey, open, victim.size);
    const within = { ...part, epsilons: open.map(() => epsilon) };
    const caught = await attackRows(victim, within, { ...plan, stopsWhenFooled: true });
    for (const [place, i] of open.entries()) {
      if ((caught.gaps[place] ?? NaN) > 0) fooledAt[i] = caught.distances[place] ?? epsilon;
      else heldAt[i] = epsilon;
    }
    const noisy = await noiseGaps(victim, prey, { plan, epsilon });
    points.push({
      epsilon,
      accuracy: share((i) => fooledAt[i] === Infinity),
      noiseAccuracy: share((i) => !((noisy[i] ?? NaN) > 0)),
    });
  }
  return { points, heldAt, fooledAt };
}

/** Returns some of the prey. */
export function partOf(prey: Prey, indices: readonly number[], size: number): Prey {
  return {
    rows: indices.map((i) => prey.rows[i] ?? 0),
    values: joined(indices.map((i) => prey.values.subarray(i * size, (i + 1) * size))),
    classes: indices.map((i) => prey.classes[i] ?? 0),
    epsilons: indices.map((i) => prey.epsilons[i] ?? 0),
  };
}

async function noiseGaps(
  victim: Victim,
  prey: Prey,
  { plan, epsilon }: { readonly plan: AttackPlan; readonly epsilon: number },
): Promise<Float64Array> {
  const { norm, random, range } = plan;
  const moved = prey.rows.map((_, i) => {
    const centre = prey.values.subarray(i * victim.size, (i + 1) * victim.size);
    const point = centre.slice();
    for (let at = 0; at < point.length; at++) {
      point[at] =
        (point[at] ?? NaN) + (norm === 'linf' ? epsilon * (random.next() < 0.5 ? -1 : 1) : random.normal());
    }
    if (norm === 'l2') {
      const scale = epsilon / distance('l2', point, centre);
      for (let at = 0; at < point.length; at++) {
        point[at] = (centre[at] ?? NaN) + scale * ((point[at] ?? NaN) - (centre[at] ?? NaN));
      }
    }
    project(point, { norm, epsilon, centre, range });
    return point;
  });
  const scores = await victim.scores({ rows: prey.rows, values: joined(moved), classes: prey.classes });
  return gapsOf(scores, prey.classes, plan.isTargeted);
}
