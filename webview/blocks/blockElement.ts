import { LitElement } from 'lit';
import { property } from 'lit/decorators.js';
import type { Block } from '../../src/protocol/blocks.js';
import type { Report } from '../../src/protocol/report.js';

/** What a block needs from the page around it. */
export interface BlockContext {
  readonly report: Report;
  /** Address of the report's folder, for pictures that are files beside it. */
  readonly base: string;
  /** State of the block's parts, by key. */
  readonly state: { read(key: string): unknown; set(key: string, state: unknown): void };
}

/**
 * What every block's element has in common. A new report sets `block` and `context` again; what a person did to the block
 * (sorted, scrolled, unfolded) stays.
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- gives each element the type of its block
export abstract class BlockElement<B extends Block> extends LitElement {
  @property({ attribute: false }) block!: B;
  @property({ attribute: false }) context!: BlockContext;
}
