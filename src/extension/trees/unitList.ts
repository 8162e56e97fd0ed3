// Which units of a layer the tree lists, in which order: pure, so that it is tested without an editor.

/** How units are ordered. */
export type UnitOrder = 'index' | 'most-active' | 'least-active';

/** What a person asked of a layer's list. */
export interface UnitQuery {
  /** States that are listed; empty: all. */
  readonly states: readonly string[];
  readonly order: UnitOrder;
  /** Units shown at most, until more are asked for. */
  readonly count: number;
}

/** What the list needs to know of a unit. */
export interface ListedUnit {
  readonly state: string;
  readonly activeShare: number;
}

/** The units to show and how many more there are. */
export interface UnitPage {
  readonly units: readonly number[];
  readonly moreCount: number;
}

/** Units a layer shows at first, and how many each "more" adds. */
export const unitPageSize = 200;

/** A list nobody has touched. */
export const plainQuery: UnitQuery = { states: [], order: 'index', count: unitPageSize };

/** Returns the page of a layer's units; without facts all units in their own order. O(units · log units). */
export function pageUnits(
  unitCount: number,
  query: UnitQuery,
  facts: (unit: number) => ListedUnit | undefined,
): UnitPage {
  const { states, order, count } = query;
  if (states.length === 0 && order === 'index') {
    const shown = Math.min(unitCount, count);
    return { units: Array.from({ length: shown }, (_, unit) => unit), moreCount: unitCount - shown };
  }
  const matching: { readonly unit: number; readonly activeShare: number }[] = [];
  for (let unit = 0; unit < unitCount; unit++) {
    const known = facts(unit);
    if (states.length > 0 && (known === undefined || !states.includes(known.state))) continue;
    matching.push({ unit, activeShare: known?.activeShare ?? NaN });
  }
  if (order !== 'index') {
    const sign = order === 'most-active' ? -1 : 1;
    // Units that nothing is known of come last, whatever the order.
    matching.sort((a, b) => compareShares(a.activeShare, b.activeShare, sign) || a.unit - b.unit);
  }
  const units = matching.slice(0, count).map(({ unit }) => unit);
  return { units, moreCount: matching.length - units.length };
}

function compareShares(a: number, b: number, sign: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return sign * (a - b);
}
