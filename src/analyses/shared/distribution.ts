import { throwIfAborted, yieldToEventLoop } from '../../base/abort.js';
import {
  addCumulative,
  createHistogram,
  type Histogram,
  innerEdges,
} from '../../engine/numeric/histogram.js';
import { appendCount, type Condition } from '../../engine/rewrites/reduce.js';
import { toFloat64 } from '../../onnx/tensorValue.js';
import {
  factsOf,
  fedBatches,
  pickFeeds,
  sampleTotalOf,
  type Sweep,
  type SweepRequest,
  type SweptLayer,
} from './sweep.js';
import { type BatchResult, elementCountOf } from './sweepFold.js';
import { buildGraph, type SweepGraph, type SweepTarget, type TargetTap } from './targetTap.js';

/** What the second pass measures. */
export interface DistributionOptions {
  /** Bins per layer. */
  readonly binCount: number;
  /** The first samples of the data, at most. */
  readonly sampleLimit: number;
  /** Also counts |a| > this × the layer's largest |a|; undefined leaves that out. */
  readonly relativeThreshold?: number;
  /** Called after every batch. */
  onBatch?(sampleCount: number, sampleTotal: number): void;
}

/** How the outputs of one layer are spread, over the samples of the second pass. */
export interface Distribution {
  readonly target: SweepTarget;
  readonly sampleCount: number;
  /** Over all units: the sum of theirs. */
  readonly histogram: Histogram;
  /** Counts of each unit in the same bins, `[U, bins]`. */
  readonly unitCounts: Float64Array;
  /** Elements with |a| > threshold × the layer's largest |a|, over all units. */
  readonly aboveCount: number | undefined;
}

interface DistributionOutputs {
  readonly target: SweepTarget;
  readonly shape: string;
  /** Elements > each inner edge, `[N · rowsPerSample, U]` each. */
  readonly edges: readonly string[];
  readonly above: string | undefined;
}

/**
 * Returns the histogram of each layer's outputs, counted inside the graph over the first samples of the data.
 *
 * Bins lie between the smallest and the largest output that the sweep saw, which is why this is a second pass; layers whose
 * extremes are not finite (any NaN makes them so), or equal, have none.
 */
export async function measureDistributions(
  request: SweepRequest,
  sweep: Sweep,
  options: DistributionOptions,
): Promise<readonly Distribution[]> {
  const tallies = sweep.layers.flatMap((layer) => startTally(layer, options));
  if (tallies.length === 0) return [];
  const ranges = new Map(tallies.map((tally) => [tally.target, tally]));
  const graph = distributionGraph(request, ranges, options);
  const sampleTotal = Math.min(sampleTotalOf(request), options.sampleLimit);
  let sampleCount = 0;
  const session = await request.runtime.open(graph.model);
  try {
    for await (const { batch, feeds } of fedBatches(request, graph.model, sampleTotal)) {
      const values = await session.run(pickFeeds(feeds, session));
      for (const outputs of graph.targets) {
        addBatch(ranges.get(outputs.target), outputs, { ...factsOf(batch, feeds, request.data), values });
      }
      sampleCount += batch.sampleCount;
      options.onBatch?.(sampleCount, sampleTotal);
      await yieldToEventLoop();
      throwIfAborted(request.signal);
    }
  } finally {
    await session.close();
  }
  return tallies.map(({ target, histogram, unitCounts, aboveCount }) => ({
    target,
    sampleCount,
    histogram,
    unitCounts,
    aboveCount,
  }));
}

interface Tally {
  readonly target: SweepTarget;
  readonly histogram: Histogram;
  readonly unitCounts: Float64Array;
  /** |a| above this is counted. */
  readonly threshold: number | undefined;
  aboveCount: number | undefined;
}

