import { derivativeOf, seamsOf } from './derivative.js';
import { compile } from './evaluate.js';
import type { Expression } from './expression.js';

/** Where pieces of an expression meet. */
export interface Joints {
  readonly joints: readonly Joint[];
  /** Whether it is one piece: nothing of it ever switches. */
  readonly isOnePiece: boolean;
}

/** A place where pieces of an activation meet. */
export interface Joint {
  readonly x: number;
  /** The highest derivative that is continuous there: −1 for a jump, 0 for a kink, 1 for a jump of the second derivative, 2 for one of the third. */
  readonly order: number;
}

/** Derivatives that are looked at. */
const derivativeCount = 3;

/** Where seams are looked for: ±this. */
const reach = 50;

/** Places between −reach and reach. */
const placeCount = 4001;

/** How far on either side of a joint its two pieces are read. */
const step = 1e-7;

/** A jump smaller than this, relative to what jumps, is the change over the step. */
const tolerance = 1e-5;

/**
 * Returns where pieces of an expression meet and how smoothly: zeros of what its choices, maxima and absolute values turn on, by
 * sign changes on ±50 and bisection, each with the first derivative whose values on both sides differ. Places where all three
 * derivatives agree are no joints.
 */
export function jointsOf(
  expression: Expression,
  names: readonly string[],
  parameters: readonly number[],
): Joints {
  const derivatives = [expression];
  for (let k = 1; k <= derivativeCount; k++) derivatives.push(derivativeOf(derivatives[k - 1] ?? expression));
  const functions = derivatives.map((one) => compile(one, names));
  const places = new Set(
    seamsOf(expression).flatMap((seam) => {
      const compiled = compile(seam, names);
      return zerosOf((x) => compiled(x, parameters));
    }),
  );
  const joints = [...places]
    .sort((a, b) => a - b)
    .flatMap((x): Joint[] => {
      const first = functions.findIndex((one) => {
        const [left, right] = [one(x - step, parameters), one(x + step, parameters)];
        return Math.abs(right - left) > tolerance * (1 + Math.abs(left) + Math.abs(right));
      });
      return first < 0 ? [] : [{ x, order: first - 1 }];
    });
  return { joints, isOnePiece: places.size === 0 };
}

/** Zeros with a change of sign, and zeros on the grid; rounded to what bisection reaches, so that equal ones meet. */
function zerosOf(seam: (x: number) => number): number[] {
  const zeros: number[] = [];
  let last = NaN;
  let lastX = 0;
  for (let i = 0; i < placeCount; i++) {
    const x = -reach + (2 * reach * i) / (placeCount - 1);
    const here = seam(x);
    if (here === 0 && last !== 0) zeros.push(x);
    else if (here * last < 0) zeros.push(bisect(seam, lastX, x));
    [last, lastX] = [here, x];
  }
  return zeros.map((x) => Number(x.toFixed(9)));
}

function bisect(seam: (x: number) => number, from: number, to: number): number {
  let [low, high] = [from, to];
  const sign = Math.sign(seam(low));
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (Math.sign(seam(middle)) === sign) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
