import type { DataType } from '../../onnx/dataTypes.js';
import type { Dimension } from '../../onnx/model.js';

/** Keys or values of earlier tokens that a model takes. */
export interface CachePort {
  readonly input: string;
  /** The output that hands them back with those of the new tokens; undefined where none does. */
  readonly output: string | undefined;
  readonly elementType: DataType;
  /** Declared shape, [N, heads, past, width]; open sizes but the batch are 0 at the start. */
  readonly shape: readonly Dimension[];
}

/** An integer input. */
export interface IdsPort {
  readonly name: string;
  readonly elementType: 'int32' | 'int64';
}

/** Where a decoder takes tokens and hands scores out. */
export interface DecoderPorts {
  readonly ids: IdsPort;
  /** 1 for every token, those in the cache included. */
  readonly mask?: IdsPort;
  readonly positions?: IdsPort;
  /** Fed with 0. */
  readonly types?: IdsPort;
  /** Whether there is a cache. */
  readonly flag?: string;
  readonly caches: readonly CachePort[];
  /** Value with a score for each token of the vocabulary, [N, T, V]. */
  readonly logits: string;
  /** Rows that the model insists on. */
  readonly fixedBatch?: number;
  /** Tokens that it insists on: shorter rows are filled up behind, which a causal model does not see. */
  readonly fixedLength?: number;
}
