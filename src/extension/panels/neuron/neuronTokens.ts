import { Cancelled } from '../../../base/abort.js';
import { messageOf } from '../../../base/errors.js';
import type { UnitTokens } from '../../../protocol/units.js';
import type { TokensState } from '../../../protocol/views/neuronMessages.js';
import { LatestTask } from './latestTask.js';

/** What the tokens of neurons are asked of. */
export interface TokensHost {
  /** Whether the model looks like one that writes text, and may be run. */
  mayAsk(): boolean;
  /** Asks the engine; null where no weights bring the neuron to the vocabulary. */
  ask(address: string): Promise<UnitTokens | null>;
  show(state: TokensState): void;
}

/** Neurons whose tokens are kept, to go back and forth between neighbours. */
const keptCount = 50;

/** The tokens that the neuron in sight makes likelier; of neurons that are walked past none are asked. */
export class NeuronTokens {
  private readonly host: TokensHost;
  private readonly task = new LatestTask();
  private readonly kept = new Map<string, TokensState>();
  private address: string | undefined;
  /** Whether the tokens of the neuron in sight are known, on their way or could not be had. */
  private isAsked = false;

  constructor(host: TokensHost) {
    this.host = host;
  }

  /** The page shows this neuron now, or whether it may be asked changed; undefined: none. */
  visit(address: string | undefined): void {
    if (address !== this.address) {
      this.task.clear();
      this.isAsked = false;
    }
    this.address = address;
    if (address === undefined || this.isAsked || !this.host.mayAsk()) return;
    // What failed too: it is asked for again when the neuron is come back to.
    this.isAsked = true;
    const known = this.kept.get(address);
    if (known === undefined) this.task.run(() => this.read(address));
    else this.host.show(known);
  }

  /** The model is another one now. */
  forget(): void {
    this.visit(undefined);
    this.kept.clear();
  }

  private async read(address: string): Promise<void> {
    const state = this.kept.get(address) ?? (await this.stateOf(address));
    if (state.kind !== 'failed') this.keep(address, state);
    if (this.address === address) this.host.show(state);
  }

  private async stateOf(address: string): Promise<TokensState> {
    try {
      const tokens = await this.host.ask(address);
      return tokens === null ? { kind: 'none' } : { kind: 'read', tokens };
    } catch (error) {
      if (error instanceof Cancelled) return { kind: 'none' };
      return { kind: 'failed', message: messageOf(error) };
    }
  }

  private keep(address: string, state: TokensState): void {
    this.kept.set(address, state);
    const [oldest] = this.kept.keys();
    if (this.kept.size > keptCount && oldest !== undefined) this.kept.delete(oldest);
  }
}
