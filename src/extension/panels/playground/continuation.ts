import { Cancelled } from '../../../base/abort.js';
import { messageOf } from '../../../base/errors.js';
import type { ContinueTextRequest } from '../../../protocol/engineMessages.js';
import type { ReadToken, TextPiece } from '../../../protocol/generatedText.js';
import type {
  ContinuationRequest,
  ContinuationState,
  PlaygroundShow,
} from '../../../protocol/views/playgroundMessages.js';
import type { Engine } from '../../engine/engine.js';

/** Likeliest tokens told for each place. */
const alternativeCount = 8;

/** What a continuation is asked of. */
export interface ContinuationHost {
  readonly engine: Pick<Engine, 'ask' | 'state'>;
  /** The model, its tokenizer and what the settings say of running. */
  readonly place: Pick<
    ContinueTextRequest,
    'modelPath' | 'dataPath' | 'tokenizerPath' | 'provider' | 'threadCount'
  >;
  show(message: PlaygroundShow): void;
}

/** One continuation from its start on; remembers what it told, for a page that is loaded again. */
export class Continuation {
  private readonly request: ContinuationRequest;
  private readonly host: ContinuationHost;
  private readonly abort = new AbortController();
  private readonly written: ReadToken[] = [];
  private prompt: readonly ReadToken[] | undefined;
  private state: ContinuationState;

  constructor(request: ContinuationRequest, host: ContinuationHost) {
    this.request = request;
    this.host = host;
    const { kind, activity } = host.engine.state;
    this.state = { kind: 'waiting', activity: kind === 'busy' ? (activity ?? null) : null };
  }

  /** Writes to the end, however that comes; never rejects. */
  async run(): Promise<void> {
    this.set(this.state);
    const asked: ContinueTextRequest = {
      kind: 'continue-text',
      ...this.host.place,
      ...this.request,
      alternativeCount,
    };
    try {
      const end = await this.host.engine.ask(asked, {
        signal: this.abort.signal,
        onProgress: () => {
          if (this.state.kind === 'waiting') this.set({ kind: 'writing' });
        },
        onPartialText: (piece) => {
          this.take(piece);
        },
      });
      this.set({ kind: 'done', end });
    } catch (error) {
      if (error instanceof Cancelled) this.set({ kind: 'cancelled' });
      else this.set({ kind: 'failed', message: messageOf(error) });
    }
  }

  cancel(): void {
    this.abort.abort();
  }

  /** Tells everything again. */
  showAll(): void {
    const { id } = this.request;
    const prompt = this.prompt === undefined ? {} : { prompt: this.prompt };
    this.host.show({ kind: 'tokens', id, firstIndex: 0, piece: { ...prompt, written: this.written } });
    this.host.show({ kind: 'state', id, state: this.state });
  }

  private take(piece: TextPiece): void {
    const firstIndex = this.written.length;
    this.prompt = piece.prompt ?? this.prompt;
    this.written.push(...piece.written);
    this.host.show({ kind: 'tokens', id: this.request.id, firstIndex, piece });
  }

  private set(state: ContinuationState): void {
    this.state = state;
    this.host.show({ kind: 'state', id: this.request.id, state });
  }
}
