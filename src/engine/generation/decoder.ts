import { dataTypeFacts } from '../../onnx/dataTypes.js';
import type { Model } from '../../onnx/model.js';
import { elementCountOf, type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';
import { GraphBuilder } from '../graph/graphBuilder.js';
import { prune } from '../rewrites/prune.js';
import type { Feeds, Runtime, Session } from '../runtime/session.js';
import type { CachePort, DecoderPorts, IdsPort } from './decoderPorts.js';

/** A language model that is asked for one next token after the other. */
export interface Decoder {
  /** Whether keys and values of earlier tokens are kept between calls. */
  readonly isCached: boolean;
  /** Returns a score for every token of the vocabulary that may follow `tokens`; tokens that were there before are not run again. */
  scoresAfter(tokens: readonly number[]): Promise<Float64Array>;
  close(): Promise<void>;
}

/** The position whose scores are read: an input of the rewritten model. */
const readAt = 'ni/at';

/**
 * Opens a model for generation: of [N, T, V] only the scores of one position leave the runtime.
 *
 * Keys and values are fed back where the model has inputs for them and takes rows of any length; otherwise the whole row is run
 * for every token.
 */
export async function openDecoder(model: Model, ports: DecoderPorts, runtime: Runtime): Promise<Decoder> {
  const builder = new GraphBuilder(model);
  builder.addInput(readAt, { kind: 'tensor', elementType: 'int64', shape: [] });
  const row = builder.node('Gather', [ports.logits, readAt], { attributes: { axis: 1 } });
  const scores = builder.cast(row, dataTypeFacts('float32').code);
  builder.addOutput(scores);
  const handedBack = ports.caches.map(({ output }) => output).filter((output) => output !== undefined);
  const isPaired = handedBack.length > 0 && handedBack.length === ports.caches.length;
  const isCached = isPaired && ports.fixedLength === undefined;
  const kept = isCached ? handedBack : [];
  const session = await runtime.open(prune(builder.build(), [scores, ...kept]));
  return new SessionDecoder({ session, ports, scores, isCached });
}

interface DecoderParts {
  readonly session: Session;
  readonly ports: DecoderPorts;
  readonly scores: string;
  readonly isCached: boolean;
}

class SessionDecoder implements Decoder {
  readonly isCached: boolean;
  private readonly parts: DecoderParts;
  /** Tokens whose keys and values are in the cache. */
  private seen: readonly number[] = [];
  private cache: Readonly<Record<string, TensorValue>> = {};

  constructor(parts: DecoderParts) {
    this.parts = parts;
    this.isCached = parts.isCached;
  }

  async scoresAfter(tokens: readonly number[]): Promise<Float64Array> {
    const { session, ports, scores } = this.parts;
    const isLonger = this.seen.length < tokens.length && this.seen.every((id, at) => tokens[at] === id);
    if (!isLonger) this.forget();
    const past = this.seen.length;
    const tail = tokens.slice(past);
    const feeds: Feeds = {
      ...rowFeeds(ports, { tokens: tail, past, cache: this.cache }),
      [readAt]: { dtype: 'int64', dims: [], data: BigInt64Array.of(BigInt(tail.length - 1)) },
    };
    const wanted = Object.fromEntries(session.inputNames.map((name) => [name, feeds[name] ?? missing(name)]));
    const values = await session.run(wanted);
    const row = values[scores];
    if (row === undefined) throw new Error('The scores of a decoder are missing.');
    if (this.isCached) this.keep(tokens, values);
    return toFloat64(row).subarray(0, row.dims[1]);
  }

  close(): Promise<void> {
    return this.parts.session.close();
  }

  private forget(): void {
    this.seen = [];
    this.cache = {};
  }

  private keep(tokens: readonly number[], values: Readonly<Record<string, TensorValue>>): void {
    this.seen = tokens;
    this.cache = Object.fromEntries(
      this.parts.ports.caches.map(({ input, output }) => [input, values[output ?? ''] ?? missing(input)]),
    );
  }
}

function missing(name: string): never {
  throw new Error(`A decoder has no value for ${name}.`);
}

/** Tokens to feed, and what came before. */
export interface Step {
  readonly tokens: readonly number[];
  /** Tokens whose keys and values are in the cache; default none. */
  readonly past?: number;
  readonly cache?: Readonly<Record<string, TensorValue>>;
}

/** Returns what a decoder is fed with for one row of tokens. */
export function rowFeeds(
  ports: DecoderPorts,
  { tokens, past = 0, cache = {} }: Step,
): Record<string, TensorValue> {
  const rowCount = ports.fixedBatch ?? 1;
  const length = ports.fixedLength ?? tokens.length;
  const rows = (port: IdsPort, width: number, valueAt: (at: number) => number): [string, TensorValue] => {
    const row = Array.from({ length: width }, (_, at) => valueAt(at));
    const all = Array.from({ length: rowCount }, () => row).flat();
    const dims = [rowCount, width];
    if (port.elementType === 'int32') {
      return [port.name, { dtype: 'int32', dims, data: Int32Array.from(all) }];
    }
    return [port.name, { dtype: 'int64', dims, data: BigInt64Array.from(all, BigInt) }];
  };
  const { ids, mask, positions, types, flag } = ports;
  const last = tokens.length - 1;
  return Object.fromEntries([
    rows(ids, length, (at) => tokens[at] ?? 0),
    ...(mask === undefined ? [] : [rows(mask, past + length, (at) => (at < past + tokens.length ? 1 : 0))]),
    ...(positions === undefined ? [] : [rows(positions, length, (at) => past + Math.min(at, last))]),
    ...(types === undefined ? [] : [rows(types, length, () => 0)]),
    ...(flag === undefined
      ? []
      : [[flag, { dtype: 'bool', dims: [1], data: Uint8Array.of(past > 0 ? 1 : 0) }]]),
    ...ports.caches.map((port) => [port.input, cache[port.input] ?? emptyCache(port, rowCount)]),
  ]) as Record<string, TensorValue>;
}

/** No earlier tokens: open sizes are 0. */
function emptyCache({ elementType, shape }: CachePort, rowCount: number): TensorValue {
  const dims = shape.map((dim, axis) => (axis === 0 ? rowCount : typeof dim === 'number' ? dim : 0));
  const count = elementCountOf(dims);
  const data = elementType === 'float64' ? new Float64Array(count) : new Float32Array(count);
  const isHalf = elementType === 'float16' || elementType === 'bfloat16';
  return { dtype: elementType, dims, data: isHalf ? new Uint16Array(count) : data };
}
