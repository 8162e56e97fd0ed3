import type { HostToView, ViewProtocol, ViewToHost } from '../src/protocol/viewMessages.js';

/** What the editor gives a page, once. */
interface EditorApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): EditorApi;

/** The page's side of the channel to the extension host. */
export interface Channel<P extends ViewProtocol> {
  /** Hears what the host shows; call once, before `ready`. */
  onShow(listener: (show: P['show']) => void): void;
  /** Tells the host that the page listens. */
  ready(): void;
  tell(message: P['tell']): void;
  /** Asks the host; rejects with an Error whose message a person can read. */
  ask<A extends P['ask']>(question: A): Promise<P['answers'][A['kind']]>;
  /** State kept over hiding and reloads: scroll positions, sort orders, filters, open folds. Plain JSON. */
  readState(): unknown;
  writeState(state: unknown): void;
}

/** Opens the channel of this page; a page has one. */
export function openChannel<P extends ViewProtocol>(): Channel<P> {
  return new PageChannel<P>();
}

/** A question under way. The answer's type is erased here and restored in `ask`. */
interface Question {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

class PageChannel<P extends ViewProtocol> implements Channel<P> {
  private readonly api = acquireVsCodeApi();
  private readonly waiting = new Map<number, Question>();
  private nextId = 1;
  private listener: ((show: P['show']) => void) | undefined;

  constructor() {
    window.addEventListener('message', (event: MessageEvent<HostToView<P>>) => {
      this.hear(event.data);
    });
    window.addEventListener('error', (event) => {
      this.post({ kind: 'crashed', message: event.message });
    });
    window.addEventListener('unhandledrejection', (event) => {
      this.post({ kind: 'crashed', message: String(event.reason) });
    });
  }

  onShow(listener: (show: P['show']) => void): void {
    this.listener = listener;
  }

  ready(): void {
    this.post({ kind: 'ready' });
  }

  tell(tell: P['tell']): void {
    this.post({ kind: 'tell', tell });
  }

  ask<A extends P['ask']>(question: A): Promise<P['answers'][A['kind']]> {
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      // The host answers a question of kind K with answers[K]; the channel erases that.
      this.waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      this.post({ kind: 'ask', id, ask: question });
    });
  }

  readState(): unknown {
    return this.api.getState();
  }

  writeState(state: unknown): void {
    this.api.setState(state);
  }

  private post(message: ViewToHost<P>): void {
    this.api.postMessage(message);
  }

  private hear(message: HostToView<P>): void {
    if (message.kind === 'show') {
      this.listener?.(message.show);
      return;
    }
    const question = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.kind === 'answer') question?.resolve(message.answer);
    else question?.reject(new Error(message.message));
  }
}
