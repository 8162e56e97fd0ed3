/**
 * Does one piece of work at a time and only the newest that waits: walking over a hundred neurons asks for the weights
 * of a few, never of a hundred in a row.
 */
export class LatestTask {
  private isBusy = false;
  private next: (() => Promise<void>) | undefined;

  /** Does the work now, or when what is under way ends, unless newer work comes first. It must not reject. */
  run(work: () => Promise<void>): void {
    if (this.isBusy) this.next = work;
    else void this.work(work);
  }

  /** Forgets what waits. */
  clear(): void {
    this.next = undefined;
  }

  private async work(first: () => Promise<void>): Promise<void> {
    this.isBusy = true;
    for (let work: (() => Promise<void>) | undefined = first; work !== undefined; work = this.taken()) {
      await work();
    }
    this.isBusy = false;
  }

  private taken(): (() => Promise<void>) | undefined {
    const { next } = this;
    this.next = undefined;
    return next;
  }
}
