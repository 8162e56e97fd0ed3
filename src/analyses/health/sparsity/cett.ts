import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { UserError } from '../../../base/errors.js';
import type { Dataset } from '../../../data/dataset.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { appendIsAbove } from '../../../engine/interventions/change.js';
import { intervene } from '../../../engine/rewrites/intervene.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { Runtime, Session } from '../../../engine/runtime/session.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import { type FedBatch, fedBatches, pickFeeds } from '../../shared/sweep.js';
import type { FeedForward } from './feedForward.js';

/** What truncating the neurons of a block whose share is at or under a threshold does to what the block writes. */
export interface Truncation {
  readonly threshold: number;
  /** ‖Σ truncated‖ / ‖FFN(x)‖, the mean over tokens; 0 where a block writes nothing. */
  readonly cett: number;
  /** Share of (token, neuron) pairs that stay. */
  readonly activeShare: number;
  /** Largest share |a| · ‖w_down‖ of any neuron on any token. */
  readonly largest: number;
}

/** What the errors are measured on. */
export interface CettRequest {
  readonly model: Model;
  readonly blocks: readonly FeedForward[];
  /** Input whose zeros mark padding. */
  readonly mask: string | undefined;
  readonly runtime: Runtime;
  readonly data: Dataset;
  readonly batchSize: number;
  /** Samples at most. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** Measures cumulative errors of tail truncation; one session for any number of thresholds. */
export interface CettMeter {
  /** Returns what one threshold for each block does to that block of the untouched model; one pass. */
  at(thresholds: readonly number[]): Promise<Truncation[]>;
  close(): Promise<void>;
}

/** Returns the model with every neuron at 0 on the tokens on which its share is at or under the threshold of its block. */
export function truncate(model: Model, blocks: readonly FeedForward[], thresholds: readonly number[]): Model {
  return intervene(
    model,
    blocks.map(({ hidden, norms }, at) => ({
      value: hidden,
      rank: 3,
      change: { kind: 'keep-above', size: norms, threshold: thresholds[at] ?? 0 },
    })),
  );
}

/** Opens the meter; close it. */
export async function createCettMeter(request: CettRequest): Promise<CettMeter> {
  const graph = cettGraph(request.model, request.blocks);
  const session = await request.runtime.open(graph.model);
  return {
    at: (thresholds) => measure(request, { graph, session }, thresholds),
    close: () => session.close(),
  };
}

/** Values by token, `[N, T]` or `[N · T]`. */
interface BlockOutputs {
  readonly error: string;
  readonly activeCount: string;
  readonly largest: string;
}

interface CettGraph {
  readonly model: Model;
  /** Input of the thresholds, [blocks]. */
  readonly thresholds: string;
  readonly outputs: readonly BlockOutputs[];
}

function cettGraph(model: Model, blocks: readonly FeedForward[]): CettGraph {
  const builder = new GraphBuilder(model);
  builder.setOutputs([]);
  const float = dataTypeFacts('float32').code;
  const thresholds = builder.addInput(builder.freshName('ni/thresholds'), {
    kind: 'tensor',
    elementType: 'float32',
    shape: [blocks.length],
  });
  const outputs = blocks.map((block, at): BlockOutputs => {
    const hidden = builder.cast(block.hidden, float);
    const size = builder.constant(block.norms);
    const threshold = builder.node('Gather', [thresholds, builder.constant(int64Tensor([at], []))]);
    const isActive = appendIsAbove(builder, { value: hidden, size, threshold });
    const weight = builder.constant(block.weight);
    const written = (neurons: string): string =>
      builder.reduce('ReduceL2', builder.node('MatMul', [neurons, weight]), [-1], false);
    const zero = builder.scalar(0);
    const whole = written(hidden);
    const tail = written(builder.node('Where', [isActive, zero, hidden]));
    const share = builder.node('Mul', [builder.node('Abs', [hidden]), size]);
    return {
      // Where nothing is written nothing is lost; NaN stays NaN.
      error: builder.node('Where', [
        builder.node('Equal', [whole, zero]),
        zero,
        builder.node('Div', [tail, whole]),
      ]),
      activeCount: builder.reduce('ReduceSum', builder.cast(isActive, float), [-1], false),
      largest: builder.reduce('ReduceMax', share, [-1], false),
    };
  });
  const names = outputs.flatMap((output) => Object.values(output) as string[]);
  for (const name of names) builder.addOutput(name);
  return { model: prune(builder.build(), names), thresholds, outputs };
}

interface Sums {
  tokenCount: number;
  error: number;
  activeCount: number;
  largest: number;
}

async function measure(
  request: CettRequest,
  { graph, session }: { readonly graph: CettGraph; readonly session: Session },
  thresholds: readonly number[],
): Promise<Truncation[]> {
  const { data, limit, blocks, signal } = request;
  const fed = float32Tensor([...thresholds], [thresholds.length]);
  const sums = blocks.map((): Sums => ({ tokenCount: 0, error: 0, activeCount: 0, largest: 0 }));
  for await (const batch of fedBatches(request, request.model, Math.min(limit, data.sampleCount))) {
    const values = await session.run({ ...pickFeeds(batch.feeds, session), [graph.thresholds]: fed });
    for (const [at, sum] of sums.entries()) {
      addBatch(sum, batch, { ...request, values, of: graph.outputs[at] });
    }
    await yieldToEventLoop();
    throwIfAborted(signal);
  }
  return sums.map(({ tokenCount, error, activeCount, largest }, at) => {
    if (!Number.isFinite(error)) throw notFinite(blocks[at]?.name ?? '');
    return {
      threshold: thresholds[at] ?? NaN,
      cett: error / tokenCount,
      activeShare: activeCount / (tokenCount * (blocks[at]?.unitCount ?? NaN)),
      largest,
    };
  });
}

function addBatch(
  sum: Sums,
  { batch, feeds, rowCount }: FedBatch,
  {
    mask,
    values,
    of: outputs,
  }: {
    readonly mask: string | undefined;
    readonly values: Readonly<Record<string, TensorValue>>;
    readonly of: BlockOutputs | undefined;
  },
): void {
  const read = (name: string | undefined): Float64Array => {
    const value = values[name ?? ''];
    if (value === undefined) throw new Error(`The runtime gave no ${name ?? 'output'}.`);
    return toFloat64(value);
  };
  const [error, activeCount, largest] = [
    read(outputs?.error),
    read(outputs?.activeCount),
    read(outputs?.largest),
  ];
  const given = feeds[mask ?? ''];
  const flags = given === undefined ? undefined : toFloat64(given);
  const tokenCount = (error.length / rowCount) * batch.sampleCount;
  for (let at = 0; at < tokenCount; at++) {
    if (flags?.[at] === 0) continue;
    sum.tokenCount++;
    sum.error += error[at] ?? NaN;
    sum.activeCount += activeCount[at] ?? NaN;
    sum.largest = Math.max(sum.largest, largest[at] ?? NaN);
  }
}

function notFinite(block: string): UserError {
  return new UserError(
    'not-finite',
    `What ${block} writes is NaN or infinite on some token, so no error can be measured. Find the first layer where this happens with dead-neurons.`,
    { detail: { block } },
  );
}
