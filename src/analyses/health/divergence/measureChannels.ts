import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Dataset } from '../../../data/dataset.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { fedBatches, pickFeeds, sampleTotalOf } from '../../shared/sweep.js';
import { buildGraph, type SweepGraph, type SweepTarget } from '../../shared/targetTap.js';
import { addSample, type ChannelMoments, noMoments } from './channelMoments.js';

/** What a channel's Gaussian is of: its mean over the positions of each sample, or every element. */
export type MomentsOf = 'means' | 'elements';

/** How channels are measured. */
export interface ChannelRequest {
  readonly targets: readonly SweepTarget[];
  readonly of: MomentsOf;
  /** Returns the group of a sample, 0 or more, by its position in the data. */
  groupOf(index: number): number;
  readonly groupCount: number;
  onBatch(fractionDone: number): void;
}

/** Channels of the targets, in their order, for one group of samples. */
export interface MeasuredGroup {
  readonly layers: readonly ChannelMoments[];
  sampleCount: number;
}

/** Names of the outputs of one target: `[R, U]`, the shape of its value, and the unmasked positions of each row. */
interface ChannelOutputs {
  readonly target: SweepTarget;
  readonly sum: string;
  readonly squares: string;
  readonly shape: string;
  readonly unmasked: string | undefined;
}

/**
 * Returns the first and second moments of every channel for each group of samples, in one pass: sums and sums of squares of a
 * sample are taken inside the graph, and add up in float64 outside.
 */
export async function measureChannels(
  context: AnalysisContext,
  data: Dataset,
  request: ChannelRequest,
): Promise<MeasuredGroup[]> {
  const graph = channelGraph(context.model, request);
  const groups = Array.from({ length: request.groupCount }, (): MeasuredGroup => ({
    layers: request.targets.map(({ unitCount }) => noMoments(unitCount)),
    sampleCount: 0,
  }));
  const total = sampleTotalOf({ data, limit: context.limit });
  const session = await context.runtime.open(graph.model);
  try {
    for await (const { batch, feeds } of fedBatches({ ...context, data }, graph.model, total)) {
      const values = await session.run(pickFeeds(feeds, session));
      const own = batch.ids.map((_, i) => groups[request.groupOf(batch.firstIndex + i)]);
      for (const group of own) if (group !== undefined) group.sampleCount++;
      for (const [layer, outputs] of graph.targets.entries()) {
        const moments = own.map((group) => group?.layers[layer]);
        foldLayer(moments, values, { outputs, of: request.of });
      }
      request.onBatch(Math.min(1, (batch.firstIndex + batch.sampleCount) / total));
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  } finally {
    await session.close();
  }
  return groups;
}

function channelGraph(model: Model, { targets, of }: ChannelRequest): SweepGraph<ChannelOutputs> {
  return buildGraph(model, targets, (tap) => {
    const { builder, target } = tap;
    const filled = tap.filled(0);
    // The variance of elements is a difference of sums: float32 has too few digits where the mean is large.
    const value = of === 'elements' ? builder.cast(filled, dataTypeFacts('float64').code) : filled;
    return {
      target,
      sum: tap.reduce('sum', value),
      squares: tap.reduce('sumOfSquares', value),
      shape: tap.expose(builder.node('Shape', [tap.leaving])),
      unmasked:
        tap.mask === undefined
          ? undefined
          : tap.reduce('sum', builder.cast(tap.mask, dataTypeFacts('float32').code)),
    };
  });
}

/** Adds a batch to one layer: `moments` holds where each sample goes. */
function foldLayer(
  moments: readonly (ChannelMoments | undefined)[],
  values: Feeds,
  { outputs, of }: { readonly outputs: ChannelOutputs; readonly of: MomentsOf },
): void {
  const column = (name: string | undefined): Float64Array => {
    const value = name === undefined ? undefined : values[name];
    return value === undefined ? new Float64Array() : toFloat64(value);
  };
  const { unitCount, rowsPerSample } = outputs.target;
  const [sums, squares, shape] = [column(outputs.sum), column(outputs.squares), column(outputs.shape)];
  const unmasked = outputs.unmasked === undefined ? undefined : column(outputs.unmasked);
  const positionsPerRow = shape.slice(1).reduce((product, size) => product * size, 1) / unitCount;
  for (const [sample, own] of moments.entries()) {
    if (own === undefined) continue;
    const rows = Array.from({ length: rowsPerSample }, (_, row) => sample * rowsPerSample + row);
    const positionCount = rows.reduce((count, row) => count + (unmasked?.[row] ?? positionsPerRow), 0);
    const place = { rows, unitCount };
    addSample(own, { positionCount, sum: overRows(sums, place), squares: overRows(squares, place) }, of);
  }
}

function overRows(
  column: Float64Array,
  { rows, unitCount }: { readonly rows: readonly number[]; readonly unitCount: number },
): Float64Array {
  const total = new Float64Array(unitCount);
  for (const row of rows) {
    for (let unit = 0; unit < unitCount; unit++) {
      total[unit] = (total[unit] ?? 0) + (column[row * unitCount + unit] ?? NaN);
    }
  }
  return total;
}
