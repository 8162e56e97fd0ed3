import type { Model } from '../../onnx/model.js';
import type { TensorValue } from '../../onnx/tensorValue.js';

/** An execution provider a person may ask for; `auto` takes the fastest that works and is no software GPU. */
export type ProviderChoice = 'auto' | 'cpu' | 'webgpu' | 'cuda' | 'dml' | 'coreml';

/** A provider in use. */
export type Provider = Exclude<ProviderChoice, 'auto'>;

/** How a session is opened. */
export interface SessionOptions {
  /**
   * `sweep` (default): prepacked weights, all optimisations, for many runs. `probe`: no prepacking, weights mapped from
   * the file: opens fast and small, runs about 1.3 × slower; for a few runs.
   */
  readonly purpose?: 'sweep' | 'probe';
  /** Intra-op threads; default: the runtime's own choice. */
  readonly threadCount?: number;
}

/** Named tensors: what goes into a run and what comes out. */
export type Feeds = Readonly<Record<string, TensorValue>>;

/** An open model in the runtime. */
export interface Session {
  readonly provider: Provider;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs the graph once and returns every output (or those named).
   *
   * Blocks the engine process's event loop meanwhile; a run can only be cancelled by ending the process.
   *
   * @throws UserError `run-failed` with the runtime's own words when the model cannot run on these feeds.
   */
  run(feeds: Feeds, outputNames?: readonly string[]): Promise<Readonly<Record<string, TensorValue>>>;
  /**
   * Opens copies of this session that run at the same time, for `runAhead`; they are closed with it. Undefined where they would gain
   * nothing (one thread, a GPU) or take too much memory.
   */
  lanes?(): Promise<Lanes | undefined>;
  /** Returns how many elements a run on such feeds computes: how long it takes, by a measure that is the same each time. */
  sizeOf?(feeds: Feeds): number;
  close(): Promise<void>;
}

/** Copies of a session, each with a share of the threads. */
export interface Lanes {
  readonly count: number;
  /** Runs in the next copy that is free, as `Session.run`; the event loop goes on meanwhile. */
  run(feeds: Feeds, outputNames?: readonly string[]): Promise<Readonly<Record<string, TensorValue>>>;
  close(): Promise<void>;
}

/** Opens sessions; the one seam between the engine and the native runtime, so that analyses never import it. */
export interface Runtime {
  /** The provider in use, or undefined until the first session is open. */
  readonly provider: Provider | undefined;
  readonly version: string;
  /**
   * Opens a model, original or rewritten; weights stay in the model's own files.
   *
   * @throws UserError `provider-unavailable` (environment), `model-rejected` (input).
   */
  open(model: Model, options?: SessionOptions): Promise<Session>;
}
