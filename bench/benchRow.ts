/** One measured line of a benchmark, beside the bar it is held to. */
export interface BenchRow {
  readonly name: string;
  /** Times the reference of the same run: what can be compared between machines. */
  readonly ratio?: number;
  readonly value?: number;
  readonly unit?: string;
  /** The bar as the design words it. */
  readonly bar?: string;
  /** Whether the bar is met; absent where there is none. */
  readonly ok?: boolean;
  /** Why there is no figure, where a bar cannot be measured here. */
  readonly notMeasured?: string;
}
