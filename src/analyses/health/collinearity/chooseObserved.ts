import type { Random } from '../../../base/random.js';
import type { LayerPlan, UnmeasuredLayer } from '../../shared/layerPlan.js';
import { sizesOf } from '../../shared/targetPlan.js';
import type { SweepTarget } from '../../shared/targetTap.js';
import type { Observed } from './observe.js';

/** What bounds the units and positions that are looked at. */
export interface ObservationLimits {
  readonly sampleCount: number;
  readonly unitLimit: number;
  readonly positionLimit: number;
  readonly random: Random;
}

/**
 * Returns which units and positions of which layers are looked at, and why the other layers are not: what only feeds an activation
 * is measured behind it, and it takes two observations for every unit.
 */
export function chooseObserved(
  plan: LayerPlan,
  limits: ObservationLimits,
): { readonly observed: Observed[]; readonly unmeasured: UnmeasuredLayer[] } {
  const isActivation = ({ layer }: SweepTarget): boolean =>
    plan.table.byName.get(layer)?.kind === 'activation';
  const activated = new Set(plan.targets.filter(isActivation).map(({ entering }) => entering));
  const unmeasured = [...plan.unmeasured];
  const observed: Observed[] = [];
  for (const target of plan.targets) {
    if (activated.has(target.leaving)) continue;
    const chosen = choose(target, positionsOf(target, plan), limits);
    if (typeof chosen === 'string') unmeasured.push({ layer: target.layer, reason: chosen });
    else observed.push(chosen);
  }
  return { observed, unmeasured };
}

/** Returns why a layer has too few observations. */
export function whyTooFew(unitCount: number, observationCount: number): string {
  if (unitCount < 2) return 'it has one unit only';
  const observations = observationCount === 1 ? '1 observation is' : `${observationCount} observations are`;
  return `${observations} too few for ${unitCount} units: pass more samples`;
}

function choose(target: SweepTarget, positionCount: number, limits: ObservationLimits): Observed | string {
  const { sampleCount, unitLimit, positionLimit, random } = limits;
  const taken = Math.min(positionCount, positionLimit);
  const observationCount = sampleCount * target.rowsPerSample * taken;
  const unitCount = Math.min(target.unitCount, unitLimit, Math.floor(observationCount / 2));
  if (unitCount < 2) return whyTooFew(target.unitCount, observationCount);
  return {
    target,
    units: drawUnits(random, target.unitCount, unitCount),
    places:
      positionCount <= positionLimit
        ? undefined
        : // One in each of as many equal parts.
          Array.from({ length: taken }, (_, part) => (part + random.next()) / taken),
  };
}

/** Positions of a row, on the first batch. */
function positionsOf(target: SweepTarget, { facts }: LayerPlan): number {
  const sizes = sizesOf(facts?.types.get(target.leaving)) ?? [];
  const size = sizes.slice(1).reduce((product, own) => product * own, 1);
  return size / target.unitCount;
}

function drawUnits(random: Random, total: number, count: number): number[] {
  if (count >= total) return Array.from({ length: total }, (_, unit) => unit);
  return [...random.permutation(total).subarray(0, count)].sort((a, b) => a - b);
}
