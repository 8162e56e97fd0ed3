import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { maxAbs } from '../../src/engine/numeric/vectors.js';
import { float32Tensor, int64Tensor, type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import { fixturesDir } from './paths.js';

interface OracleEntry {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int64';
  readonly b64: string;
  readonly maxabs?: number;
  readonly diff_f64?: number;
}

/** Reference numbers of one network, made by an independent tool. */
export interface Oracle {
  readonly modelPath: string;
  readonly keys: readonly string[];
  has(key: string): boolean;
  tensor(key: string): TensorValue;
  /** max(8 · diff_f64, 1e-5 · maxabs), the reference's own rule. */
  tolerance(key: string): number;
}

/** The committed subset. */
export const oracleFixturesDir = join(fixturesDir, 'oracle');

/** Opens the reference numbers of a network in a folder. */
export function openOracle(dir: string, network: string): Oracle {
  const entries = JSON.parse(readFileSync(join(dir, `${network}.json`), 'utf8')) as Record<
    string,
    OracleEntry
  >;
  const entryOf = (key: string): OracleEntry => {
    const entry = entries[key];
    if (entry === undefined) throw new Error(`No reference numbers "${key}" for ${network}.`);
    return entry;
  };
  return {
    modelPath: join(dir, `${network}.onnx`),
    keys: Object.keys(entries),
    has: (key) => Object.hasOwn(entries, key),
    tensor: (key) => decode(entryOf(key)),
    tolerance: (key) => {
      const entry = entryOf(key);
      // Keys that another tool made have no float64 run beside them.
      const { maxabs = maxAbs(toFloat64(decode(entry))), diff_f64: difference = 0 } = entry;
      return Math.max(8 * difference, 1e-5 * maxabs);
    },
  };
}

function decode({ shape, dtype, b64 }: OracleEntry): TensorValue {
  const bytes = new Uint8Array(Buffer.from(b64, 'base64'));
  return dtype === 'int64'
    ? int64Tensor([...new BigInt64Array(bytes.buffer)], shape)
    : float32Tensor(new Float32Array(bytes.buffer), shape);
}

/** Returns the keys that are not to be matched as they stand, with reasons. */
export function readQuirks(dir: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return JSON.parse(readFileSync(join(dir, 'quirks.json'), 'utf8')) as Record<string, Record<string, string>>;
}

/** Returns the largest absolute difference of two tensors of one shape; NaN counts as infinite. */
export function maxDifference(actual: TensorValue, expected: TensorValue): number {
  if (actual.dims.join() !== expected.dims.join()) {
    throw new Error(`Shapes differ: [${actual.dims.join()}] and [${expected.dims.join()}].`);
  }
  const a = toFloat64(actual);
  const b = toFloat64(expected);
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    worst = Number.isNaN(difference) ? Infinity : Math.max(worst, difference);
  }
  return worst;
}
