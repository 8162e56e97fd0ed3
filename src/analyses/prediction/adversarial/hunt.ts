import type { Random } from '../../../base/random.js';
import type { Ball, Norm, ValidRange } from './ball.js';
import type { Victim } from './victim.js';

/** Names of the attacks. */
export const attackNames = ['fgsm', 'pgd', 'momentum', 'square'] as const;
export type AttackName = (typeof attackNames)[number];

/** What all attacks of a run have in common. */
export interface AttackPlan {
  readonly attack: AttackName;
  readonly norm: Norm;
  readonly steps: number;
  /** Share of epsilon of one step; null: what suits the attack. */
  readonly stepShare: number | null;
  readonly restarts: number;
  readonly decay: number;
  readonly queries: number;
  readonly range: ValidRange;
  /** Shape of a row, for squares. */
  readonly dims: readonly number[];
  readonly channelAxis: number | undefined;
  /** Whether the classes are wanted, not to be left. */
  readonly isTargeted: boolean;
  readonly random: Random;
}

/** Rows that are attacked: of the data, their values, classes and how far each may be moved. */
export interface Prey {
  readonly rows: readonly number[];
  /** Values, row after row. */
  readonly values: Float32Array;
  readonly classes: readonly number[];
  readonly epsilons: readonly number[];
}

/** Returns the gap of every point from its scores. */
export function gapsOf(scores: Float64Array, classes: readonly number[], isTargeted: boolean): Float64Array {
  const classCount = scores.length / Math.max(1, classes.length);
  return Float64Array.from(classes, (own, point) => {
    let other = -Infinity;
    for (let at = 0; at < classCount; at++) {
      if (at !== own) other = Math.max(other, scores[point * classCount + at] ?? NaN);
    }
    const gap = other - (scores[point * classCount + own] ?? NaN);
    return isTargeted ? -gap : gap;
  });
}

/** An attack under way. */
export interface Hunt {
  readonly victim: Victim;
  readonly prey: Prey;
  readonly plan: AttackPlan & { readonly stopsWhenFooled: boolean };
  readonly best: { readonly values: Float32Array; readonly gaps: Float64Array };
  readonly hadGradient: boolean[];
  queryCount: number;
  ball(index: number): Ball;
  /** The values of one prey. */
  part(values: Float32Array, index: number): Float32Array;
  /** Prey still worth attacking. */
  open(): number[];
  /** Keeps points that are better than the best so far. */
  keep(indices: readonly number[], values: Float32Array, gaps: Float64Array): void;
}

/** Starts an attack: nothing is better than nothing yet. */
export function startHunt(victim: Victim, prey: Prey, plan: Hunt['plan']): Hunt {
  const { size } = victim;
  const best = {
    values: prey.values.slice(),
    gaps: new Float64Array(prey.rows.length).fill(-Infinity),
  };
  const part = (values: Float32Array, index: number): Float32Array =>
    values.subarray(index * size, (index + 1) * size);
  return {
    victim,
    prey,
    plan,
    best,
    hadGradient: prey.rows.map(() => plan.attack === 'square'),
    queryCount: 0,
    part,
    ball: (index) => ({
      norm: plan.norm,
      epsilon: prey.epsilons[index] ?? 0,
      centre: part(prey.values, index),
      range: plan.range,
    }),
    open: () => [...prey.rows.keys()].filter((i) => !plan.stopsWhenFooled || !((best.gaps[i] ?? NaN) > 0)),
    keep: (indices, values, gaps) => {
      for (const [at, index] of indices.entries()) {
        const gap = gaps[at] ?? NaN;
        if (!(gap > (best.gaps[index] ?? NaN))) continue;
        best.gaps[index] = gap;
        part(best.values, index).set(part(values, at));
      }
    },
  };
}

/** Returns rows one after the other in one array. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const size = parts[0]?.length ?? 0;
  const values = new Float32Array(parts.length * size);
  for (const [i, part] of parts.entries()) values.set(part, i * size);
  return values;
}
