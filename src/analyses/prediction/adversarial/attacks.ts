import type { Random } from '../../../base/random.js';
import { type Ball, distance, project } from './ball.js';
import { type AttackPlan, gapsOf, type Hunt, joined, type Prey, startHunt } from './hunt.js';
import { squareAttack } from './squareAttack.js';
import type { Victim } from './victim.js';

/** What an attack found, prey by prey. */
export interface Caught {
  /** The best point: that with the largest gap. */
  readonly values: Float32Array;
  /** Largest score of another class minus that of the label (or the other way round for a class wanted); above 0: fooled. */
  readonly gaps: Float64Array;
  readonly distances: Float64Array;
  /** Times that a score was asked for. */
  readonly queryCount: number;
  /** Prey whose gradient was zero everywhere it was asked for. */
  readonly flatCount: number;
}

/** Attacks rows; with `stopsWhenFooled` a row is left alone once it is fooled, which saves runs. */
export async function attackRows(
  victim: Victim,
  prey: Prey,
  plan: AttackPlan & { readonly stopsWhenFooled: boolean },
): Promise<Caught> {
  const hunt = startHunt(victim, prey, plan);
  if (plan.attack === 'square') await squareAttack(hunt);
  else {
    for (let restart = 0; restart < plan.restarts; restart++) await climb(hunt, restart);
  }
  const { best } = hunt;
  return {
    values: best.values,
    gaps: best.gaps,
    distances: Float64Array.from(prey.rows, (_, i) =>
      distance(plan.norm, hunt.part(best.values, i), hunt.part(prey.values, i)),
    ),
    queryCount: hunt.queryCount,
    flatCount: hunt.hadGradient.filter((had) => !had).length,
  };
}

/** Gradient ascent in the ball: one step for FGSM, many for PGD and momentum. */
async function climb(hunt: Hunt, restart: number): Promise<void> {
  const { plan, prey, victim } = hunt;
  const steps = plan.attack === 'fgsm' ? 1 : plan.steps;
  const current = prey.values.slice();
  if (restart > 0) for (const i of hunt.open()) jump(hunt.part(current, i), hunt.ball(i), plan.random);
  const velocity = new Float64Array(plan.attack === 'momentum' ? current.length : 0);
  for (let step = 0; step <= steps; step++) {
    const open = hunt.open();
    if (open.length === 0) return;
    const points = {
      rows: open.map((i) => prey.rows[i] ?? 0),
      values: joined(open.map((i) => hunt.part(current, i))),
      classes: open.map((i) => prey.classes[i] ?? 0),
    };
    const isLast = step === steps;
    const { scores, gradients } = isLast
      ? { scores: await victim.scores(points), gradients: new Float32Array() }
      : await victim.gradients(points);
    hunt.queryCount += open.length;
    hunt.keep(open, points.values, gapsOf(scores, points.classes, plan.isTargeted));
    if (isLast) return;
    for (const [at, i] of open.entries()) {
      const gradient = gradients.subarray(at * victim.size, (at + 1) * victim.size);
      if (gradient.some((slope) => slope !== 0)) hunt.hadGradient[i] = true;
      const own = velocity.subarray(i * victim.size, (i + 1) * victim.size);
      const direction = plan.attack === 'momentum' ? withMomentum(own, gradient, plan.decay) : gradient;
      move(hunt.part(current, i), direction, {
        ball: hunt.ball(i),
        share: stepShare(plan, steps),
        sign: plan.isTargeted ? -1 : 1,
      });
    }
  }
}

/** Steps of PGD are long enough to cross the ball and come back; those of momentum just reach its edge. */
function stepShare({ attack, stepShare: wanted }: AttackPlan, steps: number): number {
  if (attack === 'fgsm') return 1;
  return wanted ?? (attack === 'momentum' ? 1 / steps : Math.min(1, 2.5 / steps));
}

/** Momentum gathers gradients, each divided by the sum of its absolute values. */
function withMomentum(velocity: Float64Array, gradient: Float32Array, decay: number): Float64Array {
  const size = gradient.reduce((sum, slope) => sum + Math.abs(slope), 0);
  for (let i = 0; i < velocity.length; i++) {
    velocity[i] = decay * (velocity[i] ?? 0) + (size === 0 ? 0 : (gradient[i] ?? 0) / size);
  }
  return velocity;
}

/** Goes a step along the sign (L∞) or the direction (L2) of a gradient, and back into the ball. */
function move(
  point: Float32Array,
  direction: ArrayLike<number>,
  { ball, share, sign }: { readonly ball: Ball; readonly share: number; readonly sign: number },
): void {
  const length = share * ball.epsilon * sign;
  let size = 1;
  if (ball.norm === 'l2') {
    size = 0;
    for (let i = 0; i < direction.length; i++) size += (direction[i] ?? 0) ** 2;
    size = Math.sqrt(size);
    if (size === 0) return;
  }
  for (let i = 0; i < point.length; i++) {
    const slope = direction[i] ?? 0;
    point[i] = (point[i] ?? NaN) + length * (ball.norm === 'linf' ? Math.sign(slope) : slope / size);
  }
  project(point, ball);
}

/** Jumps to a random point: anywhere in the cube of an L∞ ball, on a random ray of an L2 ball. */
function jump(point: Float32Array, ball: Ball, random: Random): void {
  const { epsilon, norm } = ball;
  if (norm === 'linf') {
    for (let i = 0; i < point.length; i++) point[i] = (point[i] ?? NaN) + epsilon * (2 * random.next() - 1);
  } else {
    const ray = Float64Array.from(point, () => random.normal());
    const size = Math.sqrt(ray.reduce((sum, part) => sum + part * part, 0));
    const radius = epsilon * random.next() ** (1 / point.length);
    for (let i = 0; i < point.length; i++) point[i] = (point[i] ?? NaN) + (radius * (ray[i] ?? 0)) / size;
  }
  project(point, ball);
}
