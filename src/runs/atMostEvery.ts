/**
 * Returns a function that passes values on at most once in `intervalMs`. The last of those that came too soon follows when the
 * interval is over, so that what is shown is never older than that; `isUrgent` ones pass at once.
 */
export function atMostEvery<T>(
  intervalMs: number,
  pass: (value: T) => void,
  isUrgent: (value: T) => boolean,
): (value: T) => void {
  let lastMs = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  const passNow = (value: T): void => {
    clearTimeout(timer);
    lastMs = performance.now();
    pass(value);
  };
  return (value) => {
    const restMs = lastMs + intervalMs - performance.now();
    if (restMs <= 0 || isUrgent(value)) {
      passNow(value);
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(passNow, restMs, value);
    timer.unref();
  };
}
