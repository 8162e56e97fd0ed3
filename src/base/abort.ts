/**
 * Throws the signal's reason if it is aborted.
 *
 * @throws Cancelled (or whatever reason the signal carries).
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Cancelled();
}

/** Thrown to leave a call stack after a cancel. Not a failure: borders turn it into status `cancelled` or exit 130. */
export class Cancelled extends Error {
  constructor() {
    super('Cancelled.');
    this.name = 'Cancelled';
  }
}

/** Returns a promise that settles on the next turn of the event loop, so that messages and cancels get through. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
