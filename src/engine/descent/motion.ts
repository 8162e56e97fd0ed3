import type { Random } from '../../base/random.js';
import { float32Tensor, int64Tensor } from '../../onnx/tensorValue.js';
import type { GraphBuilder } from '../graph/graphBuilder.js';
import type { Feeds } from '../runtime/session.js';
import type { SpectrumShape } from './spectrum.js';

/** How far an input is moved at random before each step. */
export interface MotionLimits {
  /** Positions along each axis. */
  readonly jitter: number;
  /** Degrees either way; only where there are two axes of positions. */
  readonly rotation: number;
  /** Share that it grows or shrinks by. */
  readonly zoom: number;
}

/** An input that is moved before the model reads it. */
export interface Motion {
  /** The moved value. */
  readonly value: string;
  /** Returns what the graph is fed to move it at random; without a generator, to leave it where it is. */
  feeds(random: Random | undefined): Feeds;
}

/**
 * Appends a value read at other positions: jittered, turned and zoomed, what leaves on one side coming in on the other.
 *
 * Between positions it is linear along each axis. Which positions are read is fed, so that every step has its own.
 */
export function appendMotion(
  builder: GraphBuilder,
  value: string,
  { dims, positionAxes, limits }: SpectrumShape & { readonly limits: MotionLimits },
): Motion {
  const sides = positionAxes.map((axis) => dims[axis] ?? 1);
  const count = sides.reduce((product, side) => product * side, 1);
  const perm = [
    ...positionAxes,
    ...dims.map((_, axis) => axis).filter((axis) => !positionAxes.includes(axis)),
  ];
  const turned = builder.node('Transpose', [value], { attributes: { perm } });
  const flat = builder.node('Reshape', [turned, builder.int64s([count, -1])]);
  const cornerCount = limits.rotation === 0 && limits.zoom === 0 ? 1 : 2 ** sides.length;
  const reading = appendReading(builder, flat, [cornerCount, count]);
  const permuted = perm.map((axis) => dims[axis] ?? 1);
  const shaped = builder.node('Reshape', [reading.value, builder.int64s(permuted)]);
  const back = perm.map((_, axis) => perm.indexOf(axis));
  return {
    value: builder.node('Transpose', [shaped], { attributes: { perm: back } }),
    feeds: (random) => {
      const move = random === undefined ? stillness : drawn(random, sides, limits);
      return reading.feeds(readingOf(sides, cornerCount, move));
    },
  };
}

/** Appends rows of a table, [P, R], mixed of other rows as it is fed: corners × P places, and the share of each. */
function appendReading(
  builder: GraphBuilder,
  table: string,
  dims: readonly [number, number],
): { readonly value: string; feeds(mix: RowMix): Feeds } {
  const placesType = { kind: 'tensor', elementType: 'int64', shape: dims } as const;
  const sharesType = { kind: 'tensor', elementType: 'float32', shape: [...dims, 1] } as const;
  const places = builder.addInput(builder.freshName('ni/places'), placesType);
  const shares = builder.addInput(builder.freshName('ni/shares'), sharesType);
  const corners = builder.node('Gather', [table, places], { attributes: { axis: 0 } });
  return {
    value: builder.reduce('ReduceSum', builder.node('Mul', [corners, shares]), [0], false),
    feeds: (mix) => ({
      [places]: int64Tensor(mix.places, dims),
      [shares]: float32Tensor(mix.shares, [...dims, 1]),
    }),
  };
}

/** Which rows every row is made of, and in which shares. */
interface RowMix {
  readonly places: readonly number[];
  readonly shares: Float32Array;
}

/** A motion: position p reads around middle + turned(p − middle) / zoom + shift. */
interface Move {
  readonly shifts: readonly number[];
  /** Radians. */
  readonly angle: number;
  readonly zoom: number;
}

const stillness: Move = { shifts: [], angle: 0, zoom: 1 };

function drawn(random: Random, sides: readonly number[], { jitter, rotation, zoom }: MotionLimits): Move {
  const within = (limit: number): number => limit * (2 * random.next() - 1);
  return {
    shifts: sides.map((side) => random.integer(2 * Math.min(jitter, side) + 1) - Math.min(jitter, side)),
    angle: sides.length === 2 ? (within(rotation) * Math.PI) / 180 : 0,
    zoom: 1 + within(zoom),
  };
}

/** Which positions every position is made of, and in which shares. */
function readingOf(sides: readonly number[], cornerCount: number, move: Move): RowMix {
  const count = sides.reduce((product, side) => product * side, 1);
  const places = new Array<number>(cornerCount * count).fill(0);
  const shares = new Float32Array(cornerCount * count);
  for (let position = 0; position < count; position++) {
    const source = sourceOf(position, sides, move);
    for (let corner = 0; corner < cornerCount; corner++) {
      let [place, share] = [0, 1];
      for (const [axis, side] of sides.entries()) {
        const at = source[axis] ?? 0;
        const isUpper = ((corner >> axis) & 1) === 1;
        share *= cornerCount === 1 ? 1 : isUpper ? at - Math.floor(at) : 1 - (at - Math.floor(at));
        place = place * side + wrapped(Math.floor(at) + (isUpper ? 1 : 0), side);
      }
      places[corner * count + position] = place;
      shares[corner * count + position] = share;
    }
  }
  return { places, shares };
}

function sourceOf(position: number, sides: readonly number[], { shifts, angle, zoom }: Move): number[] {
  let rest = position;
  const offsets = sides.map(() => 0);
  for (let axis = sides.length - 1; axis >= 0; axis--) {
    const side = sides[axis] ?? 1;
    offsets[axis] = ((rest % side) - (side - 1) / 2) / zoom;
    rest = Math.floor(rest / side);
  }
  const [y = 0, x = 0] = offsets;
  const turned =
    angle === 0
      ? offsets
      : [y * Math.cos(angle) - x * Math.sin(angle), y * Math.sin(angle) + x * Math.cos(angle)];
  return turned.map((offset, axis) => offset + ((sides[axis] ?? 1) - 1) / 2 + (shifts[axis] ?? 0));
}

function wrapped(place: number, side: number): number {
  return ((place % side) + side) % side;
}
