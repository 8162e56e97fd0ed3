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
  /** Milliseconds of work, done and ahead, from which on copies of the session are worth opening; default 3,000. */
  readonly worthMs?: number;
}

/** Opening lanes takes some 0.2 s, and saves a tenth to a third of what is left on two cores. */
const defaultWorthMs = 3000;

/** What is known of a session from calls before: whoever has run it for seconds, a few items at a time, will go on. */
interface Work {
  doneMs: number;
  lanes: Lanes | undefined;
}

const works = new WeakMap<Session, Work>();

/**
 * Runs a session for each item, none of which waits for another, and returns what came out in the order of the items.
 *
 * Where there is much to do, it goes on in lanes: copies of the session, each with a share of the threads, that run at the same time. What the
 * runtime does on one thread only (transpositions, joins, masks: half of a gradient) is then shared too, and the next feeds are made
 * meanwhile. Results are the same to the bit.
 *
 * @throws as `Session.run`, after the runs before it have been returned; runs that were started are waited for.
 */
export async function* runAhead<Item>(
  runs: RunsAhead<Item>,
): AsyncGenerator<RunAhead<Item>, void, undefined> {
  const { session, items, outputNames, worthMs = defaultWorthMs } = runs;
  const work: Work = works.get(session) ?? { doneMs: 0, lanes: undefined };
  works.set(session, work);
  let next = 0;
  for (; next < items.length && work.lanes === undefined; next++) {
    const item = items[next] as Item;
    const feeds = runs.feedsOf(item);
    const start = performance.now();
    const outputs = await session.run(feeds, outputNames);
    const ms = performance.now() - start;
    work.doneMs += ms;
    yield { item, outputs };
    const left = items.length - next - 1;
    if (left > 0 && work.doneMs + ms * left > worthMs) work.lanes = await session.lanes?.();
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
    const run = lanes.run(feedsOf(item), outputNames).then((outputs) => ({ item, outputs }));
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
