/**
 * The most frequent items of a stream in bounded memory: at most `capacity` are held, whatever the stream.
 *
 * Each held count is too small by at most `missedCount`, and no item that is not held came more often than that;
 * `missedCount` ≤ (items seen) / (capacity + 1), and 0 as long as no more than `capacity` different ones came: then all counts
 * are exact.
 *
 * Source: Misra & Gries (1982), "Finding repeated elements", Science of Computer Programming 2(2),
 * https://doi.org/10.1016/0167-6423(82)90012-0.
 */
export class FrequentItems {
  private readonly capacity: number;
  private readonly held = new Map<string, number>();
  private missed = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Most that a count can be too small by. */
  get missedCount(): number {
    return this.missed;
  }

  /** Lower bounds of how often each held item came. */
  get counts(): ReadonlyMap<string, number> {
    return this.held;
  }

  /** Counts an item. */
  add(item: string): void {
    const count = this.held.get(item);
    if (count !== undefined) this.held.set(item, count + 1);
    else if (this.held.size < this.capacity) this.held.set(item, 1);
    else this.takeOneOfEach();
  }

  /** Returns how often the `count` most frequent items came together, at most. */
  largestTogether(count: number): number {
    return sumOfLargest([...this.held.values()], count) + count * this.missed;
  }

  /** The new item and one of each held one are different items: they go together, which can happen seen / (capacity + 1) times. */
  private takeOneOfEach(): void {
    this.missed++;
    for (const [item, count] of this.held) {
      if (count === 1) this.held.delete(item);
      else this.held.set(item, count - 1);
    }
  }
}

/** Returns the sum of the `count` largest of some numbers. */
export function sumOfLargest(numbers: readonly number[], count: number): number {
  return [...numbers]
    .sort((a, b) => b - a)
    .slice(0, count)
    .reduce((sum, number) => sum + number, 0);
}
