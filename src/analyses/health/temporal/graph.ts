import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { appendCount } from '../../../engine/rewrites/reduce.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { maskInputOf } from '../../shared/targetTap.js';
import type { StepKind, TemporalTarget } from './targets.js';

/** Names of what one batch gives for a target; rows are the steps' samples. */
export interface TemporalOutputs {
  readonly source: TemporalTarget;
  /** Elements that hardly changed, `[N, U]`, and of these and of all those near 0. */
  readonly unchanged: string;
  readonly silent: string;
  readonly both: string;
  /** Elements that changed by no more than each threshold, `[N]`. */
  readonly curve: readonly string[];
  /** Steps that count, `[N]`; undefined where all do. */
  readonly stepCount: string | undefined;
  /** The last sample, to be fed as the one before the next batch; only between samples. */
  readonly last: string | undefined;
  /** Input that takes it. */
  readonly previous: string | undefined;
}

/** The model that counts changes instead of its outputs. */
export interface TemporalGraph {
  readonly model: Model;
  readonly targets: readonly TemporalOutputs[];
}

/** What is counted as no change. */
export interface TemporalThresholds {
  /** |Δ| at most, by target. */
  readonly of: ReadonlyMap<TemporalTarget, number>;
  /** Multiples of it for the curve. */
  readonly multiples: readonly number[];
}

/** Returns the graph that counts, for every target, the elements that change by no more than a threshold from step to step. */
export function temporalGraph(
  model: Model,
  { steps, targets }: { readonly steps: StepKind; readonly targets: readonly TemporalTarget[] },
  thresholds: TemporalThresholds,
): TemporalGraph {
  const builder = new GraphBuilder(model);
  builder.setOutputs([]);
  const outputs: string[] = [];
  const expose = (value: string): string => {
    builder.addOutput(value);
    outputs.push(value);
    return value;
  };
  const built = targets.map((source) => appendTarget({ builder, expose, steps }, source, thresholds));
  return { model: prune(builder.build(), outputs), targets: built };
}

interface Appending {
  readonly builder: GraphBuilder;
  readonly expose: (value: string) => string;
  readonly steps: StepKind;
}

function appendTarget(
  { builder, expose, steps }: Appending,
  source: TemporalTarget,
  { of, multiples }: TemporalThresholds,
): TemporalOutputs {
  const threshold = of.get(source) ?? 0;
  const value = sampleWise(builder, source);
  const { now, before, last, previous } =
    steps === 'samples' ? betweenSamples(builder, source, value) : alongAxis(builder, source, value);
  const isDouble = source.target.elementType === 'float64';
  const bound = (size: number): string =>
    isDouble
      ? builder.constant({ dtype: 'float64', dims: [], data: Float64Array.of(size) })
      : builder.scalar(size);
  const change = builder.node('Abs', [builder.node('Sub', [now, before])]);
  const size = builder.node('Abs', [now]);
  const isUnchanged = builder.node('LessOrEqual', [change, bound(threshold)]);
  const isSilent = builder.node('LessOrEqual', [size, bound(threshold)]);
  const { mask, stepCount } = steps === 'samples' ? {} : maskOf(builder, source);
  const counted = (flags: string): string => {
    const kept = mask === undefined ? flags : builder.node('And', [flags, mask]);
    const ones = builder.cast(kept, dataTypeFacts('float32').code);
    const axes = axesBut(source, true);
    return expose(axes.length === 0 ? ones : builder.reduce('ReduceSum', ones, axes, false));
  };
  const curveCount = (multiple: number): string => {
    const condition = { kind: 'at-most', bound: bound(multiple * threshold) } as const;
    return expose(appendCount(builder, condition, { value: change, axes: axesBut(source, false) }, mask));
  };
  return {
    source,
    unchanged: counted(isUnchanged),
    silent: counted(isSilent),
    both: counted(builder.node('And', [isUnchanged, isSilent])),
    curve: multiples.map(curveCount),
    stepCount: stepCount === undefined ? undefined : expose(stepCount),
    last: last === undefined ? undefined : expose(last),
    previous,
  };
}

/** The value as float32 (or float64) with the rows of a sample on an axis of their own: `[N, …sampleDims]`. */
function sampleWise(builder: GraphBuilder, { target, sampleDims }: TemporalTarget): string {
  const { leaving, elementType, rowsPerSample } = target;
  const isComputed = elementType === 'float32' || elementType === 'float64';
  const value = isComputed ? leaving : builder.cast(leaving, dataTypeFacts('float32').code);
  return rowsPerSample > 1 ? builder.node('Reshape', [value, builder.int64s([-1, ...sampleDims])]) : value;
}

/** Axis of the units once the rows of a sample stand on an axis of their own. */
function unitAxisOf({ target }: TemporalTarget): number {
  return target.unitAxis + (target.rowsPerSample > 1 ? 1 : 0);
}

/** Every axis but the batch's and, if asked for, the units'. */
function axesBut(source: TemporalTarget, keepsUnits: boolean): number[] {
  return source.sampleDims
    .map((_, index) => index + 1)
    .filter((axis) => !keepsUnits || axis !== unitAxisOf(source));
}

interface Pair {
  readonly now: string;
  readonly before: string;
  readonly last?: string;
  readonly previous?: string;
}

/** Each sample against the one before; the last of a batch is fed with the next one. */
function betweenSamples(builder: GraphBuilder, { target, sampleDims }: TemporalTarget, value: string): Pair {
  const elementType = target.elementType === 'float64' ? 'float64' : 'float32';
  const name = builder.freshName(`ni/previous/${target.leaving}`);
  const previous = builder.addInput(name, { kind: 'tensor', elementType, shape: [1, ...sampleDims] });
  const slice = (from: number, to: number): string => sliced(builder, { value, from, to, axis: 0 });
  const before = builder.node('Concat', [previous, slice(0, -1)], { attributes: { axis: 0 } });
  return { now: value, before, last: slice(-1, largestEnd), previous };
}

/** Slices end here when they go to the end. */
const largestEnd = 2 ** 31 - 1;

function alongAxis(builder: GraphBuilder, { stepAxis: axis }: TemporalTarget, value: string): Pair {
  return {
    now: sliced(builder, { value, from: 1, to: largestEnd, axis }),
    before: sliced(builder, { value, from: 0, to: -1, axis }),
  };
}

function sliced(
  builder: GraphBuilder,
  { value, from, to, axis }: { value: string; from: number; to: number; axis: number },
): string {
  return builder.node('Slice', [value, ...[[from], [to], [axis]].map((one) => builder.int64s(one))]);
}

/** A step counts where both of its positions do: `[N, T − 1]` beside the other axes, and how many there are. */
function maskOf(
  builder: GraphBuilder,
  source: TemporalTarget,
): { readonly mask?: string; readonly stepCount?: string } {
  const { target, stepAxis, sampleDims } = source;
  if (target.maskLayout === undefined) return {};
  const value = builder.cast(maskInputOf(target), dataTypeFacts('bool').code);
  const pair = builder.node('And', [
    sliced(builder, { value, from: 1, to: largestEnd, axis: 1 }),
    sliced(builder, { value, from: 0, to: -1, axis: 1 }),
  ]);
  const others = sampleDims.map((_, index) => index + 1).filter((axis) => axis !== stepAxis);
  const mask = others.length === 0 ? pair : builder.node('Unsqueeze', [pair, builder.int64s(others)]);
  const ones = builder.cast(pair, dataTypeFacts('float32').code);
  return { mask, stepCount: builder.reduce('ReduceSum', ones, [1], false) };
}
