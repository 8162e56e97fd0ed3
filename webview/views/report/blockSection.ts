import { html, nothing, type TemplateResult } from 'lit';
import type { Block } from '../../../src/protocol/blocks.js';
import { isKnownBlock } from '../../../src/protocol/knownBlocks.js';
import type { UnknownBlock } from '../../../src/protocol/report.js';
import { blockHeading } from '../../../src/protocol/reportLayout.js';
import type { BlockContext } from '../../blocks/blockElement.js';
import { blockElementOf } from '../../blocks/blockTable.js';
import { t } from '../../text.js';

/** Returns a block under its heading, folded when the report says so or the person did. */
export function blockSection(block: Block | UnknownBlock, context: BlockContext): TemplateResult {
  const body = isKnownBlock(block) ? blockElementOf(block, context) : unknownBlock(block);
  const heading = blockHeading(block);
  if (isKnownBlock(block) && block.folded === true) return fold(heading ?? t('More'), body, context.state);
  return html`<section>${heading === undefined ? nothing : html`<h2>${heading}</h2>`} ${body}</section>`;
}

/** Returns content that is hidden until asked for; whether it is open survives a reload. */
export function fold(heading: string, body: unknown, state: BlockContext['state']): TemplateResult {
  return html`<section>
    <details
      ?open=${state.read('open') === true}
      @toggle=${(event: Event) => {
        const isOpen = event.currentTarget instanceof HTMLDetailsElement && event.currentTarget.open;
        if (isOpen !== (state.read('open') === true)) state.set('open', isOpen);
      }}
    >
      <summary><h2>${heading}</h2></summary>
      ${body}
    </details>
  </section>`;
}

/** A block of a later version: its own words stand for it. */
function unknownBlock({ type, alt }: UnknownBlock): TemplateResult {
  return html`<p>
    ${alt ?? ''}
    <span class="muted">${t('(A part of kind “{0}”, which this version cannot show.)', type)}</span>
  </p>`;
}
