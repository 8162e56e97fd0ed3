import { UserError } from '../../../base/errors.js';
import type { ValidRange } from './ball.js';

/** Rows of the attacked input. */
interface RangeRequest {
  /** `auto`, `none` or `low, high`. */
  readonly text: string;
  readonly values: Float32Array;
  /** Without the row axis. */
  readonly dims: readonly number[];
  readonly channelAxis: number | undefined;
}

/** A range, and how it was come by, in words. */
export interface ChosenRange extends ValidRange {
  readonly how: string;
  /** Mean width over the elements; 0 where there is no range. */
  readonly width: number;
}

/**
 * Returns what values an input may take: given, or the least and greatest of the rows, channel by channel of a picture, column by
 * column of a table.
 *
 * @throws UserError `wrong-range` when the text is neither auto, none nor two numbers.
 */
export function chooseRange(request: RangeRequest): ChosenRange {
  const { text, dims } = request;
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (text === 'auto') return seenRange(request, size);
  if (text === 'none') {
    const [low, high] = [new Float32Array(size).fill(-Infinity), new Float32Array(size).fill(Infinity)];
    return { low, high, width: 0, how: 'No range was set: values may go anywhere.' };
  }
  const [least = NaN, greatest = NaN, ...more] = text.split(',').map(Number);
  if (!(least < greatest) || more.length > 0) {
    throw new UserError(
      'wrong-range',
      `range=${text} is no range. Give auto, none, or two numbers such as "0, 1", the smaller first.`,
    );
  }
  return {
    low: new Float32Array(size).fill(least),
    high: new Float32Array(size).fill(greatest),
    width: greatest - least,
    how: `Values stay in [${String(least)}, ${String(greatest)}], as set.`,
  };
}

function seenRange({ values, dims, channelAxis }: RangeRequest, size: number): ChosenRange {
  const isTable = dims.length === 1;
  const groupCount = isTable ? size : channelAxis === undefined ? 1 : (dims[channelAxis - 1] ?? 1);
  const inner =
    channelAxis === undefined ? 1 : dims.slice(channelAxis).reduce((product, dim) => product * dim, 1);
  const groupOf = (at: number): number =>
    isTable ? at : channelAxis === undefined ? 0 : Math.floor(at / inner) % groupCount;
  const [least, greatest] = [
    new Float32Array(groupCount).fill(Infinity),
    new Float32Array(groupCount).fill(-Infinity),
  ];
  for (const [i, value] of values.entries()) {
    const group = groupOf(i % size);
    if (value < (least[group] ?? NaN)) least[group] = value;
    if (value > (greatest[group] ?? NaN)) greatest[group] = value;
  }
  const low = Float32Array.from({ length: size }, (_, at) => least[groupOf(at)] ?? NaN);
  const high = Float32Array.from({ length: size }, (_, at) => greatest[groupOf(at)] ?? NaN);
  const width = low.reduce((sum, from, at) => sum + (high[at] ?? NaN) - from, 0) / size;
  const each = isTable ? ', column by column' : groupCount > 1 ? ', channel by channel' : '';
  const ends = groupCount === 1 ? ` [${String(least[0])}, ${String(greatest[0])}]` : '';
  return {
    low,
    high,
    width,
    how: `Values stay in the range of these rows${ends}${each}. Set range to what the model’s preprocessing allows, if that is wider.`,
  };
}
