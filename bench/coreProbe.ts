import { Worker } from 'node:worker_threads';

/** Tells how far the processor cores of two threads are apart. */
export interface CoreProbe {
  /** Nanoseconds that a word takes to another thread's core and back: 50–120 where both share a cache, 300 where they do not. */
  roundTrip(): number;
  close(): Promise<void>;
}

const [command, word] = [0, 32];
const [idle, answering, ending] = [0, 1, 2];

const answerer = `
  const { workerData } = require('node:worker_threads');
  const shared = new Int32Array(workerData);
  for (;;) {
    Atomics.wait(shared, ${command}, ${idle});
    while (Atomics.load(shared, ${command}) === ${answering}) {
      if (Atomics.load(shared, ${word}) === 1) Atomics.store(shared, ${word}, 0);
    }
    if (Atomics.load(shared, ${command}) === ${ending}) break;
  }`;

/** Starts the other thread; it sleeps but for the few milliseconds of a measurement. */
export function openCoreProbe(): CoreProbe {
  const shared = new Int32Array(new SharedArrayBuffer(4096));
  const worker = new Worker(answerer, { eval: true, workerData: shared.buffer });
  const tell = (what: number): void => {
    Atomics.store(shared, command, what);
    Atomics.notify(shared, command);
  };
  const exchange = (count: number): number => {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      Atomics.store(shared, word, 1);
      while (Atomics.load(shared, word) === 1);
    }
    return ((performance.now() - start) / count) * 1e6;
  };
  return {
    roundTrip() {
      tell(answering);
      // The smallest: interruptions only add.
      const least = Math.min(...Array.from({ length: 20 }, () => exchange(200)));
      tell(idle);
      return least;
    },
    async close() {
      tell(ending);
      await worker.terminate();
    },
  };
}