function startTally({ target, statistics }: SweptLayer, options: DistributionOptions): Tally[] {
  const low = statistics.minimum.reduce((least, value) => Math.min(least, value), Infinity);
  const high = statistics.maximum.reduce((most, value) => Math.max(most, value), -Infinity);
  if (!Number.isFinite(low) || !Number.isFinite(high) || low >= high) return [];
  const { relativeThreshold, binCount } = options;
  const threshold =
    relativeThreshold === undefined ? undefined : relativeThreshold * Math.max(Math.abs(low), Math.abs(high));
  const aboveCount = threshold === undefined ? undefined : 0;
  const unitCounts = new Float64Array(target.unitCount * binCount);
  return [{ target, histogram: createHistogram(low, high, binCount), unitCounts, threshold, aboveCount }];
}

function distributionGraph(
  request: SweepRequest,
  tallies: ReadonlyMap<SweepTarget, Tally>,
  options: DistributionOptions,
): SweepGraph<DistributionOutputs> {
  return buildGraph(request.model, [...tallies.keys()], (tap) => {
    const tally = tallies.get(tap.target);
    const edges = tally === undefined ? [] : innerEdges(tally.histogram);
    return {
      target: tap.target,
      shape: tap.expose(tap.builder.node('Shape', [tap.leaving])),
      edges: edges.map((edge) => tap.count({ kind: 'greater', bound: tap.scalar(edge) })),
      above:
        options.relativeThreshold === undefined || tally?.threshold === undefined
          ? undefined
          : countPerRow(
              tap,
              { kind: 'greater', bound: tap.scalar(tally.threshold) },
              tap.builder.node('Abs', [tap.leaving]),
            ),
    };
  });
}

/** Counts over every axis but the batch axis. */
function countPerRow(tap: TargetTap, condition: Condition, value = tap.leaving): string {
  const axes = Array.from({ length: tap.target.rank - 1 }, (_, i) => i + 1);
  return tap.expose(appendCount(tap.builder, condition, { value, axes }, tap.mask));
}

function addBatch(tally: Tally | undefined, outputs: DistributionOutputs, batch: BatchResult): void {
  if (tally === undefined) return;
  const { target } = outputs;
  const rowCount = batch.sampleCount * target.rowsPerSample;
  const perUnit = elementCountOf(target, outputs.shape, batch);
  addUnitCounts(
    tally,
    perUnit,
    outputs.edges.map((name) => valuesOf(batch, name).subarray(0, rowCount * target.unitCount)),
  );
  if (outputs.above === undefined) return;
  const above = valuesOf(batch, outputs.above).subarray(0, rowCount);
  tally.aboveCount = (tally.aboveCount ?? 0) + above.reduce((sum, count) => sum + count, 0);
}

/** Adds what lies above each inner edge, `[rows, U]` each, to the bins of the units and of the layer. */
function addUnitCounts(
  { target, histogram, unitCounts }: Tally,
  elementCount: number,
  aboveEdges: readonly Float64Array[],
): void {
  const { unitCount } = target;
  const binCount = histogram.counts.length;
  let above = new Float64Array(unitCount).fill(elementCount);
  const layerAbove: number[] = [];
  for (let bin = 0; bin < binCount; bin++) {
    const next = new Float64Array(unitCount);
    for (const [at, count] of (aboveEdges[bin] ?? []).entries()) {
      const unit = at % unitCount;
      next[unit] = (next[unit] ?? 0) + count;
    }
    for (let unit = 0; unit < unitCount; unit++) {
      const at = unit * binCount + bin;
      unitCounts[at] = (unitCounts[at] ?? 0) + (above[unit] ?? 0) - (next[unit] ?? 0);
    }
    if (bin < binCount - 1) layerAbove.push(next.reduce((sum, count) => sum + count, 0));
    above = next;
  }
  addCumulative(histogram, elementCount * unitCount, layerAbove);
}

function valuesOf({ values }: BatchResult, name: string): Float64Array {
  const value = values[name];
  if (value === undefined) throw new Error(`The output ${name} is missing.`);
  return toFloat64(value);
}
