/**
 * Throws the signal's reason if it is aborted.
 *
 * @throws Cancelled (or whatever reason the signal carries).
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Cancelled();
}

/** Shared by every copy of this module: the extension's code is loaded in several bundles, each with its own. */
const brand = Symbol.for('neuron-inspector.cancelled');

/** Thrown to leave a call stack after a cancel. Not a failure: borders turn it into status `cancelled` or exit 130. */
export class Cancelled extends Error {
  readonly [brand] = true;

  constructor() {
    super('Cancelled.');
    this.name = 'Cancelled';
  }

  /** One made by another bundle's copy of this class is one too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** Returns a promise that settles on the next turn of the event loop, so that messages and cancels get through. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
