import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Dataset } from '../../../data/dataset.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import { formatNumber } from '../../../protocol/formatReport.js';
import type { AnalysisContext } from '../../analysis.js';
import { fedBatches, measureRmsOf, pickFeeds, sampleTotalOf } from '../../shared/sweep.js';
import { temporalGraph, type TemporalOutputs } from './graph.js';
import type { TemporalPlan, TemporalTarget } from './targets.js';

/** Multiples of the threshold that the curve has. */
export const curveMultiples = [0, 0.25, 0.5, 1, 2, 4] as const;

/** How the changes of a value are spread. */
export interface TemporalLayer {
  readonly source: TemporalTarget;
  /** |Δ| counted as no change. */
  readonly threshold: number;
  /** Elements of one unit that had an element before them. */
  elementCount: number;
  /** Of each unit: elements that hardly changed, elements near 0, and both. */
  readonly unchanged: Float64Array;
  readonly silent: Float64Array;
  readonly both: Float64Array;
  /** Elements of all units that changed by no more than each multiple of the threshold. */
  readonly curve: Float64Array;
}

/** What a run found so far. */
export interface TemporalFigures {
  readonly plan: TemporalPlan;
  readonly layers: readonly TemporalLayer[];
  sampleCount: number;
  /** Steps between frames; along positions, samples that had steps. */
  stepCount: number;
}

/** What is a change. */
export interface TemporalOptions {
  readonly threshold: number;
  readonly scale: 'rms' | 'absolute';
  /** Samples of one clip; undefined when all are one. */
  readonly clipLength: number | undefined;
  onBatch(figures: TemporalFigures): void;
}

/** Counts the changes of every target of a plan, one pass over the data, and one over the first samples for the scale. */
export async function measureTemporal(
  context: AnalysisContext,
  { data, plan }: { readonly data: Dataset; readonly plan: TemporalPlan },
  options: TemporalOptions,
): Promise<TemporalFigures> {
  const of = await thresholdsOf(context, { data, plan }, options);
  const graph = temporalGraph(context.model, plan, { of, multiples: curveMultiples });
  const layers = plan.targets.map((source) => emptyLayer(source, of.get(source) ?? 0));
  const figures: TemporalFigures = { plan, layers, sampleCount: 0, stepCount: 0 };
  const total = sampleTotalOf({ data, limit: context.limit });
  let previous = firstFrames(graph.targets);
  const session = await context.runtime.open(graph.model);
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data }, graph.model, total)) {
      const values = await session.run({ ...pickFeeds(feeds, session), ...previous });
      const counts = batchSteps(plan, options, batch);
      for (const [index, outputs] of graph.targets.entries()) {
        const layer = layers[index];
        if (layer !== undefined) foldLayer(layer, outputs, { values, counts });
      }
      previous = lastFrames(graph.targets, values);
      figures.sampleCount += batch.sampleCount;
      figures.stepCount += counts.filter(Boolean).length;
      context.progress({
        fractionDone: figures.sampleCount / Math.max(1, total),
        message: `Counting changes (${formatNumber(figures.sampleCount, 'count')} of ${formatNumber(total, 'count')} samples)`,
      });
      options.onBatch(figures);
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await session.close();
  }
  return figures;
}

async function thresholdsOf(
  context: AnalysisContext,
  { data, plan }: { readonly data: Dataset; readonly plan: TemporalPlan },
  { threshold, scale }: TemporalOptions,
): Promise<ReadonlyMap<TemporalTarget, number>> {
  if (scale === 'absolute') return new Map(plan.targets.map((source) => [source, threshold]));
  const rms = await measureRmsOf(
    { ...context, data },
    plan.targets.map(({ target }) => target),
  );
  // A layer that is not finite has no scale: nothing but an equal value is no change then.
  const scaleOf = (size: number | undefined): number =>
    size !== undefined && Number.isFinite(size) ? size : 0;
  return new Map(plan.targets.map((source) => [source, threshold * scaleOf(rms.get(source.target))]));
}

function emptyLayer(source: TemporalTarget, threshold: number): TemporalLayer {
  const zeros = (): Float64Array => new Float64Array(source.target.unitCount);
  const curve = new Float64Array(curveMultiples.length);
  return {
    ...{ source, threshold, elementCount: 0, curve },
    ...{ unchanged: zeros(), silent: zeros(), both: zeros() },
  };
}

/** Which rows of a batch count: every one along positions; between samples those with a frame before them in their clip. */
function batchSteps(
  { steps }: TemporalPlan,
  { clipLength }: TemporalOptions,
  { sampleCount, firstIndex }: { readonly sampleCount: number; readonly firstIndex: number },
): boolean[] {
  return Array.from({ length: sampleCount }, (_, row) => {
    const frame = clipLength === undefined ? firstIndex + row : (firstIndex + row) % clipLength;
    return steps === 'positions' || frame > 0;
  });
}

function foldLayer(
  layer: TemporalLayer,
  outputs: TemporalOutputs,
  { values, counts }: { readonly values: Feeds; readonly counts: readonly boolean[] },
): void {
  const read = (name: string): Float64Array => toFloat64(required(values, name));
  const stepCounts = outputs.stepCount === undefined ? undefined : read(outputs.stepCount);
  const columns = [
    { into: layer.unchanged, from: read(outputs.unchanged) },
    { into: layer.silent, from: read(outputs.silent) },
    { into: layer.both, from: read(outputs.both) },
  ];
  const curve = outputs.curve.map(read);
  const { unitCount } = layer.source.target;
  for (const [row, isStep] of counts.entries()) {
    if (!isStep) continue;
    layer.elementCount += elementsOf(layer.source, stepCounts?.[row]);
    for (const { into, from } of columns) {
      for (let unit = 0; unit < unitCount; unit++) {
        into[unit] = (into[unit] ?? 0) + (from[row * unitCount + unit] ?? 0);
      }
    }
    for (const [k, counted] of curve.entries()) {
      layer.curve[k] = (layer.curve[k] ?? 0) + (counted[row] ?? 0);
    }
  }
}

/** Elements of one unit of one sample that have one before them. */
function elementsOf({ sampleDims, stepAxis, target }: TemporalTarget, unmasked: number | undefined): number {
  const all = sampleDims.reduce((product, dim) => product * dim, 1) / target.unitCount;
  if (stepAxis === 0) return all;
  const length = sampleDims[stepAxis - 1] ?? 1;
  return (all / length) * (unmasked ?? length - 1);
}

function required(values: Feeds, name: string): TensorValue {
  const value = values[name];
  if (value === undefined) throw new Error(`The output ${name} is missing.`);
  return value;
}

/** Before the first frame there is nothing: its row is not counted. */
function firstFrames(targets: readonly TemporalOutputs[]): Feeds {
  return Object.fromEntries(
    targets.flatMap(({ previous, source: { sampleDims, target } }) => {
      if (previous === undefined) return [];
      const length = sampleDims.reduce((product, dim) => product * dim, 1);
      const isDouble = target.elementType === 'float64';
      const data = isDouble ? new Float64Array(length) : new Float32Array(length);
      return [
        [previous, { dtype: isDouble ? 'float64' : 'float32', dims: [1, ...sampleDims], data } as const],
      ];
    }),
  );
}

function lastFrames(targets: readonly TemporalOutputs[], values: Feeds): Feeds {
  return Object.fromEntries(
    targets.flatMap(({ previous, last }) =>
      previous === undefined || last === undefined ? [] : [[previous, required(values, last)]],
    ),
  );
}
