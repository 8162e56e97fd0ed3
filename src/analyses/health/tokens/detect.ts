import { throwIfAborted } from '../../../base/abort.js';
import { maskInputOf } from '../../shared/targetTap.js';
import { sampleTotalOf } from '../../shared/sweep.js';
import { type ActivityJob, type ActivityRequest, type ActivityTotals, tallyActivity } from './activity.js';
import { ngramsOf, tokenRows } from './ngrams.js';
import type { TokenSite } from './sites.js';
import { type Cover, CoverProof, type CoverRule, CoverSearch, type Verdict } from './tallies.js';

/** Largest n. */
export const longestNgram = 3;

/** Runs of the data that finding detectors takes at most: one for each n, and one that proves the last. */
export const longestPassCount = longestNgram + 1;

/** A neuron that few n-grams cover. */
export interface Detector {
  readonly site: TokenSite;
  readonly unit: number;
  /** The largest n of which few n-grams cover it. */
  readonly size: number;
  readonly cover: Cover;
  /** All its activations. */
  readonly activeCount: number;
  /** Activations with a value above 0. */
  readonly positiveCount: number;
}

/** What was found. */
export interface Detectors {
  readonly detectors: readonly Detector[];
  /** Neurons with enough activations to tell. */
  readonly judgedCount: number;
  /** Neurons of which bounded memory could not tell for some n. */
  readonly undecidedCount: number;
}

/** What neurons must be. */
export interface DetectionRule extends CoverRule {
  /** Neurons with fewer activations are not judged. */
  readonly leastActiveCount: number;
}

interface Unit {
  readonly site: TokenSite;
  readonly unit: number;
  readonly activeCount: number;
  readonly positiveCount: number;
  /** By n, from 1. */
  readonly verdicts: Verdict[];
}

type Search = ActivityJob & { readonly of: Unit; readonly tally: CoverSearch };
type Proof = ActivityJob & { readonly of: Unit; readonly tally: CoverProof };

/**
 * Returns the neurons whose activations few n-grams cover, in the order of sites and units.
 *
 * n grows from 1, and only what few n-grams may cover is looked at with longer ones: what k n-grams cover, their at most k
 * endings cover too. The n-grams held in bounded memory by one run of the data are counted exactly in the next.
 */
export async function findDetectors(
  request: ActivityRequest,
  totals: ReadonlyMap<TokenSite, ActivityTotals>,
  rule: DetectionRule,
): Promise<Detectors> {
  const units = unitsOf(totals).filter(({ activeCount }) => activeCount >= rule.leastActiveCount);
  let live: readonly Unit[] = units;
  let proofs: readonly Proof[] = [];
  for (let size = 1; size <= longestNgram || proofs.length > 0; size++) {
    const searched = size <= longestNgram ? live : [];
    const searches = searched.map((of): Search => {
      return { ...placeOf(of, size), of, tally: new CoverSearch(of.activeCount, rule) };
    });
    if (searches.length + proofs.length === 0) break;
    await tallyActivity(request, [...searches, ...proofs]);
    for (const { of, tally, size: proven } of proofs) of.verdicts[proven - 1] = tally.verdict;
    const possible = searches.filter(({ tally }) => tally.isPossible);
    for (const { of, tally } of possible) {
      if (tally.missedCount === 0) of.verdicts[size - 1] = tally.verdict;
    }
    proofs = possible
      .filter(({ tally }) => tally.missedCount > 0)
      .map(({ of, tally }): Proof => {
        return { ...placeOf(of, size), of, tally: new CoverProof(tally, of.activeCount, rule) };
      });
    live = possible.map(({ of }) => of);
  }
  return {
    detectors: units.flatMap((unit) => detectorOf(unit) ?? []),
    judgedCount: units.length,
    undecidedCount: units.filter(({ verdicts }) => verdicts.includes('undecided')).length,
  };
}

function unitsOf(totals: ReadonlyMap<TokenSite, ActivityTotals>): Unit[] {
  return [...totals].flatMap(([site, { active, positive }]) =>
    Array.from(active, (activeCount, unit): Unit => {
      return { site, unit, activeCount, positiveCount: positive[unit] ?? 0, verdicts: [] };
    }),
  );
}

function placeOf({ site, unit }: Unit, size: number): Pick<ActivityJob, 'site' | 'unit' | 'size'> {
  return { site, unit, size };
}

function detectorOf({ verdicts, ...unit }: Unit): Detector | undefined {
  for (let size = verdicts.length; size > 0; size--) {
    const cover = verdicts[size - 1];
    if (typeof cover === 'object') return { ...unit, size, cover };
  }
  return undefined;
}

/** Returns how often each n-gram that covers a detector stands in the data; the model does not run. */
export async function occurrencesOf(
  { context, data, ids }: ActivityRequest,
  detectors: readonly Detector[],
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { cover } of detectors) for (const { ngram } of cover.ngrams) counts.set(ngram, 0);
  const sizes = new Set(detectors.map(({ size }) => size));
  const { batchSize, limit, signal } = context;
  if (sizes.size === 0) return counts;
  const options = { batchSize, limit: sampleTotalOf({ data, limit }) };
  for await (const { feeds, sampleCount } of data.batches(options, signal)) {
    const tokens = feeds[ids];
    if (tokens === undefined) throw new Error(`The data feed no ${ids}.`);
    const rows = tokenRows(tokens, feeds[maskInputOf(data)], sampleCount);
    for (let row = 0; row < rows.rowCount; row++) {
      for (const ngram of [...sizes].flatMap((size) => ngramsOf(rows, row, size))) {
        const count = ngram === undefined ? undefined : counts.get(ngram);
        if (ngram !== undefined && count !== undefined) counts.set(ngram, count + 1);
      }
    }
    throwIfAborted(signal);
  }
  return counts;
}
