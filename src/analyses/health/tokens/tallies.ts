import { FrequentItems, sumOfLargest } from '../../../engine/numeric/frequentItems.js';

/** When a neuron is a detector: so few n-grams must cover such a share of its activations. */
export interface CoverRule {
  readonly share: number;
  readonly ngramCount: number;
}

/** N-grams that cover a neuron's activations, those that come most often first. */
export interface Cover {
  readonly ngrams: readonly { readonly ngram: string; readonly count: number }[];
  /** Activations at these n-grams. */
  readonly count: number;
}

/** What counting one size of n-grams says of a neuron: the cover, that there is none, or that it cannot be told. */
export type Verdict = Cover | 'none' | 'undecided';

/** N-grams held for a neuron while they are looked for. */
const heldCount = 64;

/** Activations between two looks whether a neuron can still be a detector. */
const lookEvery = 64;

/** Looks for the n-grams that a neuron is active at, in bounded memory. */
export class CoverSearch {
  private readonly items = new FrequentItems(heldCount);
  private readonly total: number;
  private readonly rule: CoverRule;
  private seen = 0;
  private hasFailed = false;

  /** `total` is the number of the neuron's activations over all data. */
  constructor(total: number, rule: CoverRule) {
    this.total = total;
    this.rule = rule;
  }

  /** Whether nothing that is added can change the answer. */
  get isClosed(): boolean {
    return this.hasFailed;
  }

  /** Most by which the counts are too small; 0: they are exact. */
  get missedCount(): number {
    return this.items.missedCount;
  }

  get counts(): ReadonlyMap<string, number> {
    return this.items.counts;
  }

  add(ngram: string): void {
    this.items.add(ngram);
    this.seen++;
    if (this.seen % lookEvery !== 0) return;
    // What is uncovered so far stays uncovered, whichever n-grams are chosen in the end.
    const uncovered = this.seen - this.items.largestTogether(this.rule.ngramCount);
    this.hasFailed = !isCovered(this.total - uncovered, this.total, this.rule);
  }

  /** Whether the most frequent n-grams may cover enough. */
  get isPossible(): boolean {
    const most = this.items.largestTogether(this.rule.ngramCount);
    return !this.hasFailed && isCovered(most, this.total, this.rule);
  }

  /** The answer, where the counts are exact. */
  get verdict(): Verdict {
    return coverOf(this.items.counts, this.total, this.rule) ?? 'none';
  }
}

/** Counts again, exactly, the n-grams that a search held. */
export class CoverProof {
  readonly isClosed = false;
  private readonly counts: Map<string, number>;
  private readonly missedCount: number;
  private readonly total: number;
  private readonly rule: CoverRule;

  constructor(search: CoverSearch, total: number, rule: CoverRule) {
    this.counts = new Map([...search.counts.keys()].map((ngram) => [ngram, 0]));
    this.missedCount = search.missedCount;
    this.total = total;
    this.rule = rule;
  }

  add(ngram: string): void {
    const count = this.counts.get(ngram);
    if (count !== undefined) this.counts.set(ngram, count + 1);
  }

  /** Undecided only where n-grams that the search did not hold could fill a gap of at most 5 × `missedCount`. */
  get verdict(): Verdict {
    const cover = coverOf(this.counts, this.total, this.rule);
    if (cover !== undefined) return cover;
    const { ngramCount } = this.rule;
    const unheld = new Array<number>(ngramCount).fill(this.missedCount);
    const most = sumOfLargest([...this.counts.values(), ...unheld], ngramCount);
    return isCovered(most, this.total, this.rule) ? 'undecided' : 'none';
  }
}

/** Returns the fewest n-grams that cover enough; undefined when more than the rule allows would be needed. */
function coverOf(counts: ReadonlyMap<string, number>, total: number, rule: CoverRule): Cover | undefined {
  const largest = [...counts]
    .map(([ngram, count]) => ({ ngram, count }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count || (a.ngram < b.ngram ? -1 : 1))
    .slice(0, rule.ngramCount);
  let covered = 0;
  for (const [at, { count }] of largest.entries()) {
    covered += count;
    if (isCovered(covered, total, rule)) return { ngrams: largest.slice(0, at + 1), count: covered };
  }
  return undefined;
}

/** Counts are whole numbers: what 0.95 · total is off by in float64 must not decide. */
function isCovered(count: number, total: number, { share }: CoverRule): boolean {
  return count >= share * total - 1e-9 * total;
}
