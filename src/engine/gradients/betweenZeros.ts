import type { GraphBuilder } from '../graph/graphBuilder.js';
import type { Emitter } from './emitter.js';
import { ValueNotes } from './valueNotes.js';

/** A value that fills positions `start` … `start + count − 1` of an axis of `size`. */
export interface PlacedPart {
  readonly value: string;
  readonly axis: number;
  readonly start: number;
  readonly count: number;
  readonly size: number;
}

const placements = new ValueNotes<{ readonly part: PlacedPart; readonly emit: Emitter }>();

/**
 * Appends a value between zeros, and notes its place.
 *
 * Joined: the runtime's Pad takes 15 times as long where the axis is one of the last.
 */
export function emitBetweenZeros(emit: Emitter, part: PlacedPart): string {
  return placements.set(emit.builder, join(emit, [part]), { part, emit });
}

/**
 * Returns the parts of a sum, those that stand between zeros on one axis joined to one where their places differ: the halves
 * of a rotary embedding, queries, keys and values.
 */
export function joinPlaced(builder: GraphBuilder, parts: readonly string[]): readonly string[] {
  const noted = parts.flatMap((name) => {
    const note = placements.of(builder, name);
    return note === undefined ? [] : [{ name, ...note }];
  });
  const [first] = noted;
  if (first === undefined) return parts;
  const beside = noted
    .filter(({ part }) => part.axis === first.part.axis && part.size === first.part.size)
    .sort((a, b) => a.part.start - b.part.start);
  const isDisjoint = beside.every(({ part }, i) => {
    const before = beside[i - 1]?.part;
    return before === undefined || before.start + before.count <= part.start;
  });
  if (beside.length < 2 || !isDisjoint) return parts;
  const joined = new Set(beside.map(({ name }) => name));
  const rest = parts.filter((name) => !joined.has(name));
  return [
    ...rest,
    join(
      first.emit,
      beside.map(({ part }) => part),
    ),
  ];
}

/** Parts by ascending place, zeros wherever there is none. */
function join(emit: Emitter, parts: readonly PlacedPart[]): string {
  const [{ axis, size, value } = { axis: 0, size: 0, value: '' }] = parts;
  const zeros = (width: number): readonly string[] => {
    if (width === 0) return [];
    const sizes = [emit.ints([width]), emit.shape(value, axis + 1)];
    if (axis > 0) sizes.unshift(emit.shape(value, 0, axis));
    return [emit.zeros(emit.concat(sizes, 0))];
  };
  const pieces: string[] = [];
  let filled = 0;
  for (const part of parts) {
    pieces.push(...zeros(part.start - filled), part.value);
    filled = part.start + part.count;
  }
  return emit.concat([...pieces, ...zeros(size - filled)], axis);
}
