import { UserError } from '../../../base/errors.js';
import { elementCountOf } from '../../../onnx/tensorValue.js';
import type { Baselines } from './baselines.js';
import { rowOf } from './points.js';
import type { ExplainedTensor } from './problem.js';

/** Positions of an input that go to the baseline while everything else stays as it is. */
export interface InputPart {
  /** First and last position on each position axis, both included. */
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * Parses a part of an input: one position, an integer for each axis but rows and channels (`y,x`, a token, a column), or the
 * first and the last position of a block, both included (`y0,x0,y1,x1`).
 *
 * @throws UserError `wrong-part` when it does not fit the input.
 */
export function parsePart(
  text: string,
  input: Pick<ExplainedTensor, 'name' | 'dims' | 'channelAxis'>,
): InputPart {
  const sizes = positionSizes(input);
  const numbers = text.split(',').map((word) => (/^\s*\d+\s*$/.test(word) ? Number(word) : NaN));
  const from = numbers.slice(0, sizes.length);
  const to = numbers.length === sizes.length ? from : numbers.slice(sizes.length);
  const isWhole = sizes.length > 0 && from.length === sizes.length && to.length === sizes.length;
  const fits = sizes.every((size, axis) => {
    const [first = NaN, last = NaN] = [from[axis], to[axis]];
    return first <= last && last < size;
  });
  if (isWhole && fits) return { from, to };
  throw new UserError(
    'wrong-part',
    `part=${text} is no part of the input "${input.name}", whose positions are ${sizes.join(' × ')}. Give ${String(sizes.length)} numbers from 0 for one position, or ${String(2 * sizes.length)} for its first and last.`,
    { detail: { part: text, sizes } },
  );
}

function positionSizes({
  dims,
  channelAxis,
}: Pick<ExplainedTensor, 'dims' | 'channelAxis'>): readonly number[] {
  return dims.filter((_, axis) => axis + 1 !== channelAxis);
}

/**
 * Returns baselines that differ from the rows in one part of the first input only, so that what is shared out is the effect
 * of that part: f(x) − f(x with the part at its baseline).
 */
export function baselinesOfPart(
  baselines: Baselines,
  inputs: readonly ExplainedTensor[],
  text: string,
): Baselines {
  const [first] = inputs;
  if (first === undefined) throw new Error('A prediction is shared out over one input at least.');
  const isInside = maskOf(parsePart(text, first), first);
  return {
    count: baselines.count,
    read: (index, row, coordinate) => {
      const input = inputs[coordinate];
      if (input === undefined) return new Float32Array();
      const own = rowOf(input, row);
      if (coordinate > 0) return own;
      const baseline = baselines.read(index, row, coordinate);
      return own.map((value, at) => (isInside[at] === 1 ? (baseline[at] ?? 0) : value));
    },
  };
}

/** 1 where an element of a row is in the part, in every channel. */
function maskOf({ from, to }: InputPart, { dims, channelAxis }: ExplainedTensor): Uint8Array {
  const mask = new Uint8Array(elementCountOf(dims));
  for (let flat = 0; flat < mask.length; flat++) {
    let rest = flat;
    const index = dims.map((_, axis) => {
      const inner = elementCountOf(dims.slice(axis + 1));
      const at = Math.floor(rest / inner);
      rest %= inner;
      return at;
    });
    const position = index.filter((_, axis) => axis + 1 !== channelAxis);
    const isIn = position.every((at, axis) => at >= (from[axis] ?? 0) && at <= (to[axis] ?? 0));
    mask[flat] = isIn ? 1 : 0;
  }
  return mask;
}
