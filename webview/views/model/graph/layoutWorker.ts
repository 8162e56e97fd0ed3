import type { ElkNode } from 'elkjs/lib/elk-api.js';
import type { LayOut } from './boxLayout.js';

/** A layout was stopped by the person. */
export class LayoutStopped extends Error {
  override readonly name = 'LayoutStopped';
}

/** What the script of the worker answers: ELK's own protocol, one answer for each question. */
interface WorkerAnswer {
  readonly id: number;
  readonly data?: ElkNode;
  readonly error?: { readonly message?: string } | string;
}

interface Question {
  readonly resolve: (graph: ElkNode) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * Lays out graphs in a worker of its own: the page answers while it works, and work that takes too long can be stopped.
 *
 * A webview's own origin serves no scripts: the worker's is fetched from the extension and started from a blob.
 */
export class LayoutWorker {
  private worker: Promise<Worker> | undefined;
  private readonly waiting = new Map<number, Question>();
  private nextId = 1;

  /** Starts the worker ahead of its first use; a failure is told by that. */
  start(): void {
    if (this.worker !== undefined) return;
    const starting = this.startWorker();
    this.worker = starting;
    starting.catch(() => {
      // Another try starts anew.
      if (this.worker === starting) this.worker = undefined;
    });
  }

  /**
   * Returns a graph with places.
   *
   * @throws LayoutStopped, and Error when the script cannot be fetched or the layout fails.
   */
  readonly layOut: LayOut = async (graph) => {
    this.start();
    const starting = this.worker;
    const worker = await starting;
    if (worker === undefined || this.worker !== starting) throw stopped();
    return new Promise<ElkNode>((resolve, reject) => {
      const id = this.nextId++;
      this.waiting.set(id, { resolve, reject });
      worker.postMessage({ id, cmd: 'layout', graph, layoutOptions: {}, options: {} });
    });
  };

  /** Ends the work under way at once; the next layout starts another worker. */
  stop(): void {
    const ending = this.worker;
    this.worker = undefined;
    // One that did not start needs no end.
    ending?.then((worker) => {
      worker.terminate();
    }, nothing);
    this.fail(stopped());
  }

  private async startWorker(): Promise<Worker> {
    const base = document.body.dataset['base'] ?? '';
    const answer = await fetch(`${base}/elk-worker.js`);
    if (!answer.ok) throw new Error(`The layout script could not be loaded (${String(answer.status)}).`);
    const address = URL.createObjectURL(new Blob([await answer.text()], { type: 'text/javascript' }));
    const worker = new Worker(address);
    worker.addEventListener('message', ({ data }: MessageEvent<WorkerAnswer>) => {
      this.hear(data);
    });
    worker.addEventListener('error', (event) => {
      this.worker = undefined;
      this.fail(new Error(`The layout failed: ${event.message}`));
    });
    worker.postMessage({ id: 0, cmd: 'register', algorithms: ['layered'] });
    return worker;
  }

  private hear({ id, data, error }: WorkerAnswer): void {
    const question = this.waiting.get(id);
    this.waiting.delete(id);
    if (data !== undefined) question?.resolve(data);
    else {
      question?.reject(
        new Error(typeof error === 'string' ? error : (error?.message ?? 'The layout failed.')),
      );
    }
  }

  private fail(reason: Error): void {
    for (const { reject } of this.waiting.values()) reject(reason);
    this.waiting.clear();
  }
}

function stopped(): LayoutStopped {
  return new LayoutStopped('The layout was stopped.');
}

function nothing(): void {
  return;
}
