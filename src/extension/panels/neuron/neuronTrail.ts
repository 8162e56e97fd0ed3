import type { NeuronTrail } from '../../../protocol/views/neuronMessages.js';

/** Addresses that are kept. */
const trailLimit = 50;

/** How an address was reached. */
export type Reached = 'jump' | 'step';

/** Where a page has been: jumps are kept one by one, a walk from unit to unit counts as one, or Back would only undo steps. */
export class VisitTrail {
  private entries: { readonly address: string; readonly reached: Reached }[];
  private index: number;

  constructor({ addresses, index }: NeuronTrail = { addresses: [], index: -1 }) {
    this.entries = addresses.map((address) => ({ address, reached: 'jump' }));
    this.index = index;
  }

  /** The trail as the page keeps it. */
  get trail(): NeuronTrail {
    return { addresses: this.entries.map(({ address }) => address), index: this.index };
  }

  get current(): string | undefined {
    return this.entries[this.index]?.address;
  }

  /** Adds an address; what was ahead is forgotten. */
  visit(address: string, reached: Reached): void {
    const last = this.entries[this.index];
    if (last?.address === address) return;
    const isWalking = reached === 'step' && last?.reached === 'step';
    const kept = this.entries.slice(0, isWalking ? this.index : this.index + 1);
    this.entries = [...kept, { address, reached }].slice(-trailLimit);
    this.index = this.entries.length - 1;
  }

  /** Goes back or forward and returns where that leads; undefined at an end. */
  travel(by: 1 | -1): string | undefined {
    const entry = this.entries[this.index + by];
    if (entry === undefined) return undefined;
    this.index += by;
    return entry.address;
  }
}
