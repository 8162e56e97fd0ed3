import type { Dimension } from '../onnx/model.js';
import { elementCountOf } from '../onnx/tensorValue.js';

/** Whether stored sizes can be taken as an input's shape without moving an element, and if not, why. */
export type Fit =
  | { readonly kind: 'fits'; readonly dims: readonly number[]; readonly isReshaped: boolean }
  | { readonly kind: 'permuted' }
  | { readonly kind: 'differs' };

/**
 * Fits one stored sample's sizes into the shape that a model takes: axes of size 1 come and go, and one flat row fills
 * (or is filled by) any shape of as many elements.
 */
export function fitShape(have: readonly number[], want: readonly Dimension[] | null): Fit {
  if (want === null || matches(have, want)) return { kind: 'fits', dims: have, isReshaped: false };
  const squeezed = withoutOnes(have, want);
  if (squeezed !== undefined) return { kind: 'fits', dims: squeezed, isReshaped: false };
  if (want.every((dim) => typeof dim === 'number')) {
    const isFlat = have.length <= 1 || want.filter((dim) => dim !== 1).length <= 1;
    if (isFlat && elementCountOf(have) === elementCountOf(want)) {
      return { kind: 'fits', dims: want, isReshaped: true };
    }
    const sorted = (dims: readonly number[]) =>
      dims
        .filter((dim) => dim !== 1)
        .sort((a, b) => a - b)
        .join();
    if (have.length > 1 && sorted(have) === sorted(want)) return { kind: 'permuted' };
  }
  return isPermutation(have, want) ? { kind: 'permuted' } : { kind: 'differs' };
}

function matches(have: readonly number[], want: readonly Dimension[]): boolean {
  return (
    have.length === want.length && want.every((dim, axis) => typeof dim !== 'number' || dim === have[axis])
  );
}

/** Drops and inserts axes of size 1 until the sizes match, or returns undefined. */
function withoutOnes(have: readonly number[], want: readonly Dimension[]): readonly number[] | undefined {
  const rest = have.filter((dim) => dim !== 1);
  const openCount = want.filter((dim) => typeof dim !== 'number').length;
  const fixedCount = want.filter((dim) => typeof dim === 'number' && dim !== 1).length;
  // An open axis may itself be of size 1; with as many sizes as open and fixed axes there is one way to place them.
  if (rest.length !== openCount + fixedCount) return undefined;
  const dims = want.map((dim) => (dim === 1 ? 1 : (rest.shift() ?? 1)));
  return matches(dims, want) ? dims : undefined;
}

/** Channels-last sizes for a channels-first shape or the other way round, open sizes included. */
function isPermutation(have: readonly number[], want: readonly Dimension[]): boolean {
  if (have.length !== want.length || have.length < 2) return false;
  const toFront = [have[have.length - 1] ?? 0, ...have.slice(0, -1)];
  const toBack = [...have.slice(1), have[0] ?? 0];
  return matches(toFront, want) || matches(toBack, want);
}
