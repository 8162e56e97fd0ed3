import { dataTypeFacts } from '../../onnx/dataTypes.js';
import type { Model } from '../../onnx/model.js';
import type { Condition } from '../../engine/rewrites/reduce.js';
import { saturationBounds, type StateRule } from './states.js';
import { buildGraph, type SweepGraph, type SweepTarget, type TargetTap } from './targetTap.js';

/** Names of a sweep's outputs for one target, each `[N · rowsPerSample, U]` but for `shape`. */
export interface TargetOutputs {
  readonly target: SweepTarget;
  readonly shape: string;
  readonly maximum: string;
  readonly minimum: string;
  readonly sum: string;
  /** Undefined without positions, where it is the square of the sum. */
  readonly squares: string | undefined;
  readonly positive: string;
  /** Elements equal to 0; undefined where non-zero and positive are the same. */
  readonly zeros?: string;
  /** Elements active relative to the layer's RMS. */
  readonly relative?: string;
  readonly saturated?: string;
  /** Not finite exactly when an element entering is not (or the sum overflows, which is told apart later). */
  readonly enteringSum?: string;
}

/**
 * Returns the model computing, per sample and unit, all that one batch adds to the statistics; everything else is pruned.
 *
 * Every reduction keeps the batch axis: the results are small next to the activations, add up in float64 outside, and give
 * the maximum, the samples a unit is active on and its top examples at once. Sums stand in for tests of every element: NaN
 * and infinities survive addition, so a finite sum proves that its elements are finite.
 */
export function statisticsGraph(
  model: Model,
  targets: readonly SweepTarget[],
  thresholds: ReadonlyMap<SweepTarget, number>,
): SweepGraph<TargetOutputs> {
  return buildGraph(model, targets, (tap) => {
    const { target } = tap;
    const threshold = thresholds.get(target);
    const bounds = saturationBounds(target.rule);
    return {
      target,
      shape: tap.expose(tap.builder.node('Shape', [tap.leaving])),
      maximum: tap.reduce('maximum', tap.filled(-Infinity)),
      minimum: tap.reduce('minimum', tap.filled(Infinity)),
      sum: tap.reduce('sum', tap.filled(0)),
      squares: tap.hasPositions ? tap.reduce('sumOfSquares', tap.filled(0)) : undefined,
      positive: tap.count({ kind: 'greater', bound: tap.scalar(0) }),
      ...(isNeverNegative(target.rule) ? {} : { zeros: tap.count({ kind: 'equal', to: tap.scalar(0) }) }),
      ...(threshold === undefined ? {} : { relative: tap.countAbove(threshold) }),
      ...(bounds === undefined ? {} : { saturated: tap.count(saturation(tap, bounds)) }),
      ...(tap.entering === undefined ? {} : { enteringSum: tap.finiteness(tap.entering) }),
    };
  });
}

/** Names of the outputs that measure a layer's RMS. */
export interface SquareOutputs {
  readonly target: SweepTarget;
  readonly sumOfSquares: string;
  readonly shape: string;
}

/** Returns the model computing the sum of squares per sample and unit. */
export function squaresGraph(model: Model, targets: readonly SweepTarget[]): SweepGraph<SquareOutputs> {
  return buildGraph(model, targets, (tap) => ({
    target: tap.target,
    sumOfSquares: tap.reduce('sumOfSquares', tap.filled(0)),
    shape: tap.expose(tap.builder.node('Shape', [tap.leaving])),
  }));
}

/** Names of the outputs that say what is not finite, and of the float64 sum. */
export interface FinitenessOutputs {
  readonly target: SweepTarget;
  readonly nanEntering?: string;
  readonly infiniteEntering?: string;
  readonly nanLeaving: string;
  readonly infiniteLeaving: string;
  readonly sum: string;
  readonly squares: string | undefined;
}

/** Returns the model counting NaN and infinite elements exactly; run only on batches where a sum is not finite. */
export function finitenessGraph(
  model: Model,
  targets: readonly SweepTarget[],
): SweepGraph<FinitenessOutputs> {
  return buildGraph(model, targets, (tap) => {
    const { builder, entering } = tap;
    const double = builder.cast(tap.filled(0), dataTypeFacts('float64').code);
    const leaving = {
      target: tap.target,
      nanLeaving: tap.count({ kind: 'nan' }),
      infiniteLeaving: tap.count({ kind: 'infinite' }),
      sum: tap.reduce('sum', double),
      squares: tap.hasPositions ? tap.reduce('sumOfSquares', double) : undefined,
    };
    if (entering === undefined) return leaving;
    return {
      ...leaving,
      nanEntering: tap.count({ kind: 'nan' }, entering),
      infiniteEntering: tap.count({ kind: 'infinite' }, entering),
    };
  });
}

function isNeverNegative(rule: StateRule): boolean {
  return rule.kind === 'rectifier' && rule.isNonNegative;
}

function saturation(tap: TargetTap, bounds: { readonly low: number; readonly high?: number }): Condition {
  const low = tap.scalar(bounds.low);
  return bounds.high === undefined
    ? { kind: 'at-most', bound: low }
    : { kind: 'outside', low, high: tap.scalar(bounds.high) };
}
