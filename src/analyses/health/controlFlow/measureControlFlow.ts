import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Feeds, Session } from '../../../engine/runtime/session.js';
import { PlanRunner } from '../../../engine/straightLine/runPlan.js';
import type { SplitModel } from '../../../engine/straightLine/splitControlFlow.js';
import type { Model } from '../../../onnx/model.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';

/** How often a branch was taken. */
export interface BranchCounts {
  /** Times, over all samples; more than one a sample inside loops. */
  readonly times: [whenFalse: number, whenTrue: number];
  /** Samples that took it at least once. */
  readonly samples: [whenFalse: number, whenTrue: number];
}

/** What running a model whole and in pieces showed. */
export interface ControlFlowFigures {
  readonly split: SplitModel;
  readonly sampleCount: number;
  /** By branch point. */
  readonly counts: readonly BranchCounts[];
  /** Largest |whole − pieces| of an output element, relative to the largest |element| of that output; integers and shapes count too. */
  readonly maxError: number;
  readonly wholeMs: number;
  readonly piecesMs: number;
  /** The pieces that ran, by number. */
  readonly pieceModels: ReadonlyMap<number, Model>;
}

/** Runs every sample alone, for a condition belongs to a run: whole, then in pieces, and compares the outputs. */
export async function measureControlFlow(
  context: AnalysisContext,
  split: SplitModel,
  onSample: (figures: ControlFlowFigures) => void,
): Promise<ControlFlowFigures> {
  const { model, data, runtime, signal } = context;
  if (data === undefined) throw new Error('The runner starts no analysis without the data it needs.');
  const total = Math.min(data.sampleCount, context.limit ?? Infinity);
  const whole = await runtime.open(model);
  const pieces = new PlanRunner(model, split, runtime);
  const counts = split.points.map((): BranchCounts => ({ times: [0, 0], samples: [0, 0] }));
  let figures: ControlFlowFigures = {
    ...{ split, counts, sampleCount: 0, maxError: 0, wholeMs: 0, piecesMs: 0 },
    pieceModels: pieces.pieceModels,
  };
  try {
    for await (const { feeds } of data.batches({ batchSize: 1, limit: total }, signal)) {
      const one = await runOnce(feeds, { whole, pieces, counts });
      figures = {
        ...figures,
        sampleCount: figures.sampleCount + 1,
        maxError: Math.max(figures.maxError, one.error),
        wholeMs: figures.wholeMs + one.wholeMs,
        piecesMs: figures.piecesMs + one.piecesMs,
      };
      onSample(figures);
      context.progress({
        fractionDone: figures.sampleCount / Math.max(1, total),
        message: `Running whole and in pieces (${String(figures.sampleCount)} of ${String(total)} samples)`,
      });
      await yieldToEventLoop();
      throwIfAborted(signal);
    }
    return figures;
  } finally {
    await whole.close();
    await pieces.close();
  }
}

interface BothWays {
  readonly whole: Session;
  readonly pieces: PlanRunner;
  readonly counts: readonly BranchCounts[];
}

/** Runs one sample both ways and counts the branches it takes. */
async function runOnce(
  feeds: Feeds,
  { whole, pieces, counts }: BothWays,
): Promise<{ readonly error: number; readonly wholeMs: number; readonly piecesMs: number }> {
  const taken = new Set<string>();
  const startMs = performance.now();
  const expected = await whole.run(feeds);
  const middleMs = performance.now();
  const made = await pieces.run(feeds, ({ id }, isTrue) => {
    const side = isTrue ? 1 : 0;
    const own = counts[id];
    if (own === undefined) return;
    own.times[side]++;
    if (!taken.has(`${String(id)} ${String(side)}`)) own.samples[side]++;
    taken.add(`${String(id)} ${String(side)}`);
  });
  const endMs = performance.now();
  return {
    error: errorBetween(expected, made),
    wholeMs: middleMs - startMs,
    piecesMs: endMs - middleMs,
  };
}

function errorBetween(
  expected: Readonly<Record<string, TensorValue>>,
  made: Readonly<Record<string, TensorValue>>,
): number {
  const errors = Object.entries(expected).map(([name, value]) => {
    const other = made[name];
    if (other?.dims.join(',') !== value.dims.join(',')) return Infinity;
    return Array.isArray(value.data) ? 0 : relativeError(toFloat64(value), toFloat64(other));
  });
  return Math.max(0, ...errors);
}

function relativeError(expected: Float64Array, made: Float64Array): number {
  let largest = 0;
  let difference = 0;
  for (const [index, value] of expected.entries()) {
    const other = made[index] ?? NaN;
    // NaN where both are NaN is the same.
    if (Object.is(value, other)) continue;
    largest = Math.max(largest, Math.abs(value));
    difference = Math.max(difference, Number.isNaN(value - other) ? Infinity : Math.abs(value - other));
  }
  return difference === 0 ? 0 : difference / Math.max(largest, Number.MIN_VALUE);
}
