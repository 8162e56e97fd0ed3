import type { Feeds } from '../engine/runtime/session.js';
import type { TokenNames } from './sampleSource.js';

/** A piece of a data set, ready to feed. */
export interface Batch {
  readonly feeds: Feeds;
  /** Samples in this batch: the first axis of every feed. */
  readonly sampleCount: number;
  /** Index of the first sample in the data set. */
  readonly firstIndex: number;
  /** One id per sample, stable over runs: a file name, `row 17`, `17`. */
  readonly ids: readonly string[];
  /** Class index per sample, when the data set has labels. */
  readonly labels?: Int32Array;
}

/** How a data set is walked. */
export interface BatchOptions {
  readonly batchSize: number;
  /** Samples at most; default all. */
  readonly limit?: number;
  /**
   * Order of the samples, as indices; default 0, 1, 2 … Readers that can only stream keep up to 512 MB
   * of samples in memory for it, and refuse it beyond.
   */
  readonly order?: Uint32Array;
}

/** Data tied to a model's inputs: preprocessed, typed, streamed. */
export interface Dataset {
  /** Absolute path it was read from. */
  readonly path: string;
  /** Reader that serves it: `csv`, `npz`, `npy`, `idx`, `images`, `image`, `parquet`, `onnx-pb`, `audio`, `text`. */
  readonly kind: string;
  /** Samples in all; readers count without decoding where the format allows it. */
  readonly sampleCount: number;
  readonly hasLabels: boolean;
  /** Class names by index, when known. */
  readonly labelNames?: readonly string[];
  /** Names of the columns that feed an input, by input, where the data are a table that names them. */
  readonly columnNames?: Readonly<Record<string, readonly string[]>>;
  /** Frames a second, by input, where the samples are sounds. */
  readonly sampleRates?: Readonly<Record<string, number>>;
  /** Axes of each input by letter, as an inspect file writes them, where they are known. */
  readonly layouts?: Readonly<Record<string, string>>;
  /** What the ids of an input stand for, where the data are texts or the inspect file names a tokenizer. */
  readonly tokens?: TokenNames;
  /** The input that is 0 where a position is padding, when the inspect file names one or the reader padded. */
  readonly maskInput?: string;
  /** What was assumed or looks wrong (layout, scale, dtype), one sentence each. Shown in every report. */
  readonly warnings: readonly string[];
  /**
   * Streams the samples in order; the last batch may be smaller.
   *
   * @throws UserError when a sample cannot be decoded or has the wrong shape, naming it.
   */
  batches(options: BatchOptions, signal?: AbortSignal): AsyncIterable<Batch>;
}
