import type { AxisIndex } from './reference.js';

/** The axis that is looked for among those of an array. */
export interface UnitAxis {
  /** Axes of the array; null when not known. */
  readonly rank: number | null;
  /** From the front, or from the end when negative. */
  readonly axis: number;
  /** Elements along it; null when not known. */
  readonly size: number | null;
}

/** The element that indices choose on an axis. */
export type ChosenUnit =
  | { readonly kind: 'unit'; readonly unit: number }
  /** The index as written is beyond the axis. */
  | { readonly kind: 'missing'; readonly index: number };

/** Stands for a rank that is not known: more axes than any index reaches. */
const manyAxes = 64;

/**
 * Returns which element of an axis indices choose, as NumPy and PyTorch read them: each number takes an axis away, slices and
 * ellipses keep theirs. Undefined when the whole axis stays, or when what is left cannot be told (variables, lists, masks,
 * more indices than axes).
 *
 * `groups` are pairs of brackets in order: `[0, 42]` is one, `[0][42]` are two.
 */
export function unitChosen(
  groups: readonly (readonly AxisIndex[])[],
  { rank, axis, size }: UnitAxis,
): ChosenUnit | undefined {
  const count = rank ?? manyAxes;
  const sought = axis < 0 ? count + axis : axis;
  // An axis that is still there has its number; one that was added has null.
  let axes: readonly (number | null)[] = Array.from({ length: count }, (_, position) => position);
  for (const group of groups) {
    const applied = applyGroup(group, axes);
    if (applied === undefined) return undefined;
    const chosen = applied.chosen.get(sought);
    if (chosen !== undefined) return unitOf(chosen, size);
    axes = applied.left;
  }
  return undefined;
}

interface Applied {
  readonly left: readonly (number | null)[];
  readonly chosen: ReadonlyMap<number, number>;
}

function applyGroup(group: readonly AxisIndex[], axes: readonly (number | null)[]): Applied | undefined {
  const taking = group.filter(({ kind }) => kind === 'number' || kind === 'slice').length;
  const ellipses = group.filter(({ kind }) => kind === 'ellipsis').length;
  if (group.length === 0 || ellipses > 1 || taking > axes.length) return undefined;
  if (group.some(({ kind }) => kind === 'unknown')) return undefined;
  const chosen = new Map<number, number>();
  const left: (number | null)[] = [];
  let next = 0;
  for (const index of group) {
    if (index.kind === 'new-axis') left.push(null);
    else if (index.kind === 'ellipsis') {
      const skipped = axes.length - taking;
      left.push(...axes.slice(next, next + skipped));
      next += skipped;
    } else {
      const axis = axes[next++] ?? null;
      if (index.kind !== 'number') left.push(axis);
      else if (axis !== null) chosen.set(axis, index.value);
    }
  }
  return { left: [...left, ...axes.slice(next)], chosen };
}

function unitOf(index: number, size: number | null): ChosenUnit | undefined {
  if (size === null) return index < 0 ? undefined : { kind: 'unit', unit: index };
  const unit = index < 0 ? size + index : index;
  return unit >= 0 && unit < size ? { kind: 'unit', unit } : { kind: 'missing', index };
}
