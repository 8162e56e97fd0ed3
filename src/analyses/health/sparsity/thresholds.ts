import type { CettMeter, Truncation } from './cett.js';

/** How near, as a share of the wanted error, an error must be. */
const nearShare = 1e-3;
/** A bracket this narrow, as a share of its upper end, holds a step of the error: no threshold comes nearer. */
const narrowShare = 1e-4;
const maxSteps = 40;

/** Finds, for an error, the threshold of each block that makes it; what was measured is kept, so that later ones are cheap. */
export interface ThresholdFinder {
  /** Returns the thresholds with the errors that they really make. */
  at(cett: number): Promise<readonly Truncation[]>;
  /** Everything truncated. */
  readonly all: readonly Truncation[];
}

/** Measures both ends: nothing but zeros truncated, and everything. */
export async function createThresholdFinder(meter: CettMeter, blockCount: number): Promise<ThresholdFinder> {
  const none = await meter.at(new Array<number>(blockCount).fill(0));
  const all = await meter.at(none.map(({ largest }) => largest));
  // By threshold, ascending.
  const known = none.map((first, at) => [first, all[at] ?? first]);
  return { all, at: (cett) => search(meter, known, cett) };
}

interface Bracket {
  readonly low: Truncation;
  readonly high: Truncation;
}

async function search(meter: CettMeter, known: Truncation[][], cett: number): Promise<readonly Truncation[]> {
  for (let step = 0; ; step++) {
    const brackets = known.map((points) => bracketOf(points, cett));
    if (step === maxSteps || brackets.every((bracket) => isFound(bracket, cett))) {
      return brackets.map((bracket) => nearestOf(bracket, cett));
    }
    const tried = brackets.map((bracket) =>
      isFound(bracket, cett) ? nearestOf(bracket, cett).threshold : between(bracket, cett, step),
    );
    const measured = await meter.at(tried);
    for (const [at, points] of known.entries()) {
      const point = measured[at];
      if (point === undefined || points.some(({ threshold }) => threshold === point.threshold)) continue;
      points.push(point);
      points.sort((a, b) => a.threshold - b.threshold);
    }
  }
}

/** The first step across the wanted error: errors need not grow with every threshold, only from one end to the other. */
function bracketOf(points: readonly Truncation[], cett: number): Bracket {
  const at = points.findIndex((point) => point.cett >= cett);
  const high = points[at < 0 ? points.length - 1 : at];
  const low = points[at < 0 ? points.length - 1 : Math.max(0, at - 1)];
  if (low === undefined || high === undefined) {
    throw new Error('Both ends are measured before anything else.');
  }
  return { low, high };
}

function isFound(bracket: Bracket, cett: number): boolean {
  const { low, high } = bracket;
  const isNear = Math.abs(nearestOf(bracket, cett).cett - cett) <= nearShare * cett;
  return isNear || high.threshold - low.threshold <= narrowShare * high.threshold;
}

function nearestOf({ low, high }: Bracket, cett: number): Truncation {
  return cett - low.cett < high.cett - cett ? low : high;
}

/** By turns where the line between both ends crosses, and the middle: fast, and never slow. Rounded to float32, as it is fed. */
function between({ low, high }: Bracket, cett: number, step: number): number {
  const share = step % 2 === 0 ? (cett - low.cett) / (high.cett - low.cett) : 0.5;
  return Math.fround(
    low.threshold + Math.min(0.95, Math.max(0.05, share)) * (high.threshold - low.threshold),
  );
}
