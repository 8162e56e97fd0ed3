import type { Random } from '../../base/random.js';

/** Rounds after which directions of well-separated variance have settled. */
const roundCount = 8;

/** More directions than are wanted are carried along, so that the last ones settle too. */
const spareCount = 8;

/** Returns how many multiply–adds `leadingDirections` takes. */
export function directionProducts({
  rowCount,
  width,
  count,
}: {
  readonly rowCount: number;
  readonly width: number;
  readonly count: number;
}): number {
  return 2 * roundCount * rowCount * width * Math.min(width, count + spareCount);
}

/**
 * Returns `count` orthonormal directions of about the largest variance of centred rows, largest first, by subspace iteration:
 * principal components where their variances differ clearly, else some of the same span. Each is `[width]`.
 *
 * Costs 32 × rows × width × count at most; `pause` is called after every round.
 */
export async function leadingDirections(
  rows: readonly Float64Array[],
  {
    count,
    random,
    pause,
  }: { readonly count: number; readonly random: Random; readonly pause: () => Promise<void> },
): Promise<Float64Array[]> {
  const width = rows[0]?.length ?? 0;
  const carried = Math.min(width, count + spareCount);
  let directions = Array.from({ length: carried }, () =>
    Float64Array.from({ length: width }, () => random.normal()),
  );
  orthonormalise(directions);
  for (let round = 0; round < roundCount; round++) {
    const next = directions.map(() => new Float64Array(width));
    for (const row of rows) {
      for (const [index, direction] of directions.entries()) {
        const along = dot(row, direction);
        const target = next[index]!;
        for (let i = 0; i < width; i++) target[i]! += along * row[i]!;
      }
    }
    orthonormalise(next);
    directions = next;
    await pause();
  }
  return directions.slice(0, count);
}

/** Gram–Schmidt, twice as rounding needs; what is left of a direction without variance is whatever it is. */
function orthonormalise(directions: readonly Float64Array[]): void {
  for (const [index, direction] of directions.entries()) {
    for (let pass = 0; pass < 2; pass++) {
      for (let before = 0; before < index; before++) {
        const other = directions[before]!;
        const along = dot(direction, other);
        for (let i = 0; i < direction.length; i++) direction[i]! -= along * other[i]!;
      }
    }
    const length = Math.sqrt(dot(direction, direction));
    if (length === 0) continue;
    for (let i = 0; i < direction.length; i++) direction[i]! /= length;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
