/** A confidence interval of 95 %. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How often something happened in how many trials. */
export interface Proportion {
  readonly count: number;
  readonly total: number;
}

/** The 97.5 % point of the standard normal distribution. */
const z = 1.959963984540054;

/**
 * Returns the score interval of a proportion; NaN of no trials.
 *
 * Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference".
 */
export function proportionInterval({ count, total }: Proportion): Interval {
  const share = count / total;
  const center = share + (z * z) / (2 * total);
  const half = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  const scale = 1 + (z * z) / total;
  // At 0 and 1 the ends are exact, and rounding would move them.
  return {
    low: count === 0 ? 0 : (center - half) / scale,
    high: count === total ? 1 : (center + half) / scale,
  };
}

/**
 * Returns the interval of the difference a − b of two independent proportions, made of their score intervals.
 *
 * Source: Newcombe (1998), "Interval estimation for the difference between independent proportions: comparison of eleven
 * methods", method 10.
 */
export function differenceInterval(a: Proportion, b: Proportion): Interval {
  const [shareA, shareB] = [a.count / a.total, b.count / b.total];
  const [ofA, ofB] = [proportionInterval(a), proportionInterval(b)];
  const difference = shareA - shareB;
  return {
    low: difference - Math.hypot(shareA - ofA.low, ofB.high - shareB),
    high: difference + Math.hypot(ofA.high - shareA, shareB - ofB.low),
  };
}
