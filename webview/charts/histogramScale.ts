/** Heights of bars in shares of the plot, and the counts that its axis names. */
export interface CountScale {
  readonly isLog: boolean;
  /** Largest count of the axis. */
  readonly highest: number;
  /** Returns the height of a count as a share 0…1. */
  heightOf(count: number): number;
}

/** A bar this much higher than the usual one leaves nothing to see of the others. */
const drownedBy = 50;

/** Tells whether one bin drowns the others, as the zeros of a rectified output do. */
export function needsLog(counts: readonly number[]): boolean {
  const filled = counts.filter((count) => count > 0).sort((a, b) => a - b);
  const usual = filled[Math.floor(filled.length / 2)];
  const highest = filled.at(-1);
  return filled.length > 1 && usual !== undefined && highest !== undefined && highest > drownedBy * usual;
}

/** Returns the scale of counts. On a logarithmic one a count of 1 stands half a factor of ten above the ground. */
export function countScale(counts: readonly number[], isLog: boolean): CountScale {
  const highest = Math.max(1, ...counts);
  if (!isLog) return { isLog, highest, heightOf: (count) => count / highest };
  const ground = -0.5;
  const span = Math.log10(highest) - ground;
  return {
    isLog,
    highest,
    heightOf: (count) => (count > 0 ? (Math.log10(count) - ground) / span : 0),
  };
}
