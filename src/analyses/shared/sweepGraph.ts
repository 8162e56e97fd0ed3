import { type DataType, dataTypeFacts } from '../../onnx/dataTypes.js';
import type { Model } from '../../onnx/model.js';
import { GraphBuilder } from '../../engine/graph/graphBuilder.js';
import { appendCount, appendReduction, type Condition } from '../../engine/rewrites/reduce.js';
import { prune } from '../../engine/rewrites/prune.js';
import { saturationBounds, type StateRule } from './states.js';

/** An activation output to measure, everything about its shape known. */
export interface SweepTarget {
  /** Name of the layer: what addresses and arrays are called by. */
  readonly layer: string;
  /** Value entering the activation; undefined when nothing in the main graph holds it. */
  readonly entering: string | undefined;
  /** Value leaving it. */
  readonly leaving: string;
  readonly elementType: DataType;
  readonly rank: number;
  readonly unitAxis: number;
  readonly unitCount: number;
  /** Rows of axis 0 per sample: more than 1 where positions were folded into the batch axis, `[N·T, U]`. */
  readonly rowsPerSample: number;
  /** How a token mask `[N, T]` lines up with the value; undefined when it does not. */
  readonly maskLayout: 'rows' | 'axis-1' | 'axis-2' | undefined;
  readonly rule: StateRule;
}

/** Names of a sweep's outputs for one target, each `[N · rowsPerSample, U]` but for `shape`. */
export interface TargetOutputs {
  readonly target: SweepTarget;
  readonly shape: string;
  readonly maximum: string;
  readonly minimum: string;
  readonly sum: string;
  readonly positive: string;
  /** Elements equal to 0; undefined where non-zero and positive are the same. */
  readonly zeros?: string;
  /** Elements active relative to the layer's RMS. */
  readonly relative?: string;
  readonly saturated?: string;
  /** Not finite exactly when an element entering is not (or the sum overflows, which is told apart later). */
  readonly enteringSum?: string;
}

/** A model that computes statistics instead of its outputs. */
export interface SweepGraph<T> {
  readonly model: Model;
  readonly targets: readonly T[];
}

/** Name of the input whose zeros mark masked tokens. */
export const maskInputName = 'attention_mask';

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
      positive: tap.count({ kind: 'greater', bound: tap.scalar(0) }),
      ...(isNeverNegative(target.rule) ? {} : { zeros: tap.count({ kind: 'equal', to: tap.scalar(0) }) }),
      ...(threshold === undefined ? {} : { relative: tap.countAbove(threshold) }),
      ...(bounds === undefined ? {} : { saturated: tap.count(saturation(tap, bounds)) }),
      ...(tap.entering === undefined ? {} : { enteringSum: tap.reduce('sum', tap.filled(0, tap.entering)) }),
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
    };
    if (entering === undefined) return leaving;
    return {
      ...leaving,
      nanEntering: tap.count({ kind: 'nan' }, entering),
      infiniteEntering: tap.count({ kind: 'infinite' }, entering),
    };
  });
}

function buildGraph<T>(
  model: Model,
  targets: readonly SweepTarget[],
  append: (tap: TargetTap) => T,
): SweepGraph<T> {
  const builder = new GraphBuilder(model);
  builder.setOutputs([]);
  const outputs: string[] = [];
  const built = targets.map((target) => append(new TargetTap(builder, target, outputs)));
  return { model: prune(builder.build(), [...new Set(outputs)]), targets: built };
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

/** Appends the statistics of one target, masked where a mask lines up with it. */
class TargetTap {
  readonly builder: GraphBuilder;
  readonly target: SweepTarget;
  readonly leaving: string;
  readonly entering: string | undefined;
  private readonly outputs: string[];
  private readonly axes: readonly number[];
  private readonly mask: string | undefined;
  private readonly computeType: 'float32' | 'float64';

  constructor(builder: GraphBuilder, target: SweepTarget, outputs: string[]) {
    this.builder = builder;
    this.target = target;
    this.outputs = outputs;
    this.axes = positionAxes(target);
    this.mask = this.appendMask();
    this.computeType = target.elementType === 'float64' ? 'float64' : 'float32';
    this.leaving = this.computable(target.leaving);
    this.entering = target.entering === undefined ? undefined : this.computable(target.entering);
  }

  expose(value: string): string {
    this.builder.addOutput(value);
    this.outputs.push(value);
    return value;
  }

  scalar(value: number): string {
    if (this.computeType === 'float32') return this.builder.scalar(value);
    return this.builder.constant({ dtype: 'float64', dims: [], data: Float64Array.of(value) });
  }

  /** The leaving (or another) value with masked elements replaced. */
  filled(by: number, value = this.leaving): string {
    return this.mask === undefined ? value : this.builder.node('Where', [this.mask, value, this.scalar(by)]);
  }

  reduce(reducer: Parameters<typeof appendReduction>[1], value: string): string {
    const reduced = appendReduction(this.builder, reducer, { value, axes: this.axes });
    // Without positions nothing was appended: an input or constant cannot be an output itself.
    return this.expose(reduced === value ? this.builder.node('Identity', [value]) : reduced);
  }

  count(condition: Condition, value = this.leaving): string {
    return this.expose(appendCount(this.builder, condition, { value, axes: this.axes }, this.mask));
  }

  countAbove(threshold: number): string {
    const magnitude = this.builder.node('Abs', [this.leaving]);
    return this.count({ kind: 'greater', bound: this.scalar(threshold) }, magnitude);
  }

  /** float16 sums overflow at 65,504, so halves are widened first. */
  private computable(value: string): string {
    const { elementType } = this.target;
    if (elementType === 'float32' || elementType === 'float64') return value;
    return this.builder.cast(value, dataTypeFacts('float32').code);
  }

  private appendMask(): string | undefined {
    const { maskLayout } = this.target;
    if (maskLayout === undefined) return undefined;
    const flags = this.builder.cast(maskInputName, dataTypeFacts('bool').code);
    if (maskLayout === 'rows') {
      const trailing = new Array<number>(this.target.rank - 1).fill(1);
      return this.builder.node('Reshape', [flags, this.builder.int64s([-1, ...trailing])]);
    }
    // [N, T] against [N, T, U] or [N, U, T].
    return this.builder.node('Unsqueeze', [flags, this.builder.int64s([maskLayout === 'axis-1' ? 2 : 1])]);
  }
}

/** Returns every axis but the batch and the unit axis. */
function positionAxes({ rank, unitAxis }: SweepTarget): number[] {
  return Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== 0 && axis !== unitAxis);
}
