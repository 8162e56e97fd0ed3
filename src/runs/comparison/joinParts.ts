import type { FollowUp, Parts } from '../../protocol/parts.js';
import type { Report } from '../../protocol/report.js';
import type { Sides } from './sides.js';

/** Returns the questions of both reports, each saying which report it asks. */
export function comparedFollowUps({ before, after, names }: Sides): FollowUp[] {
  return [...ofSide(before, 0, names[0]), ...ofSide(after, 1, names[1])];
}

/** Pieces of an item of a report. */
interface PartsOfItem {
  readonly parts: Parts;
  readonly item: number;
}

/**
 * Returns what the pieces of pairs of items are called, and the questions of both sides; a side whose pieces are called
 * otherwise than those of the newer report, as on data of another size, is not asked. Undefined where nothing can be asked.
 */
export function comparedParts(
  pairs: readonly (readonly [PartsOfItem | undefined, PartsOfItem | undefined])[],
): Parts | undefined {
  const named = pairs.map(([old, now]) => now ?? old);
  const [first] = named;
  if (first === undefined || named.includes(undefined)) return undefined;
  const followUps = ([0, 1] as const).flatMap((side) => {
    const isAlike = pairs.every((pair, index) => isSameNaming(pair[side], named[index]));
    const asked = pairs[0]?.[side]?.parts.followUps ?? [];
    return isAlike ? asked.map((id) => idOf(id, side)) : [];
  });
  if (followUps.length === 0) return undefined;
  const { noun, sizes } = first.parts;
  const items = named.map((one) => one?.parts.items[one.item] ?? {});
  return { noun, followUps, items, ...(sizes === undefined ? {} : { sizes }) };
}

function ofSide({ followUps = [] }: Report, side: 0 | 1, name: string): FollowUp[] {
  return followUps.map((followUp) => ({
    ...followUp,
    id: idOf(followUp.id, side),
    label: `${followUp.label} (${name})`,
    side,
  }));
}

function idOf(id: string, side: 0 | 1): string {
  return `${String(side)}:${id}`;
}

function isSameNaming(one: PartsOfItem | undefined, other: PartsOfItem | undefined): boolean {
  const namingOf = (of: PartsOfItem | undefined): string =>
    of === undefined ? '' : JSON.stringify([of.parts.sizes, of.parts.items[of.item]]);
  return one !== undefined && namingOf(one) === namingOf(other);
}
