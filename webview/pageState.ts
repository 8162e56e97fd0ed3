/** Writing on every scroll event would be felt. */
const writeDelayMs = 120;

/** State of the parts of a page by their key, kept over hiding and reloads. */
export class PageState {
  private readonly parts: Map<string, unknown>;
  private readonly write: (parts: Readonly<Record<string, unknown>>) => void;
  private timer: number | undefined;

  /** `saved` is what `write` was given in an earlier life of the page; anything else is as nothing. */
  constructor(saved: unknown, write: (parts: Readonly<Record<string, unknown>>) => void) {
    this.parts = new Map(typeof saved === 'object' && saved !== null ? Object.entries(saved) : []);
    this.write = write;
    // A page that is hidden is gone without further notice.
    window.addEventListener('pagehide', () => {
      this.flush();
    });
    document.addEventListener('visibilitychange', () => {
      this.flush();
    });
  }

  all(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(this.parts);
  }

  read(key: string): unknown {
    return this.parts.get(key);
  }

  set(key: string, state: unknown): void {
    this.parts.set(key, state);
    this.timer ??= window.setTimeout(() => {
      this.flush();
    }, writeDelayMs);
  }

  /** Writes what is not written yet. */
  flush(): void {
    if (this.timer === undefined) return;
    window.clearTimeout(this.timer);
    this.timer = undefined;
    this.write(this.all());
  }
}
