import { edgesOf } from '../../engine/numeric/histogram.js';
import type { Spread } from '../../engine/numeric/spread.js';
import { toReportNumber } from '../../protocol/reportNumbers.js';
import type { Evidence } from '../../protocol/report.js';
import type { UnitHistogram, UnitProfile, UnitSpread } from '../../protocol/units.js';
import { sampleCountWarnings } from '../shared/healthRun.js';
import { judgeUnit, stateMeanings, type UnitState } from '../shared/states.js';
import type { MeasuredUnit } from './measureUnit.js';

/** What a profile says of a neuron apart from examples and of how it was run. */
export type UnitFigures = Omit<
  UnitProfile,
  'topExamples' | 'nearestExamples' | 'randomExamples' | 'seed' | 'provider' | 'batchSize' | 'durationMs'
>;

/** Returns the figures of a neuron; costs a pass over the numbers kept for its histograms. */
export function unitFiguresOf(
  measured: MeasuredUnit,
  options: { readonly epsilon: number; readonly binCount: number },
): UnitFigures {
  const { place, plan, fold, availableCount, hasRms } = measured;
  const { statistics, leaving, entering } = fold;
  const { sampleCount, elementCount } = statistics;
  const state = judgeUnit(statistics, 0, place.rule, { epsilon: options.epsilon });
  const seen = { sampleCount, availableCount, binCount: options.binCount };
  return {
    address: place.address,
    measuredAt: place.measuredAt,
    sampleCount,
    sampleTotal: availableCount,
    elementCount,
    state,
    stateMeaning: meaningOf(state, measured),
    evidence: evidenceOf(sampleCount, availableCount),
    ...spreadOf(leaving, seen),
    activeSampleCount: statistics.activeSampleCount[0] ?? 0,
    activeFraction: toReportNumber((statistics.positiveCount[0] ?? NaN) / elementCount),
    ...(plan.entering === undefined ? {} : { before: spreadOf(entering, seen) }),
    warnings: [...plan.warnings, ...(isJudged(measured) ? sampleCountWarnings(sampleCount, hasRms) : [])],
  };
}

function isJudged({ place }: MeasuredUnit): boolean {
  return place.rule.kind !== 'unjudged';
}

function meaningOf(state: UnitState, { place, fold }: MeasuredUnit): string {
  const { elementCount } = fold.statistics;
  if (state !== 'not-judged') return stateMeanings[state];
  const why = elementCount === 0 ? 'every position is masked' : place.whyNotJudged;
  return why === undefined ? stateMeanings[state] : `Not judged: ${why}.`;
}

interface Seen {
  readonly sampleCount: number;
  readonly availableCount: number;
  readonly binCount: number;
}

function spreadOf(spread: Spread, seen: Seen): UnitSpread {
  const isEmpty = spread.count === 0;
  return {
    maximum: toReportNumber(isEmpty ? NaN : spread.maximum),
    minimum: toReportNumber(isEmpty ? NaN : spread.minimum),
    mean: toReportNumber(spread.mean),
    standardDeviation: toReportNumber(spread.standardDeviation),
    histogram: histogramOf(spread, seen),
  };
}

function histogramOf(spread: Spread, { availableCount, binCount }: Seen): UnitHistogram {
  const histogram = spread.histogram(binCount);
  const evidence = evidenceOf(spread.keptSampleCount, availableCount);
  if (histogram === undefined) return { edges: [], counts: [], evidence };
  return { edges: edgesOf(histogram), counts: [...histogram.counts], evidence };
}

function evidenceOf(sampleCount: number, availableCount: number): Evidence {
  return sampleCount < availableCount
    ? {
        kind: 'sampled',
        n: sampleCount,
        how: `the first ${sampleCount.toLocaleString('en')} of ${availableCount.toLocaleString('en')} samples`,
      }
    : { kind: 'measured', n: sampleCount };
}
