import { LitElement } from 'lit';
import { property } from 'lit/decorators.js';
import type { Block } from '../../src/protocol/blocks.js';
import type { Report } from '../../src/protocol/report.js';
import type { PickedPart } from '../components/parts/pickedPart.js';

/** What a block needs from the page around it. */
export interface BlockContext {
  readonly report: Report;
  /** Address of the report's folder, for pictures that are files beside it. */
  readonly base: string;
  /** State of the block's parts, by key. */
  readonly state: { read(key: string): unknown; set(key: string, state: unknown): void };
  /** The piece of this block that was picked last, unless one of another block was since. */
  readonly picked?: PickedPart | undefined;
  /** Says that a piece was picked, and where it is drawn in the window. */
  pick?(part: PickedPart, anchor: DOMRect): void;
}

/**
 * What every block's element has in common. A new report sets `block` and `context` again; what a person did to the block
 * (sorted, scrolled, unfolded) stays.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- gives each element the type of its block
export abstract class BlockElement<B extends Block> extends LitElement {
  @property({ attribute: false }) block!: B;
  @property({ attribute: false }) context!: BlockContext;

  /** Whether there is anything to ask about the pieces of the block. */
  protected get isPickable(): boolean {
    const { parts } = this.block;
    return parts !== undefined && parts.followUps.length > 0 && this.context.pick !== undefined;
  }

  /** Returns the name of the piece of an item that was picked last. */
  protected pickedIn(item: number): string | undefined {
    const { picked } = this.context;
    return picked?.item === item ? picked.name : undefined;
  }
}
