import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import type { Dataset } from '../../../data/dataset.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { fixedBatchSize } from '../../shared/fixedBatch.js';
import { fedBatches, type FedBatch, pickFeeds, sampleTotalOf } from '../../shared/sweep.js';
import { buildGraph, maskInputOf, type SweepGraph } from '../../shared/targetTap.js';
import { ngramsOf, type TokenRows, tokenRows } from './ngrams.js';
import type { TokenSite } from './sites.js';

/** What activity is read from. */
export interface ActivityRequest {
  readonly context: AnalysisContext;
  readonly data: Dataset;
  /** The input of token ids. */
  readonly ids: string;
  /** Called with the samples of a pass that are done. */
  readonly onSamples: (count: number) => void;
}

/** How often each unit of a site was active. */
export interface ActivityTotals {
  /** [U]. */
  readonly active: Float64Array;
  /** Of these, with a value above 0. */
  readonly positive: Float64Array;
}

/** Takes the n-grams of one size that a unit is active at. */
export interface ActivityJob {
  readonly site: TokenSite;
  readonly unit: number;
  readonly size: number;
  readonly tally: { readonly isClosed: boolean; add(ngram: string): void };
}

/** Flags that leave the runtime in one run, about: they are walked before anything else can happen. */
const flagCount = 2 ** 21;

/** Returns how often the units of each site are active on unmasked tokens; the counting is inside the graph. */
export async function totalsOf(
  request: ActivityRequest,
  sites: readonly TokenSite[],
): Promise<ReadonlyMap<TokenSite, ActivityTotals>> {
  const { context } = request;
  const bySite = new Map(sites.map((site) => [site.target, site]));
  const graph = buildGraph(
    context.model,
    sites.map(({ target }) => target),
    (tap) => {
      const { threshold = 0, isRelative = false } = bySite.get(tap.target) ?? {};
      const bound = tap.scalar(threshold);
      const active = isRelative ? tap.builder.node('Abs', [tap.leaving]) : tap.leaving;
      return {
        active: tap.count({ kind: 'greater', bound }, active),
        positive: tap.count({ kind: 'greater', bound }),
      };
    },
  );
  const totals = sites.map(({ target: { unitCount } }): ActivityTotals => ({
    active: new Float64Array(unitCount),
    positive: new Float64Array(unitCount),
  }));
  await eachBatch(request, { graph, batchSize: context.batchSize }, ({ batch }, values) => {
    for (const [at, total] of totals.entries()) {
      const outputs = graph.targets[at];
      const rowCount = batch.sampleCount * (sites[at]?.target.rowsPerSample ?? 1);
      addRows(total.active, values[outputs?.active ?? ''], rowCount);
      addRows(total.positive, values[outputs?.positive ?? ''], rowCount);
    }
    return Promise.resolve();
  });
  return new Map(sites.map((site, at) => [site, totals[at] ?? { active: none, positive: none }]));
}

const none = new Float64Array();

/** [rows, U] onto [U]. */
function addRows(total: Float64Array, counts: TensorValue | undefined, rowCount: number): void {
  if (counts === undefined) throw new Error('Counts of active units are missing.');
  const elements = toFloat64(counts).subarray(0, rowCount * total.length);
  for (const [at, count] of elements.entries()) {
    const unit = at % total.length;
    total[unit] = (total[unit] ?? 0) + count;
  }
}

/** Runs the data once and hands every job the n-grams that its unit is active at, in the order of the data. */
export async function tallyActivity(request: ActivityRequest, jobs: readonly ActivityJob[]): Promise<void> {
  const { context, data, ids } = request;
  const sites = [...new Set(jobs.map(({ site }) => site))];
  const bySite = new Map(sites.map((site) => [site.target, site]));
  const graph = buildGraph(
    context.model,
    sites.map(({ target }) => target),
    (tap) => {
      const { threshold = 0, isRelative = false } = bySite.get(tap.target) ?? {};
      const value = isRelative ? tap.builder.node('Abs', [tap.leaving]) : tap.leaving;
      return tap.expose(tap.builder.node('Greater', [value, tap.scalar(threshold)]));
    },
  );
  const open = sites.map((site) => jobs.filter((job) => job.site === site));
  const width = sites.reduce((sum, { target }) => sum + target.unitCount, 0);
  const batchSize = await batchSizeFor(request, width);
  await eachBatch(request, { graph, batchSize }, async ({ batch, feeds }, values) => {
    const tokens = feeds[ids];
    if (tokens === undefined) throw new Error(`The data feed no ${ids}.`);
    const rows = tokenRows(tokens, feeds[maskInputOf(data)], batch.sampleCount);
    for (let row = 0; row < rows.rowCount; row++) {
      for (const [at, site] of sites.entries()) {
        const left = (open[at] ?? []).filter(({ tally }) => !tally.isClosed);
        open[at] = left;
        const flags = values[graph.targets[at] ?? '']?.data;
        if (!(flags instanceof Uint8Array)) throw new Error('Flags of active units are missing.');
        tallyRow({ jobs: left, flags, unitCount: site.target.unitCount }, rows, row);
      }
      await yieldToEventLoop();
      throwIfAborted(context.signal);
    }
  });
}

async function batchSizeFor({ context, data, ids }: ActivityRequest, width: number): Promise<number> {
  const { model, batchSize, signal } = context;
  if (fixedBatchSize(model) !== undefined) return batchSize;
  for await (const { feeds } of data.batches({ batchSize: 1, limit: 1 }, signal)) {
    const length = feeds[ids]?.dims[1] ?? 1;
    return Math.max(1, Math.min(batchSize, Math.floor(flagCount / (length * width))));
  }
  return batchSize;
}

interface SiteFlags {
  readonly jobs: readonly ActivityJob[];
  /** [N, T, U]. */
  readonly flags: Uint8Array;
  readonly unitCount: number;
}

function tallyRow({ jobs, flags, unitCount }: SiteFlags, rows: TokenRows, row: number): void {
  const bySize = new Map<number, (string | undefined)[]>();
  for (const { unit, size, tally } of jobs) {
    let ngrams = bySize.get(size);
    if (ngrams === undefined) bySize.set(size, (ngrams = ngramsOf(rows, row, size)));
    let flag = row * rows.length * unitCount + unit;
    for (const ngram of ngrams) {
      if (ngram !== undefined && flags[flag] !== 0) tally.add(ngram);
      flag += unitCount;
    }
  }
}

async function eachBatch(
  { context, data, onSamples }: ActivityRequest,
  { graph, batchSize }: { readonly graph: SweepGraph<unknown>; readonly batchSize: number },
  visit: (fed: FedBatch, values: Readonly<Record<string, TensorValue>>) => Promise<void>,
): Promise<void> {
  const { runtime, limit, signal } = context;
  const session = await runtime.open(graph.model);
  try {
    const request = { data, batchSize, signal };
    for await (const fed of fedBatches(request, graph.model, sampleTotalOf({ data, limit }))) {
      await visit(fed, await session.run(pickFeeds(fed.feeds, session)));
      onSamples(fed.batch.sampleCount);
      await yieldToEventLoop();
      throwIfAborted(signal);
    }
  } finally {
    await session.close();
  }
}
