import type { Feeds, Lanes, Session } from '../session.js';

/** A run and what came out. */
export interface RunAhead<Item> {
  readonly item: Item;
  readonly outputs: Feeds;
}

/** What is run for each item. */
export interface RunsAhead<Item> {
  readonly session: Session;
  readonly items: readonly Item[];
  readonly feedsOf: (item: Item) => Feeds;
  /** Outputs that are wanted; default: all. */
  readonly outputNames?: readonly string[];
  /** Elements to compute, done and ahead, from which on copies of the session are worth opening; default 5 · 10⁹. */
  readonly worthSize?: number;
}

/**
 * Two or three seconds: gradients of MobileNet, ResNet-18 and a language model compute 10⁹ elements in 0.3–0.6 s. Opening lanes
 * takes 0.2, and saves 5 to 30 % of what is left to do on two cores.
 *
 * No time is measured: more threads add up products of some shapes in another order (1e-6 apart), and what is run where, and
 * so every bit of a report, must be the same each time.
 */
const defaultWorthSize = 5e9;

/** What is known of a session from calls before: whoever has run it for long, a few items at a time, will go on. */
interface Work {
  doneSize: number;
  lanes: Lanes | undefined;
}

const works = new WeakMap<Session, Work>();

/**
 * Runs a session for each item, none of which waits for another, and returns what came out in the order of the items.
 *
 * Where there is much to do, and a run for every lane, it goes on in lanes: copies of the session, each with a share of the
 * threads, that run at the same time. What the runtime does on one thread only (transpositions, joins, masks: half of a
 * gradient) is then shared too, and the next feeds are made meanwhile.
 *
 * @throws as `Session.run`, after the runs before it have been returned; runs that were started are waited for.
 */
export async function* runAhead<Item>(
  runs: RunsAhead<Item>,
): AsyncGenerator<RunAhead<Item>, void, undefined> {
  const { session, items, outputNames, worthSize = defaultWorthSize } = runs;
  const work: Work = works.get(session) ?? { doneSize: 0, lanes: undefined };
  works.set(session, work);
  const isEnough = (left: number): boolean => work.lanes !== undefined && left >= work.lanes.count;
  let next = 0;
  for (; next < items.length && !isEnough(items.length - next); next++) {
    const item = items[next] as Item;
    const feeds = runs.feedsOf(item);
    const outputs = await session.run(feeds, outputNames);
    const size = session.sizeOf?.(feeds) ?? 0;
    work.doneSize += size;
    yield { item, outputs };
    const left = items.length - next - 1;
    if (left > 0 && work.doneSize + size * left > worthSize) work.lanes ??= await session.lanes?.();
  }
  if (work.lanes !== undefined) yield* inLanes(work.lanes, runs, next);
}

async function* inLanes<Item>(
  lanes: Lanes,
  { items, outputNames, feedsOf }: RunsAhead<Item>,
  first: number,
): AsyncGenerator<RunAhead<Item>, void, undefined> {
  const started: Promise<RunAhead<Item>>[] = [];
  let next = first;
  const startNext = (): void => {
    const item = items[next++] as Item;
    const runItem = async (): Promise<RunAhead<Item>> => ({
      item,
      outputs: await lanes.run(feedsOf(item), outputNames),
    });
    const run = runItem();
    // Whoever waits for it sees the failure; until then it is no unhandled one.
    run.catch(() => undefined);
    started.push(run);
  };
  try {
    // One more than there are lanes, so that none waits while a result is used.
    while (next < items.length && started.length <= lanes.count) startNext();
    for (let run = started.shift(); run !== undefined; run = started.shift()) {
      const done = await run;
      if (next < items.length) startNext();
      yield done;
    }
  } finally {
    await Promise.allSettled(started);
  }
}
