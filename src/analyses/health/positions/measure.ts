import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import type { Dataset } from '../../../data/dataset.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { planActivations } from '../../shared/activationPlan.js';
import { measureRms, pickFeeds, sampleTotalOf } from '../../shared/sweep.js';
import { maskInputOf, type SweepTarget } from '../../shared/targetTap.js';

/** How often the units of one activation were active at each position. */
export interface PositionCounts {
  readonly target: SweepTarget;
  /** The layer whose units these are. */
  readonly layer: string;
  /** Unmasked rows by position. */
  readonly rowCounts: readonly number[];
  /** Active rows, by position and unit. */
  readonly activeCounts: readonly Float64Array[];
}

/** What was counted. */
export interface PositionSweep {
  readonly layers: readonly PositionCounts[];
  readonly sequenceCount: number;
  readonly warnings: readonly string[];
}

/**
 * Counts, inside the graph, the rows in which each unit of each activation is active at each position: > 0, or
 * |a| > ε × RMS of its layer for GELU-like activations.
 *
 * Only [T, U] counts of a batch leave the runtime; over batches they add up in float64.
 *
 * @throws UserError `no-positions` when no activation has units at positions of a sequence.
 */
export async function countByPosition(
  context: AnalysisContext,
  data: Dataset,
  epsilon: number,
): Promise<PositionSweep> {
  const { model, runtime, batchSize, limit, signal } = context;
  const plan = await context.shared.once('activations', () => planActivations(context, data));
  const targets = plan.targets.filter(({ rank, unitAxis }) => rank === 3 && unitAxis === 2);
  if (targets.length === 0) throw noPositions(model.file.path);
  const request = { model, runtime, batchSize, limit, signal, data, targets };
  const rms = await measureRms(request);
  const graph = countGraph(model, targets, (target) => {
    const scale = rms.get(target);
    return scale === undefined ? undefined : epsilon * scale;
  });
  const totals = targets.map((target) => noCounts(target, plan.names.get(target) ?? target.layer));
  const sequenceTotal = sampleTotalOf({ data, limit });
  const session = await runtime.open(graph.model);
  let sequenceCount = 0;
  try {
    for await (const batch of data.batches({ batchSize, limit: sequenceTotal }, signal)) {
      const values = await session.run(pickFeeds(batch.feeds, session));
      for (const [at, total] of totals.entries()) addBatch(total, values, graph.outputs[at]);
      sequenceCount += batch.sampleCount;
      context.progress({
        fractionDone: sequenceCount / sequenceTotal,
        message: `Counting by position (${String(sequenceCount)} of ${String(sequenceTotal)} sequences)`,
      });
      await yieldToEventLoop();
      throwIfAborted(signal);
    }
  } finally {
    await session.close();
  }
  return { layers: totals, sequenceCount, warnings: plan.warnings };
}

interface GrowingCounts extends PositionCounts {
  readonly rowCounts: number[];
  readonly activeCounts: Float64Array[];
}

function noCounts(target: SweepTarget, layer: string): GrowingCounts {
  return { target, layer, rowCounts: [], activeCounts: [] };
}

interface CountOutputs {
  /** [T, U]. */
  readonly active: string;
  /** [T], or [T, 1]. */
  readonly rows: string;
}

function countGraph(
  model: Model,
  targets: readonly SweepTarget[],
  thresholdOf: (target: SweepTarget) => number | undefined,
): { readonly model: Model; readonly outputs: readonly CountOutputs[] } {
  const builder = new GraphBuilder(model);
  const float = dataTypeFacts('float32').code;
  const outputs = targets.map((target): CountOutputs => {
    const value = builder.cast(target.leaving, float);
    const threshold = thresholdOf(target);
    const active = builder.node('Greater', [
      threshold === undefined ? value : builder.node('Abs', [value]),
      builder.scalar(threshold ?? 0),
    ]);
    const first = builder.node('Slice', [value, ...[0, 1, 2].map((number) => builder.int64s([number]))]);
    const every = builder.node('Equal', [first, first]);
    const unmasked =
      target.maskLayout === undefined
        ? builder.node('Or', [every, builder.node('Not', [every])])
        : builder.node('Unsqueeze', [
            builder.cast(maskInputOf(target), dataTypeFacts('bool').code),
            builder.int64s([2]),
          ]);
    const count = (flags: string): string =>
      builder.reduce('ReduceSum', builder.cast(flags, float), [0], false);
    return { active: count(builder.node('And', [active, unmasked])), rows: count(unmasked) };
  });
  const names = outputs.flatMap(({ active, rows }) => [active, rows]);
  for (const name of names) builder.addOutput(name);
  return { model: prune(builder.build(), names), outputs };
}

function addBatch(
  { target, rowCounts, activeCounts }: GrowingCounts,
  values: Readonly<Record<string, TensorValue>>,
  outputs: CountOutputs | undefined,
): void {
  const [active, rows] = [values[outputs?.active ?? ''], values[outputs?.rows ?? '']];
  if (active === undefined || rows === undefined) throw new Error('Counts by position are missing.');
  const counts = toFloat64(active);
  for (const [position, rowCount] of toFloat64(rows).entries()) {
    rowCounts[position] = (rowCounts[position] ?? 0) + rowCount;
    const own = (activeCounts[position] ??= new Float64Array(target.unitCount));
    for (let unit = 0; unit < own.length; unit++) {
      own[unit] = (own[unit] ?? 0) + (counts[position * own.length + unit] ?? 0);
    }
  }
}

function noPositions(path: string): UserError {
  return new UserError(
    'no-positions',
    `${path} has no activation with units at every position of a sequence, [N, T, units]. Choose a model that reads sequences, such as a transformer with its feed-forward layers in the main graph.`,
    { detail: { path } },
  );
}
