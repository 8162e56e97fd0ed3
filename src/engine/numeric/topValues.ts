/**
 * The largest values of a stream, exactly: at most twice as many as asked for are held. Streams merge in any order.
 */
export class TopValues {
  private readonly capacity: number;
  private readonly isDouble: boolean;
  private kept: Float32Array | Float64Array;
  private count = 0;
  /** Values up to this cannot be among the largest any more. */
  private floor = -Infinity;

  /** Keeps the `capacity` largest, as float32 unless `isDouble` is set: values of a float32 graph lose nothing. */
  constructor(capacity: number, isDouble = false) {
    this.capacity = capacity;
    this.isDouble = isDouble;
    this.kept = this.allocate(Math.min(2 * capacity, 64));
  }

  /** Takes values in; NaN is none of the largest. */
  add(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      // The first test is false for NaN; equal ones have to be counted until there are enough.
      if (value > this.floor || (value === -Infinity && this.count < this.capacity)) this.push(value);
    }
  }

  /** Takes in what another stream kept. */
  merge(other: TopValues): void {
    this.add(other.kept.subarray(0, other.count));
  }

  /** Returns the largest value (`rank` 0) or those behind it; undefined where there are fewer. */
  at(rank: number): number | undefined {
    this.compact();
    return rank < this.count ? this.kept[rank] : undefined;
  }

  private push(value: number): void {
    if (this.count === this.kept.length) this.makeRoom();
    this.kept[this.count++] = value;
  }

  private makeRoom(): void {
    if (this.count === 2 * this.capacity) {
      this.compact();
      return;
    }
    const larger = this.allocate(Math.min(2 * this.capacity, 2 * this.count));
    larger.set(this.kept);
    this.kept = larger;
  }

  /** Sorts, largest first, and lets go of all but the largest. */
  private compact(): void {
    this.kept.subarray(0, this.count).sort().reverse();
    if (this.count < this.capacity) return;
    this.count = this.capacity;
    this.floor = this.kept[this.capacity - 1]!;
  }

  private allocate(length: number): Float32Array | Float64Array {
    return this.isDouble ? new Float64Array(length) : new Float32Array(length);
  }
}
