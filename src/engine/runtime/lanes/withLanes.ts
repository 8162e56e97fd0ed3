import { availableParallelism } from 'node:os';
import { messageOf } from '../../../base/errors.js';
import type { Logger } from '../../../base/logger.js';
import { packedSizeBytes } from '../../../onnx/dataTypes.js';
import type { Model } from '../../../onnx/model.js';
import { forEachTensor } from '../../../onnx/serializeModel.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { Feeds, Lanes, Session } from '../session.js';

/** Lanes at most: each holds the activations of a batch. */
const mostLanes = 4;

/** Bytes of weights that all lanes together may prepare for themselves. */
const weightBudgetBytes = 256 * 1024 * 1024;

/** How many lanes there are, and threads of each. */
export interface LaneCounts {
  readonly laneCount: number;
  readonly threadsPerLane: number;
}

/** What lanes are made from. */
export interface LaneSource {
  /** Threads of the session; undefined for all there are. */
  readonly threadCount: number | undefined;
  readonly log: Logger;
  /** Opens one more session of the same model, in a thread of its own. */
  readonly open: (threadCount: number) => Promise<Session>;
}

/** Returns the session with lanes, which are opened when they are first asked for and closed with it. */
export function withLanes(session: Session, model: Model, source: LaneSource): Session {
  let opening: Promise<Lanes | undefined> | undefined;
  return {
    ...session,
    lanes: () => (opening ??= openLanes(model, source)),
    sizeOf: sizesOf(model),
    async close() {
      const opened = opening;
      // Whoever asks now is told that there are none.
      opening ??= Promise.resolve(undefined);
      try {
        await (await opened)?.close();
      } finally {
        await session.close();
      }
    },
  };
}

/** Elements of all values of the main graph, by the shapes of the inputs; values of unknown shape count nothing. */
function sizesOf(model: Model): (feeds: Feeds) => number {
  const known = new Map<string, number>();
  return (feeds) => {
    const inputShapes = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
    const key = JSON.stringify(inputShapes);
    const size = known.get(key) ?? elementsComputed(model, inputShapes);
    known.set(key, size);
    return size;
  };
}

function elementsComputed(model: Model, inputShapes: Readonly<Record<string, readonly number[]>>): number {
  let total = 0;
  for (const [name, type] of inferTypes(model, { inputShapes })) {
    if (model.graph.initializers.has(name) || type.kind !== 'tensor') continue;
    if (type.shape?.every((size) => typeof size === 'number')) total += elementCountOf(type.shape);
  }
  return total;
}

async function openLanes(model: Model, { threadCount, log, open }: LaneSource): Promise<Lanes | undefined> {
  const counts = laneCounts(model, threadCount ?? availableParallelism());
  if (counts === undefined) return undefined;
  const opened = await Promise.allSettled(
    Array.from({ length: counts.laneCount }, () => open(counts.threadsPerLane)),
  );
  const lanes = opened.flatMap((lane) => (lane.status === 'fulfilled' ? [lane.value] : []));
  const failure = opened.find((lane) => lane.status === 'rejected');
  if (failure === undefined) return laneQueue(lanes);
  log.warn(`Runs go on one after the other: ${messageOf(failure.reason)}`);
  for (const lane of lanes) await lane.close();
  return undefined;
}

/** Gives each run to the next lane that is free. */
function laneQueue(lanes: readonly Session[]): Lanes {
  const free = [...lanes];
  const waiting: ((lane: Session) => void)[] = [];
  const take = (): Promise<Session> => {
    const lane = free.pop();
    return lane === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(lane);
  };
  const give = (lane: Session): void => {
    const next = waiting.shift();
    // Taken from the other end: one that failed is the last to be tried again.
    if (next === undefined) free.unshift(lane);
    else next(lane);
  };
  return {
    count: lanes.length,
    async run(feeds, outputNames) {
      const lane = await take();
      try {
        return await lane.run(feeds, outputNames);
      } finally {
        give(lane);
      }
    },
    async close() {
      for (const lane of lanes) await lane.close();
    },
  };
}

/** Returns how many lanes a model's runs are shared among, or undefined where there would be one only. */
export function laneCounts(model: Model, threadCount: number): LaneCounts | undefined {
  let weightBytes = 0;
  forEachTensor(model, ({ elementType, dims }) => {
    weightBytes += packedSizeBytes(elementType, elementCountOf(dims));
  });
  const affordable = Math.floor(weightBudgetBytes / Math.max(1, weightBytes));
  const laneCount = Math.min(threadCount, mostLanes, affordable);
  if (laneCount < 2) return undefined;
  return { laneCount, threadsPerLane: Math.floor(threadCount / laneCount) };
}
