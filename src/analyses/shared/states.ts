import type { ActivationFamily } from '../../onnx/layers/activationFamilies.js';
import type { UnitStatistics } from './unitStatistics.js';

/** How units are judged: by the family of their activation, or not at all (statistics, no state). */
export type StateRule = ActivationFamily | { readonly kind: 'unjudged' };

/** The state of a unit over the samples of a sweep. */
export type UnitState = (typeof unitStates)[number];

/** The states by their code in the array `LAYER.state`. The codes never change; new states are appended. */
export const unitStates = [
  'active',
  'dead',
  'rare',
  'always-on',
  'constant',
  'saturated',
  'always-negative',
  'not-finite',
  'not-judged',
] as const;

/** What each state means, one sentence. */
export const stateMeanings: Readonly<Record<UnitState, string>> = {
  active: 'Nothing unusual.',
  dead: 'Never active on any sample.',
  rare: 'Active on fewer than 0.1 % of the samples.',
  'always-on': 'Active on every element: it never switches.',
  constant: 'Its largest and smallest output are (almost) the same.',
  saturated: 'At least 99 % of its outputs lie within 1 % of a bound.',
  'always-negative': 'Never above 0: only the leaking slope is ever used.',
  'not-finite': 'NaN or infinite somewhere, entering or leaving the activation.',
  'not-judged': 'Statistics only: this activation has no states.',
};

/** Share of samples under which a unit is rare. */
const rareShare = 0.001;

/** Samples under which `rare` is not judged: fewer cannot tell 0.1 % from 0. */
export const rareMinimumSampleCount = 3000;

/** Share of outputs near a bound from which a unit is saturated. */
const saturatedShare = 0.99;

/** How near a bound counts as at it: 1 % of the width between the bounds (of |bound| where there is one). */
const boundShare = 0.01;

/** What states are judged by besides the counts. */
export interface StateOptions {
  /** Relative width under which a unit is constant. */
  readonly epsilon: number;
}

/** Returns the outputs at or beyond which a unit is at a bound; absent where there is none. */
export function saturationBounds(
  rule: StateRule,
): { readonly low: number; readonly high?: number } | undefined {
  if (rule.kind === 'exponential') return { low: rule.low + boundShare * Math.abs(rule.low) };
  if (rule.kind !== 'bounded') return undefined;
  const margin = boundShare * (rule.high - rule.low);
  return { low: rule.low + margin, high: rule.high - margin };
}

/** Returns the code of each unit's state; units without any element are not judged. */
export function judgeUnits(statistics: UnitStatistics, rule: StateRule, options: StateOptions): Uint8Array {
  const codes = new Uint8Array(statistics.unitCount);
  for (let unit = 0; unit < codes.length; unit++) {
    codes[unit] = unitStates.indexOf(judgeUnit(statistics, unit, rule, options));
  }
  return codes;
}

/**
 * Returns the state of one unit: the first that holds of not-finite, constant, dead, always-negative, saturated, rare,
 * always-on, else active.
 */
export function judgeUnit(
  statistics: UnitStatistics,
  unit: number,
  rule: StateRule,
  options: StateOptions,
): UnitState {
  const of = (field: Float64Array): number => field[unit] ?? 0;
  const { elementCount, sampleCount } = statistics;
  if (elementCount === 0) return 'not-judged';
  const nonFinite =
    of(statistics.nanEntering) +
    of(statistics.infiniteEntering) +
    of(statistics.nanLeaving) +
    of(statistics.infiniteLeaving);
  if (nonFinite > 0) return 'not-finite';
  if (rule.kind === 'unjudged') return 'not-judged';
  if (isConstant(of(statistics.maximum) - of(statistics.minimum), rule, options)) return 'constant';
  if (canDie(rule) && of(statistics.activeCount) === 0) return 'dead';
  if (rule.kind === 'leaky' && of(statistics.positiveCount) === 0) return 'always-negative';
  if (
    saturationBounds(rule) !== undefined &&
    of(statistics.saturatedCount) >= saturatedShare * elementCount
  ) {
    return 'saturated';
  }
  if (rule.kind === 'bounded') return 'active';
  const isRareJudged = sampleCount >= rareMinimumSampleCount;
  if (isRareJudged && of(statistics.activeSampleCount) < rareShare * sampleCount) return 'rare';
  const canBeAlwaysOn = rule.kind !== 'exponential';
  return canBeAlwaysOn && of(statistics.activeCount) === elementCount ? 'always-on' : 'active';
}

function canDie(rule: StateRule): boolean {
  return rule.kind === 'rectifier' || rule.kind === 'smooth-rectifier';
}

/** ELU-like outputs have one bound: its distance from 0 stands for the width. */
function isConstant(range: number, rule: StateRule, { epsilon }: StateOptions): boolean {
  if (rule.kind === 'bounded') return range <= epsilon * (rule.high - rule.low);
  return rule.kind === 'exponential' && range <= epsilon * Math.abs(rule.low);
}

/** Returns "0 of N" with its meaning: a rate below 3/N at 95 % (the rule of three), which says nothing up to N = 3. */
export function neverOf(sampleCount: number): string {
  const counted = `0 of ${sampleCount.toLocaleString('en')} ${sampleCount === 1 ? 'sample' : 'samples'}`;
  if (sampleCount <= 3) return `${counted}, too few to bound the rate`;
  const bound = (300 / sampleCount).toPrecision(2);
  return `${counted}, that is a rate below ${Number(bound)} % at 95 % confidence`;
}
