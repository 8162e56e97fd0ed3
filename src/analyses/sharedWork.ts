/**
 * Work that several analyses of one model on the same data need: done once, by the first that asks, for all.
 *
 * A key names the work and everything that it depends on beside the model, the data, the limit, the batch size and the
 * provider, which the runner sees to.
 */
export interface SharedWork {
  /** Returns what the work gives, doing it unless it was done before; work that fails is not kept. Results are read-only. */
  once<T extends object>(key: string, work: () => Promise<T>): Promise<T>;
}

/** Shares nothing. */
export const unsharedWork: SharedWork = { once: (_key, work) => work() };
