/** Returns round numbers that divide a range into about `count` steps, from its low end to its high one. */
export function linearTicks(low: number, high: number, count: number): number[] {
  const step = niceStep((high - low) / Math.max(1, count));
  if (!(step > 0) || !Number.isFinite(step)) return [low];
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // `+ 0` makes −0 a plain 0.
  return Array.from({ length: last - first + 1 }, (_, index) => round((first + index) * step) + 0);
}

/** Returns the powers of ten from 1 up to a count, thinned to at most `count` of them. */
export function logTicks(highest: number, count: number): number[] {
  const decades = Math.floor(Math.log10(Math.max(1, highest)) + 1e-9);
  const every = Math.max(1, Math.ceil((decades + 1) / count));
  return Array.from({ length: Math.floor(decades / every) + 1 }, (_, index) => 10 ** (index * every));
}

/** The nearest of 1, 2 and 5 times a power of ten that is no smaller. */
function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const digit = step / power;
  return (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10) * power;
}

/** Sums of steps like 0.1 leave a tail that nobody asked for. */
function round(value: number): number {
  return Number(value.toPrecision(12));
}
